"""One band out of tables that hold several."""

from __future__ import annotations

from itertools import pairwise

import nested_pandas
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_astromer.light_curves import LightCurves, as_light_curves, holds_light_curves
from sklearn_astromer.light_curves.tables import split_table

# Star b was not seen in r, star c not at all.
LONG = {
    "id": ["a", "b", "a", "b", "a", "d"],
    "mjd": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
    "mag": [15.0, 16.0, 17.0, 18.0, 19.0, 20.0],
    "magerr": [0.5, 0.25, 0.5, 0.25, 0.5, 1.0],
    "band": ["g", "g", "r", "g", "g", "r"],
}
STARS = ["a", "b", "c", "d"]
IN_G = {"a": [[1, 15, 0.5], [5, 19, 0.5]], "b": [[2, 16, 0.25], [4, 18, 0.25]], "c": [], "d": []}
IN_R = {"a": [[3, 17, 0.5]], "b": [], "c": [], "d": [[6, 20, 1.0]]}


def lists():
    rows = {name: [] for name in LONG if name != "id"}
    for star in STARS:
        for name, values in rows.items():
            values.append([LONG[name][at] for at, own in enumerate(LONG["id"]) if own == star])
    return {"id": STARS, **rows}


def list_of_structs():
    columns = lists()
    names = [name for name in columns if name != "id"]
    rows = [
        [dict(zip(names, values, strict=True)) for values in zip(*row, strict=True)]
        for row in zip(*(columns[name] for name in names), strict=True)
    ]
    return pa.table({"id": STARS, "lc": rows})


def nested_frame():
    flat = pd.DataFrame(LONG).set_index("id")
    stars = nested_pandas.NestedFrame({"colour": [1.0, 2.0, 3.0, 4.0]}, index=pd.Index(STARS))
    frame = stars.join_nested(flat, "lightcurve")
    frame.index.name = "id"
    return frame


def dictionary_bands():
    table = pa.table(lists())
    column = table["band"].combine_chunks()
    encoded = pa.ListArray.from_arrays(column.offsets, column.values.dictionary_encode())
    return table.set_column(table.column_names.index("band"), "band", encoded)


TABLES = {
    "dict": lists,
    "pandas lists": lambda: pd.DataFrame(lists()),
    "pandas arrays": lambda: pd.DataFrame(lists()).map(
        lambda cell: np.array(cell) if isinstance(cell, list) else cell
    ),
    "pandas arrow": lambda: pa.table(lists()).to_pandas(types_mapper=pd.ArrowDtype),
    "arrow": lambda: pa.table(lists()),
    "arrow chunks": lambda: pa.concat_tables([pa.table(lists())[:1], pa.table(lists())[1:]]),
    "arrow dictionaries": dictionary_bands,
    "arrow list of structs": list_of_structs,
    "polars": lambda: pl.DataFrame(lists()),
    "polars category": lambda: pl.DataFrame(lists()).cast({"band": pl.List(pl.Categorical)}),
    "polars structs": lambda: pl.from_arrow(list_of_structs()),
    "nested-pandas": nested_frame,
}
LONG_TABLES = {
    "dict": lambda: LONG,
    "pandas": lambda: pd.DataFrame(LONG),
    "pandas category": lambda: pd.DataFrame(LONG).astype({"band": "category"}),
    "polars": lambda: pl.DataFrame(LONG),
    "arrow": lambda: pa.table(LONG),
}


def assert_holds(curves, expected):
    assert curves.ids.tolist() == list(expected)
    assert [curve.tolist() for curve in curves] == list(expected.values())


# One row per light curve


@pytest.mark.parametrize("name", TABLES)
def test__from_table__band__its_observations_and_empty_curves(name):
    assert_holds(LightCurves.from_table(TABLES[name](), band="g"), IN_G)
    assert_holds(LightCurves.from_table(TABLES[name](), band="r"), IN_R)


