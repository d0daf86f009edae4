"""What was found out about the cycles of light curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Ephemerides:
    """When light curves begin their cycles, and how sure that is; NaN where nothing was found.

    All of float64 and shape (n_curves,).

    Parameters
    ----------
    period : ndarray
        Days; the best period of `sklearn_astromer.periods.PeriodFinder`.
    epoch : ndarray
        A time of minimum light (days), in the curve folded on twice the period, so that the deeper
        one of two different minima is meant.
    power, scatter, scatter_double, log_false_alarm : ndarray
        As `PeriodFinder.transform` gives them.
    """

    period: NDArray[np.float64]
    epoch: NDArray[np.float64]
    power: NDArray[np.float64]
    scatter: NDArray[np.float64]
    scatter_double: NDArray[np.float64]
    log_false_alarm: NDArray[np.float64]

    @classmethod
    def none(cls, n_curves: int) -> Ephemerides:
        """Give what says that no light curve has a period.

        Parameters
        ----------
        n_curves : int
            Number of light curves.

        Returns
        -------
        ephemerides : Ephemerides
            All NaN.
        """
        return cls(*np.full((len(fields(cls)), n_curves), np.nan))

    def __len__(self) -> int:
        return len(self.period)

    def of(self, chosen: NDArray[np.integer] | slice) -> Ephemerides:
        """Give those of some light curves.

        Parameters
        ----------
        chosen : ndarray of int, or slice
            Their positions.

        Returns
        -------
        ephemerides : Ephemerides
        """
        return Ephemerides(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def facts(self) -> NDArray[np.float32]:
        """Give what a network is told of the periods, as numbers of order one.

        Returns
        -------
        facts : ndarray of float32, shape (n_curves, 6)
            Decimal logarithm of the period, the powers and scatters, the logarithm of the
            false-alarm probability over -100 (at most 1), and one. All zero where there is none.
        """
        with np.errstate(invalid="ignore"):
            columns = (
                np.log10(self.period),
                self.power,
                self.scatter,
                self.scatter_double,
                np.clip(self.log_false_alarm / -100, 0, 1),
                np.ones_like(self.period),
            )
        facts = np.stack(columns, 1)
        facts[~np.isfinite(self.period)] = 0.0
        return np.nan_to_num(facts).astype(np.float32)


def joined_ephemerides(parts: Sequence[Ephemerides | None]) -> Ephemerides | None:
    """Join the ephemerides of several parts; None unless all of them have some."""
    known = [astuple(part) for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    return Ephemerides(*(np.concatenate(columns) for columns in zip(*known, strict=True)))
