"""Simulated light curves of variable stars."""

from __future__ import annotations

from sklearn_astromer.datasets.cadences import CADENCES, Cadence
from sklearn_astromer.datasets.variable_stars import VARIABLE_STAR_CLASSES, make_variable_stars

__all__ = ["CADENCES", "VARIABLE_STAR_CLASSES", "Cadence", "make_variable_stars"]
