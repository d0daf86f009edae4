"""Progress bars, and what ``verbose`` means everywhere in the package.

0
    Nothing is shown.
1
    One bar at a time, which says what is being done; what prepares the rest (the search of periods,
    the embedding of what a head learns from) takes its bar away when it is done, so that a call
    leaves one line.
2
    All bars stay, and training writes a line for each epoch.

Warnings and what is lost or repaired on the way go to ``logging``, whatever ``verbose`` is: each
module has a logger of its own name under "sklearn_astromer", and none installs a handler.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

# Widgets in notebooks, text elsewhere.
from tqdm.auto import tqdm


def progress_bar(
    things: Iterable[Any] | None = None,
    *,
    verbose: int,
    unit: str,
    prepares: bool = False,
    **kwargs: Any,
) -> tqdm[Any]:
    """Make a progress bar, which is a context manager.

    Parameters
    ----------
    things : iterable or None, default=None
        What to go through; None: `update` is called by hand, up to ``total``.
    verbose : int
        0, 1 or 2, see this module.
    unit : str
        What is counted.
    prepares : bool, default=False
        Whether more is to come, so that the bar stays only with ``verbose=2``.
    **kwargs
        Handed on to `tqdm.tqdm`: ``desc``, ``total``, ``initial`` ...

    Returns
    -------
    bar : tqdm
    """
    leave = not prepares or verbose > 1
    return tqdm(things, unit=unit, disable=not verbose, leave=leave, **kwargs)


def says_each_epoch(verbose: int) -> bool:
    """Tell whether training writes a line for each epoch."""
    return verbose > 1
