"""How long light curves of every form take to become ``LightCurves``.

The baseline is a list of arrays, the limit a plain copy of the three columns.

Usage: python examples/benchmarks/conversion.py [--curves 100000] [--observations 100] [--json FILE]
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from measuring import Report, Way, add_options
from nested_pandas import NestedFrame

from sklearn_astromer.light_curves import LightCurves, as_light_curves

Conversion = tuple[str, Callable[[], LightCurves]]


NAMES = ("time", "mag", "err")


def arrow_table(columns: np.ndarray, offsets: np.ndarray) -> pa.Table:
    lists = [pa.LargeListArray.from_arrays(offsets, column) for column in columns]
    return pa.table(dict(zip(NAMES, lists, strict=True)))


def arrow_structs(columns: np.ndarray, offsets: np.ndarray) -> pa.Table:
    observations = pa.StructArray.from_arrays(list(map(pa.array, columns)), NAMES)
    return pa.table({"lightcurve": pa.LargeListArray.from_arrays(offsets, observations)})


def nested_frame(columns: np.ndarray, offsets: np.ndarray) -> NestedFrame:
    stars = NestedFrame({"id": np.arange(len(offsets) - 1)})
    observations = pd.DataFrame(dict(zip(("hmjd", "mag", "magerr"), columns, strict=True)))
    observations.index = np.repeat(np.arange(len(stars)), np.diff(offsets))
    return stars.join_nested(observations, "lightcurve")


def conversions(
    columns: np.ndarray, n_curves: int, n_observations: int, folder: Path
) -> Iterator[Conversion]:
    random = np.random.default_rng(1)
    offsets = np.arange(n_curves + 1) * n_observations
    padded = np.stack(columns, axis=1).reshape(n_curves, n_observations, 3)

    curves = [row.copy() for row in padded]
    yield "list of (L, 3) arrays", lambda: as_light_curves(curves)
    yield "padded 3-D array", lambda: as_light_curves(padded)
    yield "2-D array, a regular grid", lambda: as_light_curves(padded[:, :, 1])

    table = arrow_table(columns, offsets)
    yield "Arrow, columns of lists", lambda: as_light_curves(table)
    structs = arrow_structs(columns, offsets)
    yield "Arrow, list of structs", lambda: as_light_curves(structs)
    nested = nested_frame(columns, offsets)
    yield "nested-pandas", lambda: as_light_curves(nested)
    bands = np.array(["g", "r"])[random.integers(0, 2, columns.shape[1])]
    mixed = table.append_column("band", pa.LargeListArray.from_arrays(offsets, pa.array(bands)))
    yield "Arrow, one of two bands", lambda: LightCurves.from_table(mixed, band="g")
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
    add_options(parser)
    options = parser.parse_args()
    report = Report("conversion", options)
    sizes = options.curves, options.observations
    total = options.curves * options.observations
    columns = np.random.default_rng(0).random((3, total))
    limit = Way("a copy of three columns", columns.copy, total / 1e6, work=1.0)
    with tempfile.TemporaryDirectory() as folder:
        ways = [
            Way(name, convert, total / 1e6, work=1.0)
            for name, convert in conversions(columns, *sizes, Path(folder))
        ]
        report.compare(
            f"{sizes[0]:,} light curves of {sizes[1]:,} observations, float64, from",
            "million observations",
            [*ways, limit],
            baseline=ways[0].name,
            limit=limit,
        )


if __name__ == "__main__":
    main()
