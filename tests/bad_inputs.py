"""Bad and odd inputs, and what each of them must get: for the matrix of tests, and for the docs.

``python tests/bad_inputs.py`` prints the table that stands in docs/errors.md.
"""

from __future__ import annotations

import datetime as dt
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from bad_curves import (
    BAD,
    CURVE,
    CURVES,
    DATES,
    EVERY_SEVENTH,
    MJD_ZERO,
    among,
    fluxes,
    frame,
    grid,
    in_list,
    julian_dates_in_float32,
    masked,
    masked_grid,
    masked_rows,
    objects,
    read_only,
    short_and_swapped,
    swapped,
    whole_numbers,
    with_column,
    without_seventh,
)
from example_curves import random_embedder

from sklearn_astromer import FoldedCurve, as_light_curves
from sklearn_astromer.errors import LightCurveError, LightCurveWarning


@contextmanager
def silence() -> Iterator[None]:
    """Leave out what is warned of, where something else is of interest."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LightCurveWarning)
        yield


@dataclass(frozen=True)
class Outcome:
    """What becomes of an input: its numbers are right, or an error or warning tells of it."""

    kind: type[Exception] | None = None
    message: str = ""

    @contextmanager
    def expected(self) -> Iterator[None]:
        """Fail unless what is done here has this outcome."""
        if self.kind is None:
            yield
        elif issubclass(self.kind, Warning):
            with pytest.warns(self.kind, match=self.message):
                yield
        else:
            with pytest.raises(self.kind, match=self.message), silence():
                yield


RIGHT = Outcome()


def refused(message: str) -> Outcome:
    return Outcome(LightCurveError, message)


def no_numbers(message: str) -> Outcome:
    return Outcome(TypeError, message)


def warned(message: str) -> Outcome:
    return Outcome(LightCurveWarning, message)


MORE_GENERAL = ("searched", "with_errors", "embedded")


@dataclass(frozen=True)
class Case:
    """An input, and what it gets.

    Parameters
    ----------
    given : str
        What it is, in the words of the table.
    X : callable
        Makes it.
    plain : callable or None
        Makes an input of which nobody doubts, with the same numbers. None: the same input, once
        it is converted.
    everywhere : Outcome
        At the door, and so wherever light curves are given.
    embedded, with_errors, searched, drawn : Outcome or None
        Where they are embedded; where this uses their errors; where periods are searched, which
        does too; where they are drawn. None: as in the more general use.
    note : str
        For the table: how the numbers are read.
    """

    given: str
    X: Callable[[], Any]
    plain: Callable[[], Any] | None = None
    everywhere: Outcome = RIGHT
    embedded: Outcome | None = None
    with_errors: Outcome | None = None
    searched: Outcome | None = None
    drawn: Outcome | None = None
    note: str = ""

    def outcome(self, use: str) -> Outcome:
        """Tell what a use of the light curves gets."""
        uses = MORE_GENERAL[MORE_GENERAL.index(use) :] if use in MORE_GENERAL else (use,)
        known = (getattr(self, one) for one in uses)
        return next((outcome for outcome in known if outcome is not None), self.everywhere)

    def numbers(self) -> Any:
        """Give the input that has the same numbers."""
        if self.plain is not None:
            return self.plain()
        with silence():
            return as_light_curves(self.X())


NO_CURVES = refused(r"0 sample\(s\).*there are no light curves.*selection")
CUT = refused(
    r"light curve 2: (magnitude|time|error) is infinite.*observation 3; replace it by NaN"
)
NOTHING_MEASURED = refused(
    r"1 of 4 light curves \(position 2.*\) have no observation.*Leave them out"
)
BAD_ERROR = refused(r"light curve 2.*: the error is -?\d.* at observation 3.*make the error NaN")
STRANGE = r"light curves have magnitudes beyond \+-40, such as .* in light curve \d.* make it NaN"
SWAPPED = warned("time and magnitude seem to be swapped.*Time comes first")
ENDLESS = refused(r"light curve \d spans .* days.*If its times are not in days, convert them")
NO_DAYS = r"the times of \d of 4 light curves cannot be days: .*light curve \d.*86400"
A_DATE = no_numbers(
    r"light curve 2.*holds dates; convert them to days.*np.datetime64\('1858-11-17'\)"
)
NO_SHAPE = r"light curve 2 has shape .*; expected \(L, 2\)"

CASES = [
    # Too little
    Case("an empty list", list, everywhere=NO_CURVES),
    Case("an array without rows", lambda: np.empty((0, 30)), everywhere=NO_CURVES),
    Case(
        "`LightCurves` of which none was selected",
        lambda: as_light_curves(CURVES)[:0],
        everywhere=NO_CURVES,
    ),
    Case(
        "a light curve without observations",
        lambda: among(CURVE[:0]),
        embedded=NOTHING_MEASURED,
        drawn=Outcome(ValueError, "light curve 2: no observation"),
    ),
    Case(
        "a light curve that is NaN throughout",
        lambda: among(CURVE * np.nan),
        embedded=NOTHING_MEASURED,
        drawn=Outcome(ValueError, "light curve 2: no observation"),
    ),
    Case(
        "NaN as a magnitude",
        lambda: with_column(1, np.where(EVERY_SEVENTH, np.nan, CURVE[:, 1])),
        without_seventh,
        note="no measurement: as if the observation were not there",
    ),
    Case(
        "NaN as a time",
        lambda: with_column(0, np.where(EVERY_SEVENTH, np.nan, CURVE[:, 0])),
        without_seventh,
        note="no measurement: as if the observation were not there",
    ),
    Case(
        "NaN as an error",
        lambda: with_column(2, np.where(EVERY_SEVENTH, np.nan, 1 / 64)),
        lambda: CURVES,
        note="not known: period searches take the median of the others",
    ),
    # Wrong values
    Case(
        "an infinite magnitude",
        lambda: with_column(1, np.where(EVERY_SEVENTH, np.inf, 15)),
        everywhere=CUT,
    ),
    Case(
        "a magnitude that float32 cannot hold",
        lambda: with_column(1, np.where(EVERY_SEVENTH, 1e39, 15)),
        everywhere=CUT,
    ),
    Case(
        "an infinite time",
        lambda: with_column(0, np.where(EVERY_SEVENTH, -np.inf, CURVE[:, 0])),
        everywhere=CUT,
    ),
    Case(
        "an infinite error",
        lambda: with_column(2, np.where(EVERY_SEVENTH, np.inf, 1 / 64)),
        everywhere=CUT,
    ),
    Case(
        "an error of zero",
        lambda: with_column(2, np.where(EVERY_SEVENTH, 0, 1 / 64)),
        lambda: CURVES,
        with_errors=BAD_ERROR,
    ),
    Case(
        "a negative error",
        lambda: with_column(2, np.where(EVERY_SEVENTH, -1, 1 / 64)),
        lambda: CURVES,
        with_errors=BAD_ERROR,
        drawn=Outcome(ValueError, "light curve 2: .* is negative"),
    ),
    Case("fluxes in place of magnitudes", fluxes, everywhere=warned(f"4 of 4 {STRANGE}; fluxes")),
    Case(
        "99.999, -99 or the like for what was not measured",
        lambda: with_column(1, np.where(EVERY_SEVENTH, 99.999, CURVE[:, 1])),
        everywhere=warned(f"1 of 4 {STRANGE}"),
    ),
    Case("time and magnitude swapped", swapped, everywhere=SWAPPED),
    Case("the same, where all times are less than 40", short_and_swapped, everywhere=SWAPPED),
    Case(
        "times in seconds",
        lambda: [curve * [86_400, 1, 1] for curve in CURVES],
        everywhere=warned(NO_DAYS),
        searched=ENDLESS,
    ),
    Case(
        "times in nanoseconds",
        lambda: [curve * [86_400e9, 1, 1] - [40_587 * 86_400e9, 0, 0] for curve in CURVES],
        everywhere=warned(NO_DAYS),
        searched=ENDLESS,
    ),
    Case(
        "Julian dates, some of them less 2,400,000",
        lambda: with_column(0, CURVE[:, 0] + 2_400_000 * EVERY_SEVENTH),
        everywhere=warned(NO_DAYS),
        searched=ENDLESS,
    ),
    Case(
        "Julian dates that have been in float32",
        julian_dates_in_float32,
        everywhere=warned("multiples of a quarter of a day.*float64"),
    ),
    Case(
        "times as numpy's dates in an array of objects",
        lambda: objects(0, list(DATES)),
        everywhere=A_DATE,
    ),
    Case(
        "times as pandas' `Timestamp`",
        lambda: objects(0, list(pd.to_datetime(DATES))),
        everywhere=A_DATE,
    ),
    Case(
        "times as `datetime`",
        lambda: objects(0, [dt.datetime(2020, 1, 1 + day) for day in range(30)]),
        everywhere=A_DATE,
    ),
    Case(
        "times as differences (`timedelta64`)",
        lambda: objects(0, list(DATES - DATES[0])),
        everywhere=no_numbers("light curve 2.*holds time differences.*timedelta64"),
    ),
    # Right values
    Case(
        "equal times",
        lambda: with_column(0, np.repeat(CURVE[::2, 0], 2)),
        note="both observations count",
    ),
    Case(
        "times in any order",
        lambda: among(CURVE[::-1]),
        lambda: CURVES,
        note="as if they were sorted",
    ),
    Case("equal magnitudes", lambda: with_column(1, 15.0), note="no period is found (NaN)"),
    Case(
        "a light curve of one observation",
        lambda: among(CURVE[:1]),
        note="no period is found (NaN), and nothing of it can be hidden",
    ),
    Case(
        "an array that is not contiguous",
        lambda: among(np.repeat(CURVE, 2, 0)[::2]),
        lambda: CURVES,
    ),
    Case("an array in Fortran's order", lambda: among(np.asfortranarray(CURVE)), lambda: CURVES),
    Case("a read-only array", read_only, lambda: CURVES),
    Case(
        "a big-endian array, as of FITS files", lambda: among(CURVE.astype(">f8")), lambda: CURVES
    ),
    Case(
        "float32",
        lambda: among(CURVE.astype(np.float32)),
        lambda: among(CURVE.astype(np.float32).astype(float)),
    ),
    Case("whole numbers", lambda: among(whole_numbers()[BAD].astype(int)), whole_numbers),
    Case("numbers as Python objects", lambda: among(CURVE.astype(object)), lambda: CURVES),
    Case("nested lists", lambda: [curve.tolist() for curve in CURVES], lambda: CURVES),
    Case("masked arrays", masked, without_seventh, note="what is masked is NaN"),
    Case("lists of masked rows", masked_rows, without_seventh, note="what is masked is NaN"),
    Case(
        "one light curve as a data frame, with columns in another order",
        lambda: among(pd.DataFrame(CURVE[:, [2, 0, 1]], columns=["err", "mjd", "mag"])),
        lambda: CURVES,
        note="columns are found by their names",
    ),
    Case(
        "the same as a data frame of polars, or as an Arrow table",
        lambda: among(pl.DataFrame(CURVE[:, [2, 0, 1]], schema=["err", "mjd", "mag"])),
        lambda: CURVES,
        note="columns are found by their names",
    ),
    # No numbers
    Case(
        "strings",
        lambda: among(CURVE.astype(str)),
        everywhere=no_numbers("light curve 2.*holds strings; convert"),
    ),
    Case(
        "booleans",
        lambda: among(CURVE > 15),
        everywhere=no_numbers("light curve 2.*holds booleans; give numbers"),
    ),
    Case(
        "complex numbers",
        lambda: among(CURVE + 0j),
        everywhere=no_numbers("light curve 2.*holds complex numbers"),
    ),
    Case(
        "`None` for what was not measured",
        lambda: objects(1, [None, *CURVE[1:, 1]]),
        everywhere=no_numbers("light curve 2.*Python objects.*NaN where one is missing"),
    ),
    Case(
        "`None` in place of a light curve",
        lambda: among(None),
        everywhere=no_numbers("light curve 2 is a NoneType"),
    ),
    Case(
        "the path of a file",
        lambda: "stars.csv",
        everywhere=no_numbers("not text: 'stars.csv'.*datasets.read_text"),
    ),
    Case(
        "a dict, a generator, a data frame that is not collected yet",
        lambda: dict(enumerate(CURVES)),
        everywhere=no_numbers("cannot be read from a dict.*Make a list.*collect"),
    ),
    Case(
        "a dict in place of a light curve",
        lambda: among({"time": CURVE[:, 0], "mag": CURVE[:, 1]}),
        everywhere=no_numbers("light curve 2 is a dict"),
    ),
    # Wrong shapes
    Case(
        "observations in columns",
        lambda: among(CURVE.T),
        everywhere=refused(f"{NO_SHAPE}.*Transpose it"),
    ),
    Case(
        "magnitudes without times in a list",
        lambda: among(CURVE[:, 1]),
        everywhere=refused(f"{NO_SHAPE}.*one 2-D array"),
    ),
    Case("four columns", lambda: among(CURVE[:, [0, 1, 2, 2]]), everywhere=refused(NO_SHAPE)),
    Case(
        "errors in some light curves only",
        lambda: among(CURVE[:, :2]),
        everywhere=refused("light curve 2 has 2 columns but those before it have 3"),
    ),
    # Arrays of magnitudes
    Case("a 2-D array: booleans", lambda: grid() > 15, everywhere=no_numbers("holds booleans")),
    Case(
        "a 2-D array: strings",
        lambda: grid().astype(str),
        everywhere=no_numbers("holds strings; convert"),
    ),
    Case(
        "a 2-D array: dates",
        lambda: np.tile(DATES, (4, 1)),
        everywhere=no_numbers("holds dates; convert"),
    ),
    Case(
        "a 2-D array: masked",
        masked_grid,
        lambda: masked_grid().filled(np.nan),
        note="what is masked is NaN",
    ),
    Case(
        "a 2-D array: a list of masked rows",
        lambda: list(masked_grid()),
        lambda: masked_grid().filled(np.nan),
        note="what is masked is NaN",
    ),
    Case(
        "a 2-D array: infinite",
        lambda: np.where(EVERY_SEVENTH, np.inf, grid()),
        everywhere=refused("light curve 0: magnitude is infinite.*observation 3"),
    ),
    Case(
        "a 2-D array: fluxes",
        lambda: 10 ** (-0.4 * (grid() - 25)),
        everywhere=warned(f"4 of 4 {STRANGE}"),
    ),
    Case(
        "a 2-D array that is one light curve",
        lambda: CURVE,
        everywhere=warned(r"read as 30 light curves of 3 magnitudes.*pass it in a list: \[X\]"),
    ),
    Case(
        "a data frame of magnitudes: a column of booleans",
        lambda: pd.DataFrame(grid()).assign(day_30=True),
        everywhere=no_numbers("column 'day_30': holds booleans"),
    ),
    Case(
        "a data frame of magnitudes: a column of dates",
        lambda: pd.DataFrame(grid()).assign(day_30=DATES[0]),
        everywhere=no_numbers("column 'day_30': holds dates; convert"),
    ),
    Case(
        "a data frame of magnitudes: a column of strings",
        lambda: pl.DataFrame(grid()).with_columns(day_30=pl.lit("15.0")),
        everywhere=no_numbers("column 'day_30': holds strings; convert"),
    ),
    # Tables
    Case(
        "a table: two rows with the same id",
        lambda: frame(id=["A", "B", "A", "D"]),
        lambda: CURVES,
        note="two light curves; nothing is joined",
    ),
    Case(
        "a table: lists of different lengths",
        lambda: frame(mag=in_list(1, lambda c: c[1:])),
        everywhere=refused(r"light curve 2 \(row 2\): 'mjd' has 30 values but 'mag' has 29"),
    ),
    Case(
        "a table: null in a list",
        lambda: frame(
            mag=in_list(
                1, lambda c: [None if at else v for at, v in zip(EVERY_SEVENTH, c, strict=True)]
            )
        ),
        without_seventh,
        note="no measurement: as if the observation were not there",
    ),
    Case(
        "a table: a row without an id",
        lambda: frame(id=["A", "B", None, "D"]),
        everywhere=refused("column 'id': row 2 has no id"),
    ),
    Case(
        "a table: dates",
        lambda: frame(mjd=[MJD_ZERO + (c[:, 0] * 86_400e9).astype("m8[ns]") for c in CURVES]),
        everywhere=no_numbers("column 'mjd': holds dates; convert"),
    ),
    Case(
        "a table: strings",
        lambda: frame(mag=in_list(1, lambda c: c.astype(str))),
        everywhere=no_numbers("light curve 2, column 'mag': holds strings"),
    ),
    Case(
        "a table: infinite",
        lambda: frame(mag=in_list(1, lambda c: np.where(EVERY_SEVENTH, np.inf, c))),
        everywhere=refused(r"light curve 2 \(id 'C'\): magnitude is infinite"),
    ),
    Case(
        "a table: several bands in a light curve",
        lambda: frame(
            band=[["g"] * len(c) for c in CURVES[:BAD]]
            + [["g", "r"] * 15]
            + [["r"] * len(CURVES[3])]
        ),
        everywhere=refused(r"light curve 2 \(id 'C'\) has observations of several bands"),
    ),
    Case(
        "a table: one row for each observation",
        lambda: pd.DataFrame(CURVE, columns=["mjd", "mag", "magerr"]),
        everywhere=refused("no column of lists.*from_long.*table.assign"),
    ),
    Case(
        "a table: fluxes",
        lambda: frame().rename(columns={"mag": "flux"}),
        everywhere=refused("no columns of time and magnitude.*Fluxes must be converted"),
    ),
]


def gets(case: Case) -> tuple[str, str]:
    """Try a case, and tell what it gets: in a word, and as a message (or the note on it)."""
    uses = {
        "everywhere": as_light_curves,
        "where they are embedded": random_embedder().transform,
        "where errors are used": FoldedCurve().transform,
    }
    for where, use in uses.items():
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            try:
                use(case.X())
            except (ValueError, TypeError) as problem:
                # Of an empty list, scikit-learn's own word comes first.
                place = "" if where == "everywhere" else f", {where}"
                return f"`{type(problem).__name__}`{place}", str(problem)
        if told:
            return f"`{told[0].category.__name__}`", str(told[0].message)
    return "its numbers", case.note


def table() -> list[str]:
    """Write the rows of the table in docs/errors.md."""
    rows = ["| Given | Gets | Message, or how it is read |", "|---|---|---|"]
    for case in CASES:
        word, text = gets(case)
        escaped = re.sub(r"([*_|<])", r"\\\1", text)
        rows.append(f"| {case.given} | {word} | {escaped} |")
    return rows


if __name__ == "__main__":
    print("\n".join(table()))  # noqa: T201
