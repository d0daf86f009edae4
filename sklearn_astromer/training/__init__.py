"""Running the network: batches on a device, the training loop, precision; it knows no files."""
