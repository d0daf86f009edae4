"""Light curves, and what can be wrong or odd in one of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from example_curves import Curve, random_curves

# Errors, and times that are exact in float32 too.
CURVES: list[Curve] = [
    np.column_stack([curve + np.array([58_000, 0]), np.full(len(curve), 1 / 64)])
    for curve in random_curves([40, 35, 30, 45])
]
# Which of them is made bad.
BAD = 2
CURVE = CURVES[BAD]
LABELS = np.array(["a", "b", "a", "b"])
MJD_ZERO = np.datetime64("1858-11-17", "ns")
DATES = MJD_ZERO + (CURVE[:, 0] * 86_400e9).astype("m8[ns]")
EVERY_SEVENTH = np.arange(len(CURVE)) % 7 == 3


def among(curve: Any) -> list[Any]:
    """Put a light curve among good ones."""
    return [*CURVES[:BAD], curve, *CURVES[BAD + 1 :]]


def with_column(column: int, values: Any) -> list[Curve]:
    changed = CURVE.copy()
    changed[:, column] = values
    return among(changed)


def objects(column: int, values: Any) -> list[Any]:
    changed = CURVE.astype(object)
    changed[:, column] = values
    return among(changed)


def read_only() -> list[Curve]:
    curve = CURVE.copy()
    curve.flags.writeable = False
    return among(curve)


def masked() -> list[Any]:
    mask = np.zeros(CURVE.shape, bool)
    mask[EVERY_SEVENTH, 1] = True
    return among(np.ma.masked_array(CURVE, mask))


def masked_rows() -> list[Any]:
    """A list of masked rows, of which numpy by itself would read what is masked."""
    return among(list(masked()[BAD]))


def without_seventh() -> list[Curve]:
    return among(CURVE[~EVERY_SEVENTH])


def fluxes() -> list[Curve]:
    return [curve * [1, 0, 1] + [0, 1, 0] * 10 ** (-0.4 * (curve - 25)) for curve in CURVES]


def swapped(shift: float = 0.0) -> list[Curve]:
    return [(curve - [shift, 0, 0])[:, [1, 0, 2]] for curve in CURVES]


def short_and_swapped() -> list[Curve]:
    """Times that magnitudes could be: a fortnight."""
    return [
        np.column_stack([curve[:, 1], np.linspace(0, 14, len(curve)), curve[:, 2]])
        for curve in CURVES
    ]


def whole_numbers() -> list[Curve]:
    return among(np.column_stack([np.arange(20), 10 + np.arange(20) ** 2 % 7, np.ones(20)]))


def julian_dates_in_float32() -> list[Any]:
    return [(curve + np.array([2_400_000.5, 0, 0])).astype(np.float32) for curve in CURVES]


def frame(**columns: Any) -> pd.DataFrame:
    """A table of the light curves, columns changed."""
    lists = {
        "id": ["A", "B", "C", "D"],
        **{name: [c[:, k] for c in CURVES] for k, name in enumerate(["mjd", "mag", "magerr"])},
    }
    return pd.DataFrame(lists | columns)


def in_list(column: int, change: Callable[[Curve], Any]) -> list[Any]:
    cells: list[Any] = [curve[:, column] for curve in CURVES]
    cells[BAD] = change(cells[BAD])
    return cells


def grid() -> Curve:
    """Magnitudes without times."""
    return np.stack([curve[:30, 1] for curve in CURVES])


def masked_grid() -> Any:
    return np.ma.masked_array(grid(), np.tile(EVERY_SEVENTH, (4, 1)))