@pytest.mark.parametrize("name", [name for name in TABLES if name != "dict"])
def test__as_light_curves__several_bands_in_a_curve__refused_with_remedy(name):
    table = TABLES[name]()
    assert holds_light_curves(table)
    message = r"light curve 0.* has observations of several bands, 'g' and 'r'.*band='g'.*BandEmbed"
    with pytest.raises(ValueError, match=message):
        as_light_curves(table)


@pytest.mark.parametrize("name", TABLES)
def test__split_table__bands_of_a_table__each_by_itself(name):
    curves = split_table(TABLES[name](), ["r", "z", "g"])
    assert list(curves) == ["r", "z", "g"]
    assert_holds(curves["r"], IN_R)
    assert_holds(curves["g"], IN_G)
    assert curves["z"].lengths.tolist() == [0] * 4


@settings(max_examples=60, deadline=None)
@given(
    codes=st.lists(st.lists(st.sampled_from([1, 2, None]), max_size=4), min_size=1, max_size=5),
    chunks=st.integers(1, 3),
)
def test__from_table__numbered_bands__same_as_by_hand(codes, chunks):
    times = [np.arange(len(row)) + 10.0 * at for at, row in enumerate(codes)]
    table = pa.table(
        {
            "t": pa.array(times, pa.list_(pa.float64())),
            "m": pa.array([time / 2 for time in times], pa.list_(pa.float64())),
            "fid": pa.array(codes, pa.list_(pa.int8())),
        }
    )
    ends = np.linspace(0, len(table), chunks + 1).astype(int)
    table = pa.concat_tables([table[a:b] for a, b in pairwise(ends)])
    for band in (1, 2):
        expected = [
            [time for time, code in zip(row, own, strict=True) if code == band]
            for row, own in zip(times, codes, strict=True)
        ]
        curves = split_table(table, [band], some_needed=False)[band]
        assert [curve[:, 0].tolist() for curve in curves] == expected
        if any(expected):
            assert (
                LightCurves.from_table(table, band=band).n_finite.tolist()
                == curves.lengths.tolist()
            )
        else:
            with pytest.raises(ValueError, match=f"no observation of band {band}; the bands are:"):
                LightCurves.from_table(table, band=band)
    mixed = [at for at, row in enumerate(codes) if len(set(row)) > 1]
    if mixed:
        with pytest.raises(ValueError, match=f"light curve {mixed[0]} has observations of several"):
            as_light_curves(table)
    else:
        assert as_light_curves(table).lengths.tolist() == [len(row) for row in codes]


def test__from_table__one_band_for_each_curve__whole_curves():
    table = {"id": [1, 2, 3], "time": [[1.0], [2.0], [3.0]], "mag": [[1.0], [2.0], [3.0]]}
    for wrap in (pd.DataFrame, pl.DataFrame, pa.table):
        frame = wrap(table | {"band": ["V", "I", "V"]})
        assert as_light_curves(frame).lengths.tolist() == [1, 1, 1]
        assert LightCurves.from_table(frame, band="V").lengths.tolist() == [1, 0, 1]
        frame = wrap(table | {"colour": ["V", "I", None]})
        curves = LightCurves.from_table(frame, band="I", band_column="colour")
        assert curves.lengths.tolist() == [0, 1, 0]


def test__from_table__bands_beside_a_nested_column__fields_come_first():
    rows = [[{"mjd": 1.0, "mag": 2.0, "filter": "g"}, {"mjd": 3.0, "mag": 4.0, "filter": "r"}]]
    table = pa.table({"lc": rows, "band": ["r"]})
    np.testing.assert_array_equal(LightCurves.from_table(table, band="g")[0], [[1, 2]])
    both = LightCurves.from_table(table, band="r", band_column="band")
    assert both.lengths.tolist() == [2]


