"""Whatever finite light curves there are: every container holds them alike, and none is lost."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nested_pandas
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.table import Table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_strategies
from numpy.typing import NDArray

from sklearn_astromer.light_curves import LightCurves, as_light_curves, holds_light_curves

NAMES = ("mjd", "mag", "magerr")
# A few numbers at random may look like times and magnitudes that are swapped.
pytestmark = pytest.mark.filterwarnings("ignore:time and magnitude seem to be swapped")


@st.composite
def light_curves(draw: st.DrawFn) -> LightCurves:
    """Ragged light curves, with errors or without; in each observation one number may be NaN."""
    lengths = draw(st.lists(st.integers(0, 6), min_size=1, max_size=6).filter(any))
    n = sum(lengths)
    columns = [
        draw(numpy_strategies.arrays("f8", n, elements=st.floats(-1e5, 1e5))),
        draw(numpy_strategies.arrays("f4", n, elements=st.floats(-30, 30, width=32))),
    ]
    if draw(st.booleans()):
        columns.append(draw(numpy_strategies.arrays("f4", n, elements=st.floats(0, 1, width=32))))
    gap = draw(numpy_strategies.arrays("i1", n, elements=st.integers(-2, len(columns) - 1)))
    for number, column in enumerate(columns):
        column[gap == number] = np.nan
    ids = [f"star {7 * position}" for position in range(len(lengths))]
    return LightCurves(*columns, offsets=np.cumsum([0, *lengths]), ids=ids)


def flat_columns(curves: LightCurves) -> dict[str, NDArray[Any]]:
    columns = zip(NAMES, (curves.time, curves.magnitude, curves.error), strict=True)
    return {name: column for name, column in columns if column is not None}


def list_columns(curves: LightCurves) -> dict[str, list[NDArray[Any]]]:
    return {
        name: np.split(column, curves.offsets[1:-1])
        for name, column in flat_columns(curves).items()
    }


def objects(curves: LightCurves) -> NDArray[Any]:
    array = np.empty(len(curves), object)
    array[:] = curves.to_list()
    return array


def padded(curves: LightCurves) -> NDArray[Any]:
    array = np.full((len(curves), 8, len(flat_columns(curves))), np.nan)
    for row, curve in zip(array, curves, strict=True):
        row[: len(curve)] = curve
    return array


def pandas_frame(curves: LightCurves) -> pd.DataFrame:
    return pd.DataFrame({"id": curves.ids, **list_columns(curves)})


def arrow_table(curves: LightCurves) -> pa.Table:
    offsets = pa.array(curves.offsets, pa.int32())
    lists = {
        name: pa.ListArray.from_arrays(offsets, column)
        for name, column in flat_columns(curves).items()
    }
    return pa.table({"id": curves.ids, **lists})


def arrow_structs(curves: LightCurves) -> pa.Table:
    columns = flat_columns(curves)
    struct = pa.StructArray.from_arrays([pa.array(c) for c in columns.values()], list(columns))
    offsets = pa.array(curves.offsets, pa.int32())
    return pa.table({"id": curves.ids, "lc": pa.ListArray.from_arrays(offsets, struct)})


def nested_frame(curves: LightCurves) -> Any:
    stars = nested_pandas.NestedFrame({"id": curves.ids})
    rows = np.repeat(np.arange(len(curves)), curves.lengths)
    # A star without observations would be no row of a nested column.
    flat = pd.DataFrame(flat_columns(curves), index=rows)
    return stars.join_nested(flat, "lc")


def astropy_table(curves: LightCurves) -> Table:
    columns = {}
    for name, cells in list_columns(curves).items():
        columns[name] = np.empty(len(curves), object)
        columns[name][:] = cells
    return Table({"id": curves.ids, **columns})


CONTAINERS: dict[str, Callable[[LightCurves], Any]] = {
    "list": LightCurves.to_list,
    "tuple": tuple,
    "object array": objects,
    "padded array": padded,
    "pandas": pandas_frame,
    "pandas with Arrow": lambda c: arrow_table(c).to_pandas(types_mapper=pd.ArrowDtype),
    "nested-pandas": nested_frame,
    "polars": lambda curves: pl.from_arrow(arrow_table(curves)),
    "polars, structs": lambda curves: pl.from_arrow(arrow_structs(curves)),
    "Arrow": arrow_table,
    "Arrow, structs": arrow_structs,
    "astropy": astropy_table,
}


def long_columns(curves: LightCurves) -> dict[str, Any]:
    """One row for each observation; the first of every star, then the second, and so on."""
    star = np.repeat(np.arange(len(curves)), curves.lengths)
    number = np.arange(len(star)) - curves.offsets[star]
    order = np.lexsort((star, number))
    columns = {name: column[order] for name, column in flat_columns(curves).items()}
    return {"id": curves.ids[star[order]].tolist(), **columns}


LONG_TABLES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "dict": dict,
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "Arrow": pa.table,
    "astropy": Table,
}


def assert_same(curves: LightCurves, expected: LightCurves, *, ids: bool = True) -> None:
    """Equal to the last bit, NaN in the same places."""
    for name in ("offsets", "time", "magnitude", "error"):
        np.testing.assert_array_equal(getattr(curves, name), getattr(expected, name))
    if ids:
        assert curves.ids.tolist() == expected.ids.tolist()


@pytest.mark.parametrize("name", CONTAINERS)
@settings(max_examples=12, deadline=None)
@given(curves=light_curves())
def test__as_light_curves__any_light_curves_in_a_container__the_same(
    name: str, curves: LightCurves
) -> None:
    container = CONTAINERS[name](curves)
    assert holds_light_curves(container)
    is_table = not isinstance(container, list | tuple | np.ndarray)
    assert_same(as_light_curves(container), curves, ids=is_table)


@pytest.mark.parametrize("name", LONG_TABLES)
@settings(max_examples=12, deadline=None)
@given(curves=light_curves())
def test__from_long__any_light_curves__the_same_but_for_empty_ones(
    name: str, curves: LightCurves
) -> None:
    table = LONG_TABLES[name](long_columns(curves))
    assert_same(LightCurves.from_long(table), curves[curves.lengths > 0])


@pytest.mark.parametrize("make", [arrow_table, arrow_structs])
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(curves=light_curves(), row_group=st.integers(1, 4))
def test__read_parquet__any_light_curves__the_same(
    make: Callable[[LightCurves], pa.Table], curves: LightCurves, row_group: int, tmp_path: Path
) -> None:
    pq.write_table(make(curves), tmp_path / "stars.parquet", row_group_size=row_group)
    assert_same(LightCurves.read_parquet(tmp_path / "stars.parquet"), curves)


@settings(max_examples=30, deadline=None)
@given(
    grid=numpy_strategies.arrays(
        st.sampled_from(["f8", ">f4", "i2"]),
        st.tuples(st.integers(1, 5), st.integers(4, 9)),
        elements=st.integers(-30, 30),
    )
)
@pytest.mark.filterwarnings("ignore:These . rows")
def test__as_light_curves__any_regular_grid__one_row_a_curve_and_one_column_a_day(
    grid: NDArray[Any],
) -> None:
    curves = as_light_curves(grid)
    np.testing.assert_array_equal(np.stack([curve[:, 1] for curve in curves]), grid)
    np.testing.assert_array_equal(curves.time.reshape(grid.shape)[-1], np.arange(grid.shape[1]))


@settings(max_examples=30, deadline=None)
@given(curves=light_curves(), data=st.data())
def test__getitem__any_key_of_numpy__agrees_with_an_array_of_objects(
    curves: LightCurves, data: st.DataObject
) -> None:
    expected = objects(curves)
    key = data.draw(numpy_strategies.basic_indices((len(curves),), allow_newaxis=False))
    # Of an array of objects, numpy gives an array without dimensions for (0, ...).
    if isinstance(key, tuple):
        key = key[0] if key else ...
    part = curves[key]
    if isinstance(part, LightCurves):
        np.testing.assert_equal(part.to_list(), list(expected[key]))
        assert part.ids.tolist() == curves.ids[key].tolist()
    else:
        np.testing.assert_equal(part, expected[key])
    positions = data.draw(numpy_strategies.integer_array_indices((len(curves),)))
    np.testing.assert_equal(
        curves[positions[0].ravel()].to_list(), list(expected[positions[0].ravel()])
    )
    chosen = data.draw(numpy_strategies.arrays(bool, len(curves)))
    np.testing.assert_equal(curves[chosen].to_list(), list(expected[chosen]))


@settings(max_examples=30, deadline=None)
@given(curves=light_curves(), data=st.data())
def test__round_trips__any_light_curves__the_same(curves: LightCurves, data: st.DataObject) -> None:
    assert_same(as_light_curves(curves.to_list()), curves, ids=False)
    assert_same(pickle.loads(pickle.dumps(curves)), curves)
    place = data.draw(st.integers(0, len(curves)))
    assert_same(LightCurves.concatenate([curves[:place], curves[place:]]), curves)
    order = data.draw(st.permutations(range(len(curves))))
    assert_same(curves[list(order)][np.argsort(order)], curves)


@settings(max_examples=30, deadline=None)
@given(curves=light_curves())
def test__n_finite__any_light_curves__counts_what_has_time_and_magnitude(
    curves: LightCurves,
) -> None:
    counts = [int(np.isfinite(curve[:, :2]).all(axis=1).sum()) for curve in curves]
    assert curves.n_finite.tolist() == counts
