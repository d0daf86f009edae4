"""A small long run for tests; called by torchrun, two processes do what `main` says."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from sklearn_astromer.datasets import make_variable_stars
from sklearn_astromer.network import AstromerNetwork, NetworkConfig
from sklearn_astromer.preparation import observations_for
from sklearn_astromer.training import processes
from sklearn_astromer.training.batches import DeviceObservations
from sklearn_astromer.training.devices import seeded
from sklearn_astromer.training.long_run import (
    KeepState,
    LongRunNet,
    LongRunSettings,
    TellingNetwork,
    long_run_net,
    resume,
)
from sklearn_astromer.training.mixture import MixtureSettings, MixtureWindows
from sklearn_astromer.training.portraits import N_PORTRAIT, portraits

CPU = torch.device("cpu")
CONFIG = NetworkConfig(
    embedding_size=16,
    n_blocks=1,
    n_heads=2,
    feedforward_size=16,
    window_size=40,
    dropout=0.1,
    residual=True,
    standardised=True,
    with_errors=True,
    cycle_multiples=(0.5, 1.0, 2.0),
)
CURVES, LABELS = make_variable_stars(
    6, classes=["RRab", "Mira", "contact binary"], cadence="atlas", random_state=0
)
# Of some windows the class is not known, of others not all of the portrait: shares differ in what
# counts.
CLASS_NUMBERS = np.where(LABELS == "Mira", -1, np.unique(LABELS, return_inverse=True)[1])
OBSERVATIONS = observations_for(CONFIG, CURVES, device=CPU)
SETTINGS = LongRunSettings(n_epochs=4, device=CPU, learning_rate=1e-2)


def make_run(
    path: Path | None = None, *, dropout: float = CONFIG.dropout, batch_size: int = 32
) -> tuple[LongRunNet, MixtureWindows]:
    """Make the net and the windows of a run; with a path, it keeps its state there."""
    config = replace(CONFIG, dropout=dropout)
    torch.manual_seed(processes.rank())
    module = TellingNetwork(AstromerNetwork(config), 3, N_PORTRAIT)
    portrait = portraits(OBSERVATIONS)
    portrait[::3, :30] = np.nan
    windows = MixtureWindows(
        DeviceObservations(OBSERVATIONS, config, CPU),
        np.ones(len(CURVES)),
        CLASS_NUMBERS,
        portrait,
        MixtureSettings(batch_size=batch_size, steps_per_epoch=10),
    )
    callbacks = [] if path is None else [("state", KeepState(path))]
    return long_run_net(module, windows, SETTINGS, callbacks), windows


def main(folder: Path) -> None:
    """Leave the states of several runs in a folder."""
    # A share of 33 windows is 16 or 17 of them.
    net, windows = make_run(folder / "whole", dropout=0.0, batch_size=33)
    net.partial_fit(windows, None, epochs=4)
    net, windows = make_run(folder / "dropout")
    net.partial_fit(windows, None, epochs=4)
    weights = torch.cat([value.flatten() for value in net.module_.parameters()]).detach()
    first, second = processes.of_all(weights)
    assert torch.equal(first, second)
    net, windows = make_run(folder / "stopped")
    net.partial_fit(windows, None, epochs=2)
    with seeded(CPU, 99):
        net, windows = make_run(folder / "went_on")
        resume(net, windows, folder / "stopped")
        net.partial_fit(windows, None, epochs=2)


if __name__ == "__main__":
    with processes.joined():
        main(Path(sys.argv[1]))