def test__from_table__other_plain_columns_called_filter__left_alone():
    frame = pd.DataFrame({"time": [[1.0]], "mag": [[2.0]], "filter": [object()]})
    assert len(as_light_curves(frame)) == 1


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        ({}, {"band": "z"}, r"no observation of band 'z'; the bands are: 'g', 'r'\."),
        ({"band": None}, {"band": "g"}, r"no column of the band was recognised; name it: band_col"),
        ({}, {"band": "g", "band_column": "bnd"}, r"no column 'bnd'. Did you mean 'band'\?"),
        ({}, {"band_column": "bnd"}, r"no column 'bnd'"),
        ({"filter": lists()["band"]}, {"band": "g"}, "several columns may be the band: 'band', 'f"),
        ({"band": [["g"], [], [], []]}, {"band": "g"}, "'mjd' has 3 values but 'band' has 1"),
    ],
)
def test__from_table__bands_not_clear__candidates_and_remedy(change, arguments, message):
    columns = {name: values for name, values in (lists() | change).items() if values is not None}
    for wrap in (pa.table, pd.DataFrame, pl.DataFrame):
        with pytest.raises(ValueError, match=message):
            LightCurves.from_table(wrap(columns), **arguments)


def test__from_table__several_columns_of_bands_but_none_needed__first_is_looked_at():
    one = {"mjd": [[1.0, 2.0]], "mag": [[1.0, 2.0]], "band": [["g", "g"]], "fid": [[1, 2]]}
    assert len(as_light_curves(pa.table(one))) == 1


# Parquet


def test__read_parquet__band__only_what_is_needed_is_read(tmp_path):
    for name, table in {"lists": pa.table(lists()), "structs": list_of_structs()}.items():
        path = tmp_path / f"{name}.parquet"
        pq.write_table(table, path)
        assert_holds(LightCurves.read_parquet(path, band="r"), IN_R)
        with pytest.raises(ValueError, match=rf"{name}.parquet: light curve 0.* has obs.*several"):
            LightCurves.read_parquet(path)
        with pytest.raises(ValueError, match="no observation of band 'z'; the bands are: 'g', 'r'"):
            LightCurves.read_parquet(path, band="z")


def test__read_parquet__files_without_the_band__empty_curves(tmp_path):
    table = pa.table({"time": [[1.0], [2.0]], "mag": [[1.0], [2.0]], "band": ["g", "r"]})
    pq.write_table(table[:1], tmp_path / "1.parquet")
    pq.write_table(table[1:], tmp_path / "2.parquet")
    assert LightCurves.read_parquet(tmp_path, band="r").lengths.tolist() == [0, 1]
    assert LightCurves.read_parquet(tmp_path).lengths.tolist() == [1, 1]


# Long tables


@pytest.mark.parametrize("name", LONG_TABLES)
def test__from_long__band__every_star_and_its_observations(name):
    stars = ("a", "b", "d")
    curves = LightCurves.from_long(LONG_TABLES[name](), band="r")
    assert_holds(curves, {star: IN_R[star] for star in stars})
    curves = LightCurves.from_long(LONG_TABLES[name](), band="g", band_column="band")
    assert_holds(curves, {star: IN_G[star] for star in stars})


@pytest.mark.parametrize("name", LONG_TABLES)
def test__from_long__several_bands_and_none_chosen__refused(name):
    with pytest.raises(ValueError, match=r"light curve 0.* has observations of several bands"):
        LightCurves.from_long(LONG_TABLES[name]())


def test__from_long__bands_not_clear__candidates_and_remedy():
    with pytest.raises(ValueError, match="no observation of band 'z'; the bands are: 'g', 'r'"):
        LightCurves.from_long(LONG, band="z")
    with pytest.raises(ValueError, match=r"may be the band: 'band', 'fid'.*band_column='band'"):
        LightCurves.from_long(LONG | {"fid": [1] * 6}, band="g")
    without = {name: values for name, values in LONG.items() if name != "band"}
    with pytest.raises(ValueError, match="no column of the band was recognised"):
        LightCurves.from_long(without, band="g")
    assert len(LightCurves.from_long(without)) == 3
