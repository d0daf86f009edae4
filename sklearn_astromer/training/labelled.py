"""Labelled windows for the training of heads: one of each light curve per epoch, at random."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sklearn_astromer.training.batches import DeviceObservations
from sklearn_astromer.windows import Windows, consecutive_windows, random_windows


class WindowInputs(Protocol):
    """Where the windows of some light curves come from, and what a `HeadedNetwork` gets of them."""

    consecutive: Windows

    def random(self, random_state: np.random.RandomState) -> Windows:
        """Choose one window of each light curve."""

    def inputs(self, windows: Windows) -> dict[str, Tensor]:
        """Give the arguments of `HeadedNetwork` for these windows."""


class RawWindows:
    """Windows as they are, from which the encoder (or the head itself) reads anew each time.

    Parameters
    ----------
    observations : DeviceObservations
        All light curves.
    """

    def __init__(self, observations: DeviceObservations) -> None:
        self.observations = observations
        size = observations.config.window_size
        self.consecutive = consecutive_windows(observations.offsets, size)

    def random(self, random_state: np.random.RandomState) -> Windows:
        """Cut one window of each light curve, at any position."""
        config = self.observations.config
        return random_windows(self.observations.offsets, config.window_size, random_state)

    def inputs(self, windows: Windows) -> dict[str, Tensor]:
        """Gather the windows."""
        batch = self.observations.batch(windows)
        return batch.inputs() | {"length": batch.length}


class StoredFeatures:
    """What a frozen encoder makes of the consecutive windows, computed once.

    Parameters
    ----------
    features : Tensor
        Of pooled readings, of shape (n_windows, ...); of sequences, of shape
        (n_observations, embedding_size).
    consecutive : Windows
        The windows.
    sequence : bool
        Which of the two it is.
    """

    def __init__(self, features: Tensor, consecutive: Windows, *, sequence: bool) -> None:
        self.features = features
        self.consecutive = consecutive
        self.sequence = sequence
        self._first = np.flatnonzero(np.diff(consecutive.curve, prepend=-1))
        self._n_windows = np.diff(np.append(self._first, len(consecutive)))

    def random(self, random_state: np.random.RandomState) -> Windows:
        """Choose one of the consecutive windows of each light curve."""
        chosen = np.floor(random_state.random_sample(len(self._first)) * self._n_windows)
        return self.consecutive[self._first + chosen.astype(np.int64)]

    def inputs(self, windows: Windows) -> dict[str, Tensor]:
        """Gather what is stored of the windows."""
        device = self.features.device
        length = torch.from_numpy(windows.length).to(device)
        if not self.sequence:
            row = torch.from_numpy(np.searchsorted(self.consecutive.start, windows.start))
            return {"features": self.features[row.to(device)], "length": length}
        position = torch.arange(int(windows.length.max()), device=device)
        row = torch.from_numpy(windows.start).to(device)[:, None] + position
        # In padding any observation will do: the head does not look there.
        return {"features": self.features[row.clamp_(max=len(self.features) - 1)], "length": length}


class LabelledWindows:
    """Batches of windows with their targets and weights, which skorch iterates over.

    Parameters
    ----------
    source : RawWindows or StoredFeatures
        Of all light curves.
    curves : ndarray of int64
        Positions of the light curves to use.
    target : Tensor, shape (n_curves, ...)
        Class numbers, or numbers to predict, of all light curves.
    weight : Tensor of float, shape (n_curves,)
        How much each light curve counts; scaled here to a mean of one over what is used.
    batch_size : int
        Most windows of a batch.
    random_state : RandomState or None
        Chooses one window of each light curve, and their order, for each epoch. None: every
        consecutive window, in order, and those of a light curve share its weight.
    """

    def __init__(
        self,
        source: WindowInputs,
        curves: NDArray[np.int64],
        target: Tensor,
        weight: Tensor,
        *,
        batch_size: int,
        random_state: np.random.RandomState | None,
    ) -> None:
        self.source = source
        self.curves = curves
        self.target = target
        self.batch_size = batch_size
        self.random_state = random_state
        if random_state is None:
            everything = source.consecutive
            self._fixed = everything[np.flatnonzero(np.isin(everything.curve, curves))]
            n_windows = np.bincount(self._fixed.curve, minlength=len(target))
            weight = weight / torch.from_numpy(n_windows.clip(min=1)).to(weight)
            used = self._fixed.curve
        else:
            used = curves
        self.weight = weight / weight[torch.from_numpy(used).to(weight.device)].mean()

    def __len__(self) -> int:
        return len(self.curves) if self.random_state is not None else len(self._fixed)

    def __iter__(self) -> Iterator[tuple[dict[str, Tensor], tuple[Tensor, Tensor]]]:
        if self.random_state is None:
            windows = self._fixed
        else:
            windows = self.source.random(self.random_state)[self.curves]
            windows = windows[self.random_state.permutation(len(windows))]
        for first in range(0, len(windows), self.batch_size):
            batch = windows[first : first + self.batch_size]
            curve = torch.from_numpy(batch.curve).to(self.target.device)
            yield self.source.inputs(batch), (self.target[curve], self.weight[curve])
