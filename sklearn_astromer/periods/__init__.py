"""Period search and folding at the speed of matrix products."""

from sklearn_astromer.periods.ephemeris import with_periods
from sklearn_astromer.periods.finder import PeriodFinder, periodogram
from sklearn_astromer.periods.folded import FoldedCurve

__all__ = ["FoldedCurve", "PeriodFinder", "periodogram", "with_periods"]
