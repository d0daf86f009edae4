"""Light curves as scikit-learn sees them.

:class:`LightCurves` (``container.py``) is the one inner form. Every other form becomes one at the
door (``door.py``): lists and arrays (``arrays.py``), data frames, Arrow and parquet
(``tables.py``, ``long_tables.py``), time series of astropy and lightkurve (``time_series.py``).
"""

from sklearn_astromer.light_curves.container import LightCurves
from sklearn_astromer.light_curves.door import as_light_curves, holds_light_curves
from sklearn_astromer.light_curves.ephemerides import Ephemerides

__all__ = ["Ephemerides", "LightCurves", "as_light_curves", "holds_light_curves"]
