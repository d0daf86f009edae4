"""The decoder in closed form: what a fixed encoder already knows of hidden magnitudes."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import torch
from torch import Tensor
from torch.nn import functional

from sklearn_astromer.network import AstromerNetwork
from sklearn_astromer.network.inputs import visible_spread

# Enough for the 257 unknowns of the paper's decoder: about 6,000 windows of 200 observations.
MOST_BATCHES = 100
# Share of the mean variance of the embeddings, against directions that hardly vary.
RIDGE = 1e-3


def solve_decoder(
    network: AstromerNetwork,
    batches: Iterable[tuple[dict[str, Tensor], tuple[Tensor, Tensor]]],
    most_batches: int = MOST_BATCHES,
) -> None:
    """Give the network the decoder that predicts the targets best, by ridge regression.

    Fine-tuning that starts with a decoder that does not fit bends the encoder first, and what it
    knows is lost (Kumar et al. 2022, "Fine-tuning can distort pretrained features", ICLR).

    Parameters
    ----------
    network : AstromerNetwork
        In evaluation mode; its decoder is changed in place, its encoder is not.
    batches : iterable of (inputs, (magnitude, target))
        As `sklearn_astromer.training.pretraining.HiddenWindows` gives them.
    most_batches : int, default=100
        How many of them are looked at.
    """
    size = network.config.embedding_size
    device = network.decoder.linear.weight.device
    covariance = torch.zeros(size + 1, size + 1, dtype=torch.float64, device=device)
    product = torch.zeros(size + 1, dtype=torch.float64, device=device)
    with torch.no_grad():
        for inputs, (magnitude, target) in islice(batches, most_batches):
            rows = functional.layer_norm(
                network.encoder(**inputs)[target].float(), (size,), eps=network.decoder.norm.eps
            ).double()
            rows = functional.pad(rows, (0, 1), value=1.0)
            covariance += rows.T @ rows
            product += rows.T @ told_of(network, inputs, magnitude)[target].double()
        ridge = RIDGE * covariance.diagonal().mean().clamp(min=1e-30)
        identity = torch.eye(size + 1, dtype=torch.float64, device=device)
        solution = torch.linalg.solve(covariance + ridge * identity, product)
        network.decoder.norm.weight.fill_(1.0)
        network.decoder.norm.bias.zero_()
        network.decoder.linear.weight.copy_(solution[None, :-1])
        network.decoder.linear.bias.copy_(solution[-1:])


def told_of(network: AstromerNetwork, inputs: dict[str, Tensor], magnitude: Tensor) -> Tensor:
    """Give what the decoder has to tell: magnitudes, or what they are in the network's units."""
    if not network.config.standardised:
        return magnitude
    spread = visible_spread(inputs["magnitude"], inputs.get("hidden"), inputs.get("padding"))
    return (magnitude - spread.mean) / spread.deviation
