"""How fast networks are trained, and how near that is to what the machine can do.

The first table: windows per second of `AstromerEmbedder.fit` with the paper's architecture, beside
a bare torch loop over batches that are there already. The second: steps of long pre-training, as in
examples/pretrain.py, with both architectures. All windows are full; the limit is the rate of matrix
products, in the precision of the network's. Training does three times as many as inference.

Usage: python examples/benchmarks/fit.py [--curves 256] [--epochs 2] [--batch-size 64]
       [--device auto] [--precision auto] [--repeats 3] [--json FILE]
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from measuring import (
    Report,
    Way,
    add_device_options,
    add_options,
    operations,
    random_curves,
)

from sklearn_astromer import AstromerEmbedder, LightCurves
from sklearn_astromer.network import AstromerNetwork
from sklearn_astromer.network.config import ARCHITECTURES
from sklearn_astromer.preparation import observations_for
from sklearn_astromer.training.batches import DeviceObservations
from sklearn_astromer.training.devices import autocast
from sklearn_astromer.training.long_run import LongRunSettings, TellingNetwork, long_run_net
from sklearn_astromer.training.mixture import MixtureSettings, MixtureWindows
from sklearn_astromer.training.portraits import N_PORTRAIT, portraits
from sklearn_astromer.training.pretraining import HiddenRMSE, HiddenWindows

PAPER = ARCHITECTURES["paper"]
# The way forward, and the way back to the inputs and to the weights of each product.
PASSES = 3
# Of the half of the observations that are targets, `fit` hides three fifths and shows the others.
HIDDEN, SHOWN_OF_TARGETS = 0.5, 0.4


def wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def measure_fit(report: Report, curves: LightCurves, options: argparse.Namespace) -> None:
    """Measure fit, beside a bare loop."""
    device = options.device
    embedder = AstromerEmbedder(
        max_epochs=options.epochs,
        validation_fraction=None,
        batch_size=options.batch_size,
        device=str(device),
        precision=options.precision,
        random_state=0,
    )
    windows = HiddenWindows(
        DeviceObservations(observations_for(PAPER, curves, device=device), PAPER, device),
        batch_size=options.batch_size,
        hidden_fraction=HIDDEN,
        visible_fraction=SHOWN_OF_TARGETS,
        seed=0,
        same_each_epoch=False,
    )
    batches = list(windows)
    network = AstromerNetwork(PAPER).to(device).train()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    loss = HiddenRMSE()

    def bare_loop() -> None:
        for _ in range(options.epochs):
            for inputs, truth in batches:
                optimizer.zero_grad()
                with autocast(device, options.precision):
                    prediction = network(**inputs)
                loss(prediction, truth).backward()
                optimizer.step()
        wait_for(device)

    n_windows = options.epochs * len(curves)
    visible = 1 - HIDDEN * (1 - SHOWN_OF_TARGETS)
    work = PASSES * options.epochs * operations(curves.lengths, PAPER, visible)
    bare = Way("bare loop over batches", bare_loop, n_windows, work)
    ways = [Way("fit", lambda: embedder.fit(curves), n_windows, work), bare]
    limit = report.matrix_product
    report.compare("fit, the paper's network", "windows", ways, baseline=bare.name, limit=limit)


def pretraining_epoch(architecture: str, curves: LightCurves, options: argparse.Namespace) -> Way:
    """Make ready to measure an epoch of long pre-training."""
    config, device = ARCHITECTURES[architecture], options.device
    steps = max(1, options.epochs * len(curves) // options.batch_size)
    # Noise has no period: the network is told so, which takes it as long as a period would.
    observations = observations_for(config, curves, device=device, search=False)
    settings = MixtureSettings(options.batch_size, steps, hidden_fraction=HIDDEN, short_fraction=0)
    windows = MixtureWindows(
        DeviceObservations(observations, config, device),
        np.ones(len(curves)),
        np.arange(len(curves)) % 2,
        portraits(observations),
        settings,
    )
    module = TellingNetwork(AstromerNetwork(config), 2, N_PORTRAIT)
    run = LongRunSettings(n_epochs=1000, device=device, precision=options.precision)
    net = long_run_net(module, windows, run)

    def epoch() -> None:
        net.partial_fit(windows, None, epochs=1)
        wait_for(device)

    lengths = np.full(len(windows), config.window_size)
    work = PASSES * operations(lengths, config, 1 - HIDDEN)
    return Way(f"pre-training, {architecture}", epoch, len(windows), work)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--curves", type=int, default=256)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=64)
    add_device_options(parser, default="auto")
    add_options(parser, repeats=3)
    options = parser.parse_args()
    report = Report("fit", options)
    curves = random_curves(np.full(options.curves, PAPER.window_size))
    measure_fit(report, curves, options)
    ways = [pretraining_epoch(name, curves, options) for name in ("paper", "folding")]
    limit = report.matrix_product
    title = "steps of long pre-training"
    report.compare(title, "windows", ways, baseline=ways[0].name, limit=limit)


if __name__ == "__main__":
    main()
