"""Tables of light curves that the tests of streaming share, and what to do with them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from example_curves import random_curves
from sklearn.base import BaseEstimator, TransformerMixin

from sklearn_astromer import as_light_curves
from sklearn_astromer.streaming import transform_parquet

# For scripts in processes of their own: this folder, the tests and the project.
SEARCH_PATH = os.pathsep.join(map(str, Path(__file__).resolve().parents[:3]))


N_ROWS = 30


CURVES = random_curves([3 + (7 * row) % 41 for row in range(N_ROWS)], seed=3)


IDS = [f"star {row}" for row in range(N_ROWS)]


class MeanAndCount(TransformerMixin, BaseEstimator):
    """Mean magnitude and number of observations; notes what it was given, and can fail."""

    calls: list[int] = []  # noqa: RUF012 - one list for all, which no fingerprint sees
    fails_after: int | None = None

    def __init__(self, shift: float = 0.0, verbose: int = 0) -> None:
        self.shift = shift
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> MeanAndCount:
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def transform(self, X: Any) -> np.ndarray:
        curves = as_light_curves(X)
        if len(type(self).calls) == type(self).fails_after:
            raise RuntimeError("the power is gone")
        type(self).calls.append(len(curves))
        means = [np.nanmean(curve[:, 1], dtype=np.float64) for curve in curves]
        return np.column_stack([np.array(means) + self.shift, curves.lengths])

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        return np.array(["mean", "count"], dtype=object)


def stars(first: int = 0, last: int = N_ROWS, lists: Any = None) -> pa.Table:
    """Rows of `CURVES`, with columns that nobody asked for."""
    curves = CURVES[first:last]
    lists = lists or pa.list_(pa.float64())
    return pa.table(
        {
            "note": pa.array(["x"] * len(curves)),
            "id": pa.array(IDS[first:last]),
            "mjd": pa.array([curve[:, 0] for curve in curves], lists),
            "mag": pa.array([curve[:, 1] for curve in curves], lists),
            "flux": pa.array([curve[:, 1] for curve in curves], lists),
        }
    )


def run(estimator: Any, source: Any, target: Path, **options: Any) -> pa.Table:
    """Stream without a bar, and read all that came."""
    folder = transform_parquet(estimator, source, target, **({"verbose": 0} | options))
    assert folder == target
    return pq.read_table(folder)


def embeddings(table: pa.Table) -> np.ndarray:
    return np.stack(table["embedding"].to_pylist())


def content(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, hidden ones too."""
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def as_folder(folder: Path) -> Any:
    for number, first in enumerate(range(0, N_ROWS, 10)):
        (folder / f"field{number}").mkdir(parents=True)
        # Some files are more precise than others, or can hold more.
        lists = [pa.list_(pa.float32()), pa.list_(pa.float64()), pa.large_list(pa.float64())]
        name = folder / f"field{number}" / "stars.parquet"
        pq.write_table(stars(first, first + 10, lists[number]), name, row_group_size=4)
        # As Spark leaves them.
        (folder / "_temporary").mkdir(exist_ok=True)
        pq.write_table(stars(0, 2), folder / "_temporary" / "0.parquet")
    return folder
