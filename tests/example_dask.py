"""A small Dask data frame of light curves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from example_curves import random_curves

dd = pytest.importorskip("dask.dataframe", reason='needs pip install "sklearn-astromer[dask]"')

N_ROWS, N_PARTITIONS = 30, 5
CURVES = random_curves([3 + (7 * row) % 41 for row in range(N_ROWS)], seed=3)
LISTS = pd.ArrowDtype(pa.list_(pa.float64()))
ADDED = [f"astromerembedder{number}" for number in range(8)]


def stars(lists: Any = LISTS, **changed: dict[int, Any]) -> pd.DataFrame:
    """Rows of `CURVES`, with an index and other columns; some cells may be changed."""
    times = {row: list(curve[:, 0]) for row, curve in enumerate(CURVES)}
    magnitudes = {row: list(curve[:, 1]) for row, curve in enumerate(CURVES)}
    times |= changed.get("mjd", {})
    magnitudes |= changed.get("mag", {})
    return pd.DataFrame(
        {
            "id": [f"star {row}" for row in range(N_ROWS)],
            "mjd": pd.Series(list(times.values()), dtype=lists),
            "mag": pd.Series(list(magnitudes.values()), dtype=lists),
            "colour": np.arange(N_ROWS) / 10,
        }
    ).set_index(np.arange(100, 100 + N_ROWS))


def in_partitions(frame: pd.DataFrame) -> Any:
    return dd.from_pandas(frame, npartitions=N_PARTITIONS)


def compute(lazy: Any) -> pd.DataFrame:
    """Compute in this thread, where errors come as they are."""
    return lazy.compute(scheduler="synchronous")
