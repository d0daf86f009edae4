"""Warnings of light curves in a stream: of the first strange ones, and not of all others."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from sklearn_astromer.errors import LightCurveWarning
from sklearn_astromer.light_curves.values import warn

__all__ = ["StrangeRows"]


class StrangeRows:
    """Tells of the first rows that are warned of where they are; a stream has many batches."""

    def __init__(self) -> None:
        self.told = False

    @contextmanager
    def watched(self, place: str) -> Iterator[None]:
        """Watch over what is done with some rows.

        Parameters
        ----------
        place : str
            Where the first of them is.
        """
        with warnings.catch_warnings(record=True) as caught:
            yield
        for one in caught:
            if not issubclass(one.category, LightCurveWarning):
                warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
            elif not self.told:
                self.told = True
                warn(
                    f"from {place} on (counted from 0 there): {one.message} Of further rows "
                    "nothing is told."
                )
