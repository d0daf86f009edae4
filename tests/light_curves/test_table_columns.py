"""Which columns of a table are taken for light curves, and what is said where none can be."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from astropy.table import Table

from sklearn_astromer.light_curves import LightCurves, as_light_curves, holds_light_curves

TIMES = [[1.0, 2.0, 4.0], [], [5.0]]
MAGNITUDES = [[15.0, 16.0, 14.0], [], [12.0]]
ERRORS = [[0.5, 0.25, 0.125], [], [1.0]]
IDS = ["b", "c", "a"]


# Which columns


@pytest.mark.parametrize(
    ("time", "magnitude", "error"),
    [
        ("time", "mag", "err"),
        ("MJD", "MAG", "MAGERR"),
        ("hjd", "Magnitude", "mag_err"),
        ("midpointMjdTai", "psfMag", "psfMagErr"),
        ("t", "m", "sigma"),
        ("JD", "mag", "e_mag"),
    ],
)
def test__from_table__usual_names__found(time, magnitude, error):
    table = pa.table({error: ERRORS, "flags": TIMES, magnitude: MAGNITUDES, time: TIMES})
    curves = as_light_curves(table)
    np.testing.assert_array_equal(curves.time, [1, 2, 4, 5])
    np.testing.assert_array_equal(curves.magnitude, [15, 16, 14, 12])
    np.testing.assert_array_equal(curves.error, [0.5, 0.25, 0.125, 1])


def test__from_table__given_names__taken():
    lists = {"mjd": TIMES, "hjd": ERRORS, "g": MAGNITUDES, "r": TIMES, "e": ERRORS}
    table = pa.table({**lists, "star": IDS, "id": [1, 2, 3]})
    curves = LightCurves.from_table(table, time="hjd", magnitude="g", error="r", id="star")
    np.testing.assert_array_equal(curves.time, [0.5, 0.25, 0.125, 1])
    np.testing.assert_array_equal(curves.magnitude, [15, 16, 14, 12])
    np.testing.assert_array_equal(curves.error, [1, 2, 4, 5])
    assert curves.ids.tolist() == IDS


def test__from_table__no_errors_and_no_ids__none():
    curves = as_light_curves(pa.table({"time": TIMES, "mag": MAGNITUDES, "label": IDS}))
    assert curves.error is None
    assert curves.ids is None


@pytest.mark.parametrize("column", ["id", "objectid", "objectId", "source_id", "ID"])
def test__from_table__column_of_ids__taken(column):
    table = pa.table({"name": IDS, column: [3, 1, 2], "time": TIMES, "mag": MAGNITUDES})
    assert as_light_curves(table).ids.tolist() == [3, 1, 2]


def test__from_table__categorical_ids__their_values():
    frame = pd.DataFrame({"time": TIMES, "mag": MAGNITUDES, "id": pd.Categorical(IDS)})
    assert as_light_curves(frame).ids.tolist() == IDS


def test__from_table__missing_id__row_named():
    table = pa.table({"id": ["a", None, "b"], "time": TIMES, "mag": MAGNITUDES})
    with pytest.raises(ValueError, match="column 'id': row 1 has no id"):
        as_light_curves(table)


def test__from_table__two_nested_columns__chosen_by_name():
    g, r = ([[{"mjd": x, "mag": x}]] * 2 for x in (1.0, 2.0))
    table = pa.table({"ztf_g": g, "ztf_r": r})
    places = "several places: nested column 'ztf_g', nested column 'ztf_r'.*nested="
    with pytest.raises(ValueError, match=places):
        as_light_curves(table)
    np.testing.assert_array_equal(LightCurves.from_table(table, nested="ztf_r").time, [2, 2])
    with pytest.raises(ValueError, match=r"no nested column 'ztf_i'.*Did you mean 'ztf_"):
        LightCurves.from_table(table, nested="ztf_i")


@pytest.mark.parametrize(
    ("columns", "arguments", "message"),
    [
        (
            {"mjd": TIMES, "hjd": TIMES, "mag": TIMES},
            {},
            r"several columns may be the time: 'mjd', 'hjd'.*from_table\(X, time='mjd'\)",
        ),
        (
            {"time": TIMES, "mag": TIMES, "err": TIMES, "magerr": TIMES},
            {},
            "may be the error: 'err', 'magerr'",
        ),
        (
            {"a": TIMES, "b": TIMES},
            {},
            r"recognised.*columns of lists: 'a', 'b'.*from_table\(X, time=",
        ),
        ({"time": TIMES, "flux": TIMES}, {}, "Fluxes must be converted to magnitudes"),
        (
            {"time": TIMES, "mag": TIMES},
            {"time": "tine"},
            r"'tine' \(time\) does not exist. Did you mean 'time'\?",
        ),
        (
            {"time": TIMES, "mag": TIMES, "e": [1, 2, 3]},
            {"error": "e"},
            r"'e' \(error\) does not hold lists",
        ),
        (
            {"time": TIMES, "mag": TIMES},
            {"id": "star"},
            "no column 'star'.*The columns are: 'time', 'mag'",
        ),
        (
            {"time": [1.0], "mag": [2.0], "id": [1]},
            {},
            r"each row is one observation, use LightCurves.from_long\(table, id=",
        ),
    ],
)
def test__from_table__columns_not_clear__candidates_and_remedy(columns, arguments, message):
    for table in (pa.table(columns), pd.DataFrame(columns), pl.DataFrame(columns, strict=False)):
        with pytest.raises(ValueError, match=message):
            LightCurves.from_table(table, **arguments)


@pytest.mark.parametrize("wrap", [pa.table, pd.DataFrame, pl.DataFrame])
def test__from_table__lists_of_different_lengths__row_and_lengths(wrap):
    columns = {"time": TIMES, "mag": MAGNITUDES, "err": [[0.5, 0.25, 0.125], [1.0], [1.0]]}
    message = r"light curve 1 \(row 1\): 'time' has 0 values but 'err' has 1"
    with pytest.raises(ValueError, match=message):
        as_light_curves(wrap(columns))


@pytest.mark.parametrize("wrap", [pa.table, pd.DataFrame, pl.DataFrame])
def test__from_table__infinite_value__curve_named(wrap):
    with pytest.raises(ValueError, match="light curve 2: magnitude is infinite"):
        as_light_curves(wrap({"time": TIMES, "mag": [[1.0, 2.0, 3.0], [], [np.inf]]}))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (pa.array([["a"]]), "column 'time': holds values of type string"),
        (pa.array([[True]]), "holds values of type bool; give numbers"),
        (pa.array([[0]], pa.list_(pa.timestamp("s"))), "convert them to days, as MJD"),
        (pa.array([[[1.0]]]), "column 'time': holds values of type list"),
    ],
)
def test__from_table__lists_of_something_else__type_error(values, message):
    with pytest.raises(TypeError, match=message):
        as_light_curves(pa.table({"time": values, "mag": [[1.0]]}))


@pytest.mark.parametrize(
    ("cell", "problem", "message"),
    [
        ("abc", TypeError, "light curve 1, column 'mag': is a str"),
        (["a"], TypeError, "light curve 1, column 'mag': holds strings"),
        (
            np.ones((2, 2)),
            ValueError,
            r"light curve 1, column 'mag': holds a whole light curve.*one column",
        ),
        (np.zeros(1, "M8[s]"), TypeError, "light curve 1, column 'mag': holds dates"),
    ],
)
def test__from_table__wrong_pandas_cell__position_and_column(cell, problem, message):
    frame = pd.DataFrame({"time": [[1.0], [2.0]], "mag": [np.ones(1), cell]})
    with pytest.raises(problem, match=message):
        as_light_curves(frame)


def test__from_table__columns_of_the_same_name__value_error():
    table = pa.Table.from_arrays([pa.array(TIMES)] * 3, names=["time", "mag", "mag"])
    with pytest.raises(ValueError, match="names must differ"):
        as_light_curves(table)


def test__from_table__not_a_table__type_error():
    with pytest.raises(TypeError, match=r"a LazyFrame is not a table.*collect"):
        LightCurves.from_table(pl.LazyFrame({"time": TIMES}))


@pytest.mark.parametrize("wrap", [pa.table, pd.DataFrame, pl.DataFrame])
def test__holds_light_curves__plain_columns__false(wrap):
    for columns in ({"a": [1.0], "t": [2.0], "m": [3.0]}, {"a": ["x"], "time": [1.0]}):
        assert not holds_light_curves(wrap(columns))
    grid = wrap({"a": [15.0, 1.0], "b": [16.0, 2.0]})
    np.testing.assert_array_equal(as_light_curves(grid)[0], [[0, 15], [1, 16]])


@pytest.mark.parametrize("wrap", [pa.table, pd.DataFrame, pl.DataFrame])
def test__as_light_curves__long_table__not_taken_for_a_grid(wrap):
    table = wrap({"id": [1, 1], "mjd": [1.0, 2.0], "mag": [15.0, 16.0]})
    assert holds_light_curves(table)
    with pytest.raises(ValueError, match=r"LightCurves.from_long"):
        as_light_curves(table)


@pytest.mark.parametrize(
    "read",
    [
        lambda: as_light_curves(pl.DataFrame({"time": TIMES, "mag": MAGNITUDES})),
        lambda: as_light_curves(pd.DataFrame({"time": TIMES, "mag": MAGNITUDES})),
        lambda: as_light_curves(Table({"time": [[1.0]], "mag": [[1.0]]})),
        lambda: LightCurves.from_long({"id": [1], "time": [1.0], "mag": [1.0]}),
        lambda: LightCurves.from_long(Table({"id": [1], "time": [1.0], "mag": [1.0]})),
        lambda: LightCurves.read_parquet("stars.parquet"),
    ],
    ids=["polars", "pandas", "astropy", "long dict", "long astropy", "parquet"],
)
def test__from_table__without_pyarrow__install_line(monkeypatch, read):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r'pip install "sklearn-astromer\[tables\]"'):
        read()


def test__from_time_series__without_pyarrow__read(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    table = Table({"time": [1.0], "mag": [15.0]})
    np.testing.assert_array_equal(as_light_curves([table])[0], [[1, 15]])
