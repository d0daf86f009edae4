"""Long tables, one row per observation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_astromer.light_curves import LightCurves

LONG = {
    "id": ["b", "a", "b", "c", "a", "b"],
    "time": [3.0, 1.0, 1.0, 9.0, 0.0, 2.0],
    "magnitude": [15, 16, 17, 18, 19, 20],
    "err": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
}
LONG_TABLES = {
    "dict": lambda: LONG,
    "dict of arrays": lambda: {name: np.array(column) for name, column in LONG.items()},
    "dict of big-endian arrays": lambda: {
        name: np.array(column).astype(">f8") if name != "id" else column
        for name, column in LONG.items()
    },
    "pandas": lambda: pd.DataFrame(LONG, index=[5, 1, 1, 1, 2, 2]),
    "pandas nullable": lambda: pd.DataFrame(LONG).convert_dtypes(),
    "pandas big-endian": lambda: pd.DataFrame(LONG).astype({"time": ">f8"}),
    "pandas category": lambda: pd.DataFrame(LONG).astype({"id": "category"}),
    "pandas index of ids": lambda: pd.DataFrame(LONG).set_index("id"),
    "polars": lambda: pl.DataFrame(LONG, strict=False),
    "polars category": lambda: pl.DataFrame(LONG, strict=False).cast({"id": pl.Categorical}),
    "arrow": lambda: pa.table(LONG),
    "arrow chunks": lambda: pa.concat_tables([pa.table(LONG)[:2], pa.table(LONG)[2:]]),
    "arrow dictionaries": lambda: pa.concat_tables(
        [dictionary_ids(pa.table(LONG)[:2]), dictionary_ids(pa.table(LONG)[2:])]
    ),
}


def dictionary_ids(table):
    return table.set_column(0, "id", table["id"].combine_chunks().dictionary_encode())


@pytest.mark.parametrize("name", LONG_TABLES)
def test__from_long__rows_in_any_order__curves_by_first_appearance(name):
    curves = LightCurves.from_long(LONG_TABLES[name](), error="err")
    assert curves.ids.tolist() == ["b", "a", "c"]
    np.testing.assert_array_equal(curves[0], [[3, 15, 1], [1, 17, 3], [2, 20, 6]])
    np.testing.assert_array_equal(curves[1], [[1, 16, 2], [0, 19, 5]])
    np.testing.assert_array_equal(curves[2], [[9, 18, 4]])


@pytest.mark.parametrize(
    ("id_name", "time", "magnitude", "error"),
    [
        ("id", "time", "magnitude", "err"),
        ("objectId", "MJD", "psfMag", "psfMagErr"),
        ("source_id", "hjd", "mag", "e_mag"),
    ],
)
def test__from_long__usual_names__found(id_name, time, magnitude, error):
    names = dict(zip(LONG, (id_name, time, magnitude, error), strict=True))
    table = {names[name]: values for name, values in LONG.items()} | {"flags": [0] * 6}
    curves = LightCurves.from_long(table)
    assert curves.ids.tolist() == ["b", "a", "c"]
    np.testing.assert_array_equal(curves[1], [[1, 16, 2], [0, 19, 5]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"objectid": [1] * 6}, "several columns may be the id: 'id', 'objectid'.*id='id'"),
        ({"mjd": [1] * 6}, "several columns may be the time: 'time', 'mjd'"),
        ({"error": [1] * 6}, "several columns may be the error: 'err', 'error'"),
        (
            {"magnitude": None},
            r"no column of the magnitude was recognised; name it: magnitude=\.\.\.",
        ),
    ],
)
def test__from_long__columns_not_clear__candidates_and_remedy(change, message):
    table = {name: values for name, values in (LONG | change).items() if values is not None}
    with pytest.raises(ValueError, match=message):
        LightCurves.from_long(table)


@settings(max_examples=50, deadline=None)
@given(ids=st.lists(st.integers(-3, 3), max_size=20), start=st.integers(0, 3))
def test__from_long__any_ids__same_as_grouping_by_hand(ids, start):
    time = np.arange(start, start + len(ids))
    curves = LightCurves.from_long({"id": np.array(ids, int), "time": time, "magnitude": -time})
    groups = {}
    for name, value in zip(ids, time, strict=True):
        groups.setdefault(name, []).append([value, -value])
    assert curves.ids.tolist() == list(groups)
    assert [curve.tolist() for curve in curves] == list(groups.values())


def test__from_long__null_measurements__nan():
    table = {"id": [1, 1, 1], "time": [1.0, None, 3.0], "magnitude": [None, 2, 3]}
    for wrapped in (table, pd.DataFrame(table), pl.DataFrame(table)):
        curves = LightCurves.from_long(wrapped)
        np.testing.assert_array_equal(curves.time, [1, np.nan, 3])
        np.testing.assert_array_equal(curves.magnitude, [np.nan, 2, 3])


@pytest.mark.parametrize("ids", [["a", None, "b"], [1.0, np.nan, 2.0]])
@pytest.mark.parametrize("wrap", [dict, pa.table, pd.DataFrame, pl.DataFrame])
def test__from_long__missing_id__row_named(ids, wrap):
    with pytest.raises(ValueError, match="column 'star': row 1 has no id"):
        LightCurves.from_long(
            wrap({"star": ids, "time": [1.0] * 3, "magnitude": [1.0] * 3}), id="star"
        )


def test__from_long__missing_id_among_python_objects__row_named():
    ids = pd.Series(["a", np.nan], dtype=object)
    with pytest.raises(ValueError, match="column 'id': row 1 has no id"):
        LightCurves.from_long({"id": ids, "time": [1.0, 2.0], "magnitude": [1.0, 2.0]})


@pytest.mark.parametrize("wrap", [dict, pa.table, pd.DataFrame, pl.DataFrame])
def test__from_long__misspelled_column__close_match_and_columns(wrap):
    table = wrap({"id": [1], "time": [1.0], "mag": [1.0]})
    message = r"no column 'magn'. Did you mean 'mag'\? The columns are: 'id', 'time', 'mag'"
    with pytest.raises(ValueError, match=message):
        LightCurves.from_long(table, magnitude="magn")


def test__from_long__columns_of_different_lengths__value_error():
    with pytest.raises(ValueError, match=r"same length; got 'id': 1, 'time': 2"):
        LightCurves.from_long({"id": [1], "time": [1.0, 2.0], "magnitude": [1.0]})


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pd.to_datetime(["2020-01-01"]), "column 'time': holds dates.*MJD"),
        (["2020-01-01"], "column 'time': holds values of type (large_)?string"),
        ([[1.0, 2.0]], "column 'time': holds values of type .*list.*from_table"),
    ],
)
def test__from_long__times_are_not_numbers__type_error(column, message):
    frame = pd.DataFrame({"id": [1], "time": column, "magnitude": [1.0]})
    with pytest.raises(TypeError, match=message):
        LightCurves.from_long(frame)


def test__from_long__infinite_value__curve_named():
    table = {"id": [5, 4, 5, 4], "time": [1, 2, 3, 4], "magnitude": [1, 2, 3, np.inf]}
    with pytest.raises(
        ValueError, match=r"light curve 1 \(id 4\): magnitude is infinite.*observation 1"
    ):
        LightCurves.from_long(table)
