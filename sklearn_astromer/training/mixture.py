"""Random windows of several surveys, drawn for ever on the device: what long pre-training reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sklearn_astromer.hiding import hide
from sklearn_astromer.training import processes
from sklearn_astromer.training.batches import Batch, DeviceObservations

# A wrong period is longer or shorter by a factor of up to this.
WRONG_FACTOR = 20.0


@dataclass(frozen=True)
class MixtureSettings:
    """What long pre-training asks of its windows.

    Parameters
    ----------
    batch_size : int
        Windows of a step.
    steps_per_epoch : int
        Steps between two looks at the run.
    hidden_fraction : float
        Share of the observations of a window that are hidden, all of them truly, and predicted.
    wrong_period_fraction : float
        Share of the windows whose period is made wrong, so that the network does not take it on
        trust; as many again are given none.
    short_fraction : float
        Share of the windows that are cut short, so that short light curves are known too.
    seed : int
        Decides everything.
    """

    batch_size: int
    steps_per_epoch: int
    hidden_fraction: float = 0.5
    wrong_period_fraction: float = 0.1
    short_fraction: float = 0.25
    seed: int = 0


class Truth(NamedTuple):
    """What a network has to tell of windows.

    Parameters
    ----------
    magnitude : Tensor of float32, shape (n_windows, n_positions)
        All magnitudes, the hidden ones too, minus the mean of the window.
    label : Tensor of int64, shape (n_windows,)
        Class numbers, -1 where not known.
    portrait : Tensor of float32, shape (n_windows, n_numbers)
        What the whole curves are like, NaN where not known.
    """

    magnitude: Tensor
    label: Tensor
    portrait: Tensor


class MixtureWindows:
    """Batches of random windows; a curve is drawn as often as its weight says.

    Where it stands is all in `state`: a run that goes on from there gets the same batches. In each
    of several processes an iteration gives its share of the batches.

    Parameters
    ----------
    observations : DeviceObservations
        All curves.
    weight : ndarray of float64, shape (n_curves,)
        How often each curve is drawn, relative to the others.
    label : ndarray of int64, shape (n_curves,)
        Class number of each curve, -1 where it is not known.
    portrait : ndarray of float32, shape (n_curves, n_numbers)
        What each whole curve is like, NaN where it is not known; see
        `sklearn_astromer.training.portraits`.
    settings : MixtureSettings
        How.
    """

    def __init__(
        self,
        observations: DeviceObservations,
        weight: NDArray[np.float64],
        label: NDArray[np.int64],
        portrait: NDArray[np.float32],
        settings: MixtureSettings,
    ) -> None:
        self.observations = observations
        self.settings = settings
        device = observations.device
        # Drawn by where a random number falls among the sums: exact for any number of curves.
        share = np.cumsum(np.asarray(weight, dtype=np.float64))
        self._share = torch.from_numpy(share / share[-1]).to(device)
        self._label = torch.from_numpy(np.asarray(label, dtype=np.int64)).to(device)
        self._portrait = torch.from_numpy(portrait).to(device)
        self._generator = torch.Generator(device).manual_seed(settings.seed)

    @property
    def state(self) -> Tensor:
        """Where the generator stands, as bytes."""
        return self._generator.get_state()

    @state.setter
    def state(self, state: Tensor) -> None:
        self._generator.set_state(state.cpu())

    def __len__(self) -> int:
        return self.settings.steps_per_epoch * self.settings.batch_size

    def __iter__(self) -> Iterator[tuple[dict[str, Tensor], Truth]]:
        for _ in range(self.settings.steps_per_epoch):
            # All is drawn, and so the generator stands at the same place in all processes.
            inputs, truth = self.draw()
            share = processes.share_of(self.settings.batch_size)
            inputs = {name: value[share] for name, value in inputs.items()}
            yield inputs, Truth(*(value[share] for value in truth))

    def draw(self) -> tuple[dict[str, Tensor], Truth]:
        """Draw a batch, the same in all processes.

        Returns
        -------
        inputs : dict of Tensor
            Arguments of the network.
        truth : Truth
            What the network has to tell.
        """
        settings, device = self.settings, self.observations.device
        chance = torch.rand(
            settings.batch_size, generator=self._generator, device=device, dtype=torch.float64
        )
        curve = torch.searchsorted(self._share, chance, right=True)
        curve = curve.clamp(max=len(self._share) - 1)
        batch = self.observations.random_batch(curve, self._generator, settings.short_fraction)
        batch = spoil_periods(batch, settings.wrong_period_fraction, self._generator)
        hiding = hide(
            batch.magnitude,
            batch.length,
            fraction=settings.hidden_fraction,
            shown=0.0,
            shuffled=0.0,
            generator=self._generator,
        )
        inputs = batch.inputs() | {"hidden": hiding.hidden}
        return inputs, Truth(batch.magnitude, self._label[curve], self._portrait[curve])


def spoil_periods(batch: Batch, fraction: float, generator: torch.Generator) -> Batch:
    """Make the periods of some windows wrong, and take away those of as many others.

    Parameters
    ----------
    batch : Batch
        Windows, with periods or without.
    fraction : float
        Share of the windows whose periods become wrong: a random factor off, as often half or
        twice as anything else.
    generator : torch.Generator
        Where chance comes from; on the device.

    Returns
    -------
    batch : Batch
    """
    if batch.cycle is None or batch.period is None or fraction == 0:
        return batch
    device = batch.cycle.device
    fate, size, kind = torch.rand(
        3, len(batch.cycle), generator=generator, device=device, dtype=torch.float64
    )
    any_factor = WRONG_FACTOR ** (2 * size - 1)
    factor = torch.where(kind < 0.25, 0.5, torch.where(kind < 0.5, 2.0, any_factor))
    factor = torch.where(fate < fraction, factor, 1.0)
    missing = (fate >= fraction) & (fate < 2 * fraction)
    period = batch.period.clone()
    # The first fact is the logarithm of the period,
    # and the last one whether there is a period.
    period[:, 0] += factor.log10().to(period.dtype) * period[:, -1]
    return batch._replace(
        cycle=(batch.cycle / factor[:, None]).masked_fill(missing[:, None], torch.nan),
        period=period.masked_fill(missing[:, None], 0.0),
    )
