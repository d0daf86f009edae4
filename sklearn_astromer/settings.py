"""Settings from outside: all environment variables that the package reads, which is one.

``SKLEARN_ASTROMER_HOME``
    The folder in which all that is downloaded stays. Without it, the place where this operating
    system keeps caches.
"""

from __future__ import annotations

import os
from pathlib import Path

CACHE_VARIABLE = "SKLEARN_ASTROMER_HOME"


def cache_folder() -> Path:
    """Tell where downloaded files are kept.

    Returns
    -------
    folder : Path
        The environment variable ``SKLEARN_ASTROMER_HOME``, or else the place where this operating
        system keeps caches. It may not exist yet.
    """
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    import pooch

    return Path(pooch.os_cache("sklearn_astromer"))
