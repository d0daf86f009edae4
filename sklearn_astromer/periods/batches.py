"""Light curves as padded tensors, and the frequencies at which each of them is searched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sklearn_astromer.light_curves import LightCurves
from sklearn_astromer.windows import refuse_bad_errors, usable_observations

# A row of the spectrum: frequencies on both sides of a centre, reached by the same products.
HALF_ROW = 128
ROW = 2 * HALF_ROW
# Lengths of a batch differ by no more than this factor, which bounds the padding.
LENGTH_RATIO = 1.1
# More than can be searched, and less than int64 holds.
LARGEST_COUNT = 1e18


@dataclass(frozen=True)
class CurveBatch:
    """Light curves of like length on a device, padded with observations of weight zero.

    Parameters
    ----------
    time : Tensor of float64, shape (n_curves, n_observations)
        Days from the middle of each curve's span, so that phases stay small.
    magnitude : Tensor of float64, shape (n_curves, n_observations)
        Magnitudes minus their weighted mean; 0 in the padding.
    weight : Tensor of float64, shape (n_curves, n_observations)
        One over the squares of the errors; they sum to 1.
    length : Tensor of int64, shape (n_curves,)
        Number of observations of each curve.
    span : Tensor of float64, shape (n_curves,)
        Days from the first observation to the last.
    """

    time: Tensor
    magnitude: Tensor
    weight: Tensor
    length: Tensor
    span: Tensor

    @property
    def variance(self) -> Tensor:
        """Weighted variance of the magnitudes, shape (n_curves,)."""
        return (self.weight * self.magnitude.square()).sum(-1)

    def with_magnitude(self, magnitude: Tensor) -> CurveBatch:
        """Give the same curves with other magnitudes, of which the weighted mean is taken off."""
        mean = (self.weight * magnitude).sum(-1, keepdim=True)
        return replace(self, magnitude=torch.where(self.weight > 0, magnitude - mean, 0.0))


@dataclass(frozen=True)
class FrequencyGrid:
    """Equally spaced frequencies, different ones for each curve of a batch.

    Parameters
    ----------
    first, step : Tensor of float64, shape (n_curves,)
        Lowest frequency, and the distance to the next, per day.
    count : Tensor of int64, shape (n_curves,)
        Number of frequencies.
    """

    first: Tensor
    step: Tensor
    count: Tensor

    @property
    def n_rows(self) -> Tensor:
        """Number of rows of each curve's spectrum; the last one may go beyond the grid."""
        return -(-self.count // ROW)

    def centre(self, row: Tensor) -> Tensor:
        """Give the frequencies in the middle of rows, float64, shape (n_curves, n_rows)."""
        # In float64, which a default dtype has no part in.
        middle = row.double() * ROW + (HALF_ROW - 0.5)
        return self.first[:, None] + middle * self.step[:, None]

    def frequencies(self, row: Tensor) -> Tensor:
        """Give all frequencies of rows, float64, shape (n_curves, n_rows, ROW)."""
        number = row[:, :, None] * ROW + torch.arange(ROW, device=row.device)
        return self.first[:, None, None] + number * self.step[:, None, None]

    def contains(self, row: Tensor) -> Tensor:
        """Tell which frequencies of rows belong to the grid, shape (n_curves, n_rows, ROW)."""
        number = row[:, :, None] * ROW + torch.arange(ROW, device=row.device)
        return number < self.count[:, None, None]


@dataclass(frozen=True)
class SearchRange:
    """What periods are searched, and how densely.

    Parameters
    ----------
    min_period : float
        Shortest period, in days.
    max_period : float or None
        Longest period, in days; None is the span of each curve.
    oversampling : float
        Frequencies per 1 / span, which is about the width of a peak.
    """

    min_period: float
    max_period: float | None
    oversampling: float

    def counts(self, span: NDArray[np.float64]) -> NDArray[np.int64]:
        """Give the number of frequencies of curves with these spans (days); 0 if there are none."""
        longest = span if self.max_period is None else np.full_like(span, self.max_period)
        with np.errstate(divide="ignore", invalid="ignore"):
            width = self.oversampling * span * (1 / self.min_period - 1 / longest)
        # So that rounding does not leave out the shortest period itself.
        steps = np.floor(np.nan_to_num(width, neginf=-1) + 1e-6)
        return np.where(span > 0, np.clip(steps + 1, 0, LARGEST_COUNT), 0).astype(np.int64)

    def grid(self, span: Tensor) -> FrequencyGrid:
        """Give the frequencies of curves with these spans (days)."""
        longest = span if self.max_period is None else torch.full_like(span, self.max_period)
        counts = torch.from_numpy(self.counts(span.cpu().numpy())).to(span.device)
        return FrequencyGrid(1 / longest, 1 / (self.oversampling * span), counts)


class SearchableCurves:
    """Observations of light curves with their weights, from which batches are cut.

    Parameters
    ----------
    curves : LightCurves
        Observations with a NaN time or magnitude are left out. Errors that are NaN are taken to
        be like the median of the curve's other errors; without any, all observations weigh alike.
    add_jitter : bool, default=False
        Whether the variance of a curve's magnitudes that its errors do not explain is added to
        their squares.

    Raises
    ------
    LightCurveError
        If a curve has no measured observation, or an error that is not positive.
    """

    def __init__(self, curves: LightCurves, *, add_jitter: bool = False) -> None:
        observations = usable_observations(curves)
        refuse_bad_errors(curves, "weights need")
        self.offsets = observations.offsets
        # Differences of times need all digits; their origin does not.
        self.time = observations.time
        self.magnitude = observations.magnitude.astype(np.float64)
        self.length = np.diff(self.offsets)
        self.weight = np.ones(len(self.time))
        if curves.error is not None:
            error = curves.error[observations.position].astype(np.float64)
            square = self._known_errors(error) ** 2
            self.weight = 1 / (square + self._excess(square) if add_jitter else square)
        starts = self.offsets[:-1]
        self.span = self.time[self.offsets[1:] - 1] - self.time[starts]
        self.middle = self.time[starts] + self.span / 2
        steps = np.diff(self.time, prepend=np.nan) > 0
        steps[starts] = True
        self.n_times = np.add.reduceat(steps, starts)
        highest, lowest = np.maximum.reduceat, np.minimum.reduceat
        self.is_constant = highest(self.magnitude, starts) == lowest(self.magnitude, starts)

    def __len__(self) -> int:
        return len(self.length)

    def _known_errors(self, error: NDArray[np.float64]) -> NDArray[np.float64]:
        unknown = np.isnan(error)
        if not unknown.any():
            return error
        curve = np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))
        for one in np.unique(curve[unknown]):
            part = slice(self.offsets[one], self.offsets[one + 1])
            known = error[part][~unknown[part]]
            error[part][unknown[part]] = np.median(known) if len(known) else 1.0
        return error

    def _excess(self, square: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the variance beyond the squares of the errors, or 0, for each observation."""
        starts, n = self.offsets[:-1], self.length
        mean = np.repeat(np.add.reduceat(self.magnitude, starts) / n, n)
        variance = np.add.reduceat((self.magnitude - mean) ** 2, starts) / np.maximum(n - 1, 1)
        excess = np.maximum(variance - np.add.reduceat(square, starts) / n, 0.0)
        return np.repeat(excess, n)

    def half_chi_square(self, curve: int) -> float:
        """Give half of the weighted squares of one curve's magnitudes minus their mean."""
        part = slice(self.offsets[curve], self.offsets[curve + 1])
        magnitude, weight = self.magnitude[part], self.weight[part]
        mean = np.average(magnitude, weights=weight)
        return 0.5 * float((weight * (magnitude - mean) ** 2).sum())

    def batch(self, chosen: NDArray[np.int64], device: torch.device) -> CurveBatch:
        """Put some curves on a device.

        Parameters
        ----------
        chosen : ndarray of int64, shape (n_chosen,)
            Positions of the curves.
        device : torch.device

        Returns
        -------
        batch : CurveBatch
        """
        length = self.length[chosen]
        number = np.arange(length.max())
        real = number < length[:, None]
        rows = self.offsets[chosen][:, None] + np.where(real, number, 0)
        weight = np.where(real, self.weight[rows], 0.0)
        columns: tuple[NDArray, ...] = (
            np.where(real, self.time[rows] - self.middle[chosen][:, None], 0.0),
            self.magnitude[rows] - self.magnitude[rows[:, :1]],
            weight / weight.sum(1, keepdims=True),
            length,
            self.span[chosen],
        )
        batch = CurveBatch(*(torch.from_numpy(column).to(device) for column in columns))
        return batch.with_magnitude(batch.magnitude)

    def batches(
        self, chosen: NDArray[np.int64], n_frequencies: NDArray[np.int64], batch_size: int
    ) -> Iterator[NDArray[np.int64]]:
        """Group curves of like length and, among them, of like numbers of frequencies.

        Parameters
        ----------
        chosen : ndarray of int64
            Positions of the curves to group.
        n_frequencies : ndarray of int64, shape (n_curves,)
            Of all curves.
        batch_size : int
            Most curves of a batch.

        Yields
        ------
        batch : ndarray of int64
            Positions; the longest curves come first, so that a lack of memory shows at once.
        """
        size = np.floor(np.log(self.length[chosen]) / np.log(LENGTH_RATIO))
        order = np.lexsort((-n_frequencies[chosen], -size))
        for first in range(0, len(order), batch_size):
            yield chosen[order[first : first + batch_size]]
