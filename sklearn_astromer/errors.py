"""The errors and warnings of this package.

Each is also one of Python's own kinds, as its base tells: who catches a ``ValueError``, as is usual
with scikit-learn, catches these too. What is plainly no light curve, or no parameter, of any form
is a ``TypeError``, and a file that is not there a ``FileNotFoundError``, as everywhere in Python.
"""


class AstromerError(Exception):
    """What all errors of this package have in common."""


class LightCurveError(AstromerError, ValueError):
    """A light curve, or a table of them, cannot be used; the message names its position."""


class ParameterError(AstromerError, ValueError):
    """A parameter is not valid, or does not go with another one or with the data."""


class WeightsError(AstromerError, ValueError):
    """A file of weights, or a saved estimator, is damaged, too new, unknown, or does not fit."""


class DownloadError(AstromerError, ConnectionError):
    """A file could not be downloaded, and is not in the cache."""


class TrainingError(AstromerError, RuntimeError):
    """Training went wrong, and left nothing that is of use."""


class LightCurveWarning(UserWarning):
    """Light curves can be used, but are probably not what they should be."""
