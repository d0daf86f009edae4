"""Light curves to work with: simulated variable stars, files of surveys, downloads, a filter."""

from __future__ import annotations

from sklearn_astromer.datasets.cadences import CADENCES, Cadence
from sklearn_astromer.datasets.noise import Moments, is_white_noise, magnitude_moments
from sklearn_astromer.datasets.ogle_archive import OGLE_ADDRESS, fetch_ogle_variables
from sklearn_astromer.datasets.survey_files import MISSING, read_macho, read_ogle, read_text
from sklearn_astromer.datasets.variable_stars import VARIABLE_STAR_CLASSES, make_variable_stars

__all__ = [
    "CADENCES",
    "MISSING",
    "OGLE_ADDRESS",
    "VARIABLE_STAR_CLASSES",
    "Cadence",
    "Moments",
    "fetch_ogle_variables",
    "is_white_noise",
    "magnitude_moments",
    "make_variable_stars",
    "read_macho",
    "read_ogle",
    "read_text",
]
