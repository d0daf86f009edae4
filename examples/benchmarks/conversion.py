"""How long light curves of every form take to become ``LightCurves``.

Prints a table: seconds (the best of several runs) and millions of observations per second.

Usage: python examples/benchmarks/conversion.py [--curves 100000] [--observations 100]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from sklearn_astromer.light_curves import LightCurves, as_light_curves

Conversion = tuple[str, Callable[[], LightCurves]]


def arrow_table(columns: np.ndarray, offsets: np.ndarray) -> pa.Table:
    names = ("time", "mag", "err")
    lists = [pa.LargeListArray.from_arrays(offsets, column) for column in columns]
    return pa.table(dict(zip(names, lists, strict=True)))


def conversions(n_curves: int, n_observations: int, folder: Path) -> Iterator[Conversion]:
    random = np.random.default_rng(0)
    columns = random.random((3, n_curves * n_observations))
    offsets = np.arange(n_curves + 1) * n_observations
    padded = np.stack(columns, axis=1).reshape(n_curves, n_observations, 3)

    curves = [row.copy() for row in padded]
    yield "list of (L, 3) arrays", lambda: as_light_curves(curves)
    yield "padded 3-D array", lambda: as_light_curves(padded)
    yield "2-D array, a regular grid", lambda: as_light_curves(padded[:, :, 1])

    table = arrow_table(columns, offsets)
    yield "Arrow, columns of lists", lambda: as_light_curves(table)
    polars = pl.from_arrow(table)
    yield "polars, columns of lists", lambda: as_light_curves(polars)
    frame = pd.DataFrame(
        {name: [row.copy() for row in padded[:, :, i]] for i, name in enumerate(table.column_names)}
    )
    yield "pandas, columns of arrays", lambda: as_light_curves(frame)
    pq.write_table(table, folder / "curves.parquet")
    yield "parquet, columns of lists", lambda: LightCurves.read_parquet(folder / "curves.parquet")

    ids = np.repeat(np.arange(n_curves), n_observations)
    long = {"id": ids, "time": columns[0], "magnitude": columns[1], "error": columns[2]}
    yield "long table, sorted by id", lambda: LightCurves.from_long(long, error="error")
    shuffle = random.permutation(len(ids))
    shuffled = {name: column[shuffle] for name, column in long.items()}
    yield "long table, shuffled", lambda: LightCurves.from_long(shuffled, error="error")

    whole = as_light_curves(table)
    some = random.permutation(n_curves)
    yield "(selection of all curves, shuffled)", lambda: whole[some]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--curves", type=int, default=100_000, help="how many (default: 100000)")
    parser.add_argument("--observations", type=int, default=100, help="of each (default: 100)")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each (default: 3)")
    arguments = parser.parse_args()

    total = arguments.curves * arguments.observations
    print(f"{arguments.curves:,} light curves of {arguments.observations:,} observations, float64")
    print(f"{'from':<36}{'seconds':>9}{'million observations/s':>24}")
    with tempfile.TemporaryDirectory() as folder:
        sizes = arguments.curves, arguments.observations
        for name, convert in conversions(*sizes, Path(folder)):
            best = float("inf")
            for _ in range(arguments.repeats):
                start = time.perf_counter()
                convert()
                best = min(best, time.perf_counter() - start)
            print(f"{name:<36}{best:>9.3f}{total / best / 1e6:>24.0f}", flush=True)


if __name__ == "__main__":
    main()
