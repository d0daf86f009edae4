"""Data frames, Arrow, long tables and parquet: the same light curves through each of them."""

from __future__ import annotations

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

TIMES = [[1.0, 2.0, 4.0], [], [5.0]]
MAGNITUDES = [[15.0, 16.0, 14.0], [], [12.0]]


def assert_same(curves, expected, ids=True):
    np.testing.assert_array_equal(curves.offsets, expected.offsets)
    np.testing.assert_array_equal(curves.time, expected.time)
    np.testing.assert_array_equal(curves.magnitude, expected.magnitude)
    if expected.error is None:
        assert curves.error is None
    else:
        np.testing.assert_array_equal(curves.error, expected.error)
    if ids:
        np.testing.assert_array_equal(curves.ids, expected.ids)


def lists_of(curves):
    return {
        name: [values.tolist() for values in np.split(column, curves.offsets[1:-1])]
        for name, column in (
            ("time", curves.time),
            ("mag", curves.magnitude),
            ("err", curves.error),
        )
    }


def arrow_lists(curves, make=pa.list_, numbers=pa.float64):
    lists = {name: pa.array(v, make(numbers())) for name, v in lists_of(curves).items()}
    return pa.table({"id": curves.ids, **lists})


def arrow_structs_of_lists(curves):
    table = arrow_lists(curves)
    fields = [table[name].combine_chunks() for name in ("time", "mag", "err")]
    return pa.table({"id": table["id"], "lc": pa.StructArray.from_arrays(fields, ["t", "m", "e"])})


def arrow_lists_of_structs(curves, make=pa.list_):
    lists = lists_of(curves)
    rows = [
        [{"hmjd": t, "psfMag": m, "psfMagErr": e} for t, m, e in zip(*row, strict=True)]
        for row in zip(*lists.values(), strict=True)
    ]
    struct = pa.struct([(name, pa.float64()) for name in ("hmjd", "psfMag", "psfMagErr")])
    return pa.table({"objectId": curves.ids, "lc": pa.array(rows, make(struct))})


def in_chunks(table):
    middle = len(table) // 2
    return pa.concat_tables([table[:middle], table[middle:middle], table[middle:]])


def pandas_objects(curves):
    lists = {n: [np.array(v) for v in vs] for n, vs in lists_of(curves).items()}
    return pd.DataFrame({"id": curves.ids, "label": "RRab", "period": 0.5, **lists})


def nested_frame(curves):
    arrow = arrow_structs_of_lists(curves)
    nested = pd.Series(arrow["lc"].combine_chunks(), dtype=pd.ArrowDtype(arrow["lc"].type))
    frame = nested_pandas.NestedFrame({"label": ["RRab"] * len(curves)})
    frame["lc"] = nested_pandas.series.packer.pack(nested)
    frame.index = pd.Index(curves.ids, name="objectid")
    return frame


CONTAINERS = {
    "arrow": arrow_lists,
    "arrow large lists": lambda curves: arrow_lists(curves, pa.large_list),
    "arrow list views": lambda curves: arrow_lists(curves, pa.list_view),
    "arrow float32": lambda curves: arrow_lists(curves, numbers=pa.float32),
    "arrow chunks": lambda curves: in_chunks(arrow_lists(curves)),
    "arrow structs of lists": arrow_structs_of_lists,
    "arrow structs in chunks": lambda curves: in_chunks(arrow_structs_of_lists(curves)),
    "arrow lists of structs": arrow_lists_of_structs,
    "arrow large lists of structs": lambda c: in_chunks(arrow_lists_of_structs(c, pa.large_list)),
    "record batch": lambda curves: arrow_lists(curves).combine_chunks().to_batches()[0],
    "pandas objects": pandas_objects,
    "pandas lists": lambda curves: pd.DataFrame({"id": curves.ids, **lists_of(curves)}),
    "pandas arrow": lambda curves: arrow_lists(curves).to_pandas(types_mapper=pd.ArrowDtype),
    "pandas objects of dicts": lambda curves: arrow_lists_of_structs(curves).to_pandas(),
    "pandas index of ids": lambda curves: pandas_objects(curves).set_index("id"),
    "nested-pandas": nested_frame,
    "polars": lambda curves: pl.from_arrow(arrow_lists(curves)),
    "polars list of structs": lambda curves: pl.from_arrow(arrow_lists_of_structs(curves)),
    "polars structs of lists": lambda curves: pl.from_arrow(arrow_structs_of_lists(curves)),
}


@st.composite
def curves_of_integers(draw):
    # At least one observation: a column of empty lists alone tells no type.
    lengths = draw(st.lists(st.integers(0, 5), min_size=1, max_size=6).filter(any))
    values = draw(
        st.lists(st.integers(-1000, 1000), min_size=3 * sum(lengths), max_size=3 * sum(lengths))
    )
    columns = np.array(values, float).reshape(3, -1)
    # What is beyond is warned of.
    columns[1] %= 40
    ids = [f"star {position}" for position in range(len(lengths))]
    return LightCurves(*columns, offsets=np.cumsum([0, *lengths]), ids=ids)


def rows_of(container, part):
    if isinstance(container, pd.DataFrame):
        return container.iloc[part]
    return container[part]


# One row per light curve


@pytest.mark.parametrize("name", CONTAINERS)
@settings(max_examples=15, deadline=None)
@given(curves=curves_of_integers())
def test__as_light_curves__table__same_light_curves(name, curves):
    container = CONTAINERS[name](curves)
    assert holds_light_curves(container)
    assert_same(as_light_curves(container), curves)


@pytest.mark.parametrize("name", CONTAINERS)
def test__as_light_curves__part_of_a_table__only_its_rows(name):
    offsets = [0, 2, 2, 5, 6, 9, 10]
    columns = np.arange(30.0).reshape(3, 10)
    curves = LightCurves(*columns, offsets=offsets, ids=list("abcdef"))
    container = CONTAINERS[name](curves)
    assert_same(as_light_curves(rows_of(container, slice(2, 5))), curves[2:5])
    assert_same(as_light_curves(rows_of(rows_of(container, slice(1, 6)), slice(1, 3))), curves[2:4])


@pytest.mark.parametrize("name", ["arrow", "pandas objects", "nested-pandas", "polars"])
def test__as_light_curves__real_survey__same_through_every_container(shared_folder, name):
    path = shared_folder / "data" / "asas.parquet"
    expected = LightCurves.read_parquet(path)
    table = pq.read_table(path)
    assert len(expected) == len(table) == 7648
    frame = table.to_pandas()
    if name == "arrow":
        container = table
    elif name == "pandas objects":
        container = frame
        assert_same(as_light_curves(expected.to_list()), expected, ids=False)
    elif name == "polars":
        container = pl.from_arrow(table)
        long = container.select("id", "time", "mag", "err").explode("time", "mag", "err")
        assert_same(LightCurves.from_long(long, magnitude="mag", error="err"), expected)
    else:
        fields = [table[column].combine_chunks() for column in ("time", "mag", "err")]
        nested = pa.StructArray.from_arrays(fields, ["time", "mag", "err"])
        packed = pd.Series(nested, dtype=pd.ArrowDtype(nested.type))
        container = nested_pandas.NestedFrame(frame[["id", "label"]])
        container["lc"] = nested_pandas.series.packer.pack(packed)
    assert_same(as_light_curves(container), expected)
    last = frame.iloc[-1]
    np.testing.assert_array_equal(
        expected[-1], np.stack([last["time"], last["mag"], last["err"]], axis=1)
    )
    assert expected.ids[-1] == last["id"]


def test__from_table__fixed_size_lists_and_polars_arrays__same_values():
    values = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
    fixed = pa.array(values, pa.list_(pa.float64(), 2))
    table = pa.table({"time": fixed, "mag": fixed})
    expected = LightCurves(np.arange(1, 7), np.arange(1, 7), offsets=[0, 2, 4, 6])
    assert_same(as_light_curves(table), expected)
    assert_same(as_light_curves(table[1:]), expected[1:])
    series = pl.Series(values, dtype=pl.Array(pl.Float64, 2))
    frame = pl.DataFrame({"time": series, "mag": series})
    assert_same(as_light_curves(frame), expected)


def test__from_table__whole_column_of_right_type__not_copied():
    time, magnitude = pa.array([1.0, 2.0]), pa.array([1.0, 2.0], pa.float32())
    lists = [pa.ListArray.from_arrays([0, 1, 2], values) for values in (time, magnitude)]
    curves = as_light_curves(pa.table({"time": lists[0], "mag": lists[1]}))
    assert np.shares_memory(curves.time, time.to_numpy())
    assert np.shares_memory(curves.magnitude, magnitude.to_numpy())


@pytest.mark.parametrize(
    "kind",
    [pa.float64(), pa.float32(), pa.float16(), pa.int64(), pa.int8(), pa.decimal128(6, 2)],
    ids=str,
)
def test__from_table__null_in_a_list__nan(kind):
    values = pa.array([1, None, 2], pa.float64()).cast(kind)
    column = pa.ListArray.from_arrays([0, 2, 2, 3], values)
    curves = as_light_curves(pa.table({"time": column, "mag": column}))
    np.testing.assert_array_equal(curves.time, [1, np.nan, 2])
    np.testing.assert_array_equal(curves.magnitude, [1, np.nan, 2])
    np.testing.assert_array_equal(curves.lengths, [2, 0, 1])


@pytest.mark.parametrize("make", [pa.list_, pa.large_list, pa.list_view, "fixed"])
def test__from_table__null_list__empty_curve(make):
    rows = [[1.0, 2.0], None, [3.0, 4.0]]
    kind = pa.list_(pa.float64(), 2) if make == "fixed" else make(pa.float64())
    column = pa.array(rows, kind)
    curves = as_light_curves(pa.table({"time": column, "mag": column}))
    np.testing.assert_array_equal(curves.time, [1, 2, 3, 4])
    np.testing.assert_array_equal(curves.lengths, [2, 0, 2])


def test__from_table__null_structs__empty_curves():
    of_lists = pa.array([{"t": [1.0], "m": [2.0]}, None, {"t": None, "m": None}])
    np.testing.assert_array_equal(as_light_curves(pa.table({"lc": of_lists})).lengths, [1, 0, 0])
    # A struct may be null while values still stand under it.
    fields = [pa.array([[1.0], [2.0], [3.0]])] * 2
    hidden = pa.StructArray.from_arrays(fields, ["t", "m"], mask=pa.array([False, True, False]))
    curves = as_light_curves(pa.table({"lc": hidden}))
    np.testing.assert_array_equal(curves.lengths, [1, 0, 1])
    np.testing.assert_array_equal(curves.time, [1.0, 3.0])
    of_structs = pa.array([[{"t": 1.0, "m": 2.0}, None], None, []])
    curves = as_light_curves(pa.table({"lc": of_structs}))
    np.testing.assert_array_equal(curves.lengths, [2, 0, 0])
    np.testing.assert_array_equal(curves.magnitude, [2.0, np.nan])


def test__from_table__pandas_cells_of_many_kinds__same_values():
    masked = np.ma.masked_array([7.0, 8.0], [False, True])
    series = pd.Series([5.0, 6.0], index=[8, 9])
    cells = [np.array([1, 2], ">f8"), [3.0, None], (4,), None, np.nan, series, masked]
    frame = pd.DataFrame({"time": cells, "mag": cells})
    assert holds_light_curves(frame)
    curves = as_light_curves(frame)
    np.testing.assert_array_equal(curves.time, [1, 2, 3, np.nan, 4, 5, 6, 7, np.nan])
    np.testing.assert_array_equal(curves.lengths, [2, 2, 1, 0, 0, 2, 2])


def test__from_table__dict_of_lists__read_like_a_table():
    expected = LightCurves([1, 2, 4, 5], [15, 16, 14, 12], offsets=[0, 3, 3, 4])
    assert_same(LightCurves.from_table({"time": TIMES, "mag": MAGNITUDES}), expected)


def test__from_table__pandas_with_columns_unknown_to_arrow__left_alone():
    frame = pd.DataFrame({"time": TIMES, "mag": MAGNITUDES, "model": [object(), 1, "a"], 5: 0.0})
    np.testing.assert_array_equal(as_light_curves(frame).lengths, [3, 0, 1])


def test__as_light_curves__table_without_rows__zero_samples():
    table = arrow_lists(LightCurves([1], [1], [1], offsets=[0, 1], ids=["a"]))[:0]
    for empty in (table, pl.from_arrow(table), table.to_pandas(types_mapper=pd.ArrowDtype)):
        assert len(LightCurves.from_table(empty)) == 0
        with pytest.raises(ValueError, match=r"0 sample\(s\)"):
            as_light_curves(empty)


# Parquet


@pytest.fixture
def curves():
    columns = np.arange(30.0).reshape(3, 10)
    return LightCurves(*columns, offsets=[0, 2, 2, 5, 6, 9, 10], ids=list("abcdef"))


@pytest.mark.parametrize(
    "make", [arrow_lists, arrow_lists_of_structs, arrow_structs_of_lists], ids=lambda f: f.__name__
)
def test__read_parquet__every_layout__same_light_curves(tmp_path, curves, make):
    pq.write_table(make(curves), tmp_path / "curves.parquet", row_group_size=4)
    assert_same(LightCurves.read_parquet(tmp_path / "curves.parquet"), curves)
    assert_same(LightCurves.read_parquet(str(tmp_path / "curves.parquet")), curves)


def test__read_parquet__folder_and_list__files_in_order(tmp_path, curves):
    (tmp_path / "deep").mkdir()
    paths = [tmp_path / "b.parquet", tmp_path / "a.parquet", tmp_path / "deep" / "c.parquet"]
    for path, part in zip(paths, (curves[:2], curves[2:3], curves[3:]), strict=True):
        pq.write_table(arrow_lists(part), path)
    (tmp_path / "_metadata.parquet").write_text("not light curves")
    (tmp_path / "read_me.txt").write_text("not light curves")
    by_name = LightCurves.concatenate([curves[2:3], curves[:2], curves[3:]])
    assert_same(LightCurves.read_parquet(tmp_path), by_name)
    assert_same(LightCurves.read_parquet(paths), curves)


def test__read_parquet__folder_called_like_a_file__its_parts_are_read(tmp_path, curves):
    for name in ("stars.parquet/part-1.parquet", "stars.parquet/part-0.parquet", "z.parquet"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        pq.write_table(arrow_lists(curves), tmp_path / name)
    for left_out in ("_temporary/0.parquet", ".hidden/0.parquet"):
        (tmp_path / left_out).parent.mkdir()
        (tmp_path / left_out).write_text("not light curves")
    both = LightCurves.concatenate([curves, curves])
    assert_same(LightCurves.read_parquet(tmp_path / "stars.parquet"), both)
    assert_same(LightCurves.read_parquet(tmp_path), LightCurves.concatenate([both, curves]))


@pytest.fixture
def tables_read(monkeypatch):
    """Every table that comes out of a parquet file."""
    tables = []
    read = pq.ParquetFile.read

    def watched(self, *args, **options):
        tables.append(read(self, *args, **options))
        return tables[-1]

    monkeypatch.setattr(pq.ParquetFile, "read", watched)
    return tables


def test__read_parquet__other_columns__not_read(tmp_path, curves, tables_read):
    table = arrow_lists(curves).append_column("image", pa.array([b"1"] * len(curves)))
    pq.write_table(table, tmp_path / "curves.parquet")
    result = LightCurves.read_parquet(tmp_path / "curves.parquet", magnitude="err", error="mag")
    np.testing.assert_array_equal(result.magnitude, curves.error)
    np.testing.assert_array_equal(result.error, curves.magnitude)
    assert set(tables_read[0].column_names) == {"id", "time", "mag", "err"}


@pytest.mark.parametrize("layout", ["list of structs", "struct of lists"])
def test__read_parquet__other_fields__not_read(tmp_path, tables_read, layout):
    observation = {"mjd": 1.0, "mag": 15.0, "flag": 7.0}
    if layout == "list of structs":
        rows = [[observation, observation], []]
    else:
        rows = [
            {name: [x, x] for name, x in observation.items()},
            {"mjd": [], "mag": [], "flag": []},
        ]
    table = pa.table({"lc": rows, "flag": [1, 2], "mjd": [1.0, 2.0]})
    pq.write_table(table, tmp_path / "curves.parquet")
    curves = LightCurves.read_parquet(tmp_path / "curves.parquet")
    np.testing.assert_array_equal(curves[0], [[1.0, 15.0], [1.0, 15.0]])
    np.testing.assert_array_equal(curves.lengths, [2, 0])
    assert tables_read[0].column_names == ["lc"]
    assert "flag" not in str(tables_read[0].schema.field("lc").type)


def test__read_parquet__nothing_there__file_not_found_with_path(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file or folder .*missing.parquet"):
        LightCurves.read_parquet(tmp_path / "missing.parquet")
    with pytest.raises(FileNotFoundError, match=r"holds no .*parquet files"):
        LightCurves.read_parquet(tmp_path)


def test__read_parquet__damaged_or_wrong_file__path_named(tmp_path, curves):
    (tmp_path / "damaged.parquet").write_bytes(b"PAR1 but no more than that")
    with pytest.raises(ValueError, match=r"damaged.parquet: "):
        LightCurves.read_parquet(tmp_path / "damaged.parquet")
    pq.write_table(arrow_lists(curves), tmp_path / "curves.parquet")
    with pytest.raises(ValueError, match=r"curves.parquet: .*'tme' \(time\).*Did you mean 'time'"):
        LightCurves.read_parquet(tmp_path / "curves.parquet", time="tme")


# Back into a table


@pytest.mark.parametrize("ids", [None, range(6), list("abcdef"), [b"a", b"b"] * 3], ids=str)
@pytest.mark.parametrize("with_errors", [True, False])
def test__to_arrow__read_again__the_same(curves, ids, with_errors):
    error = curves.error if with_errors else None
    given = LightCurves(curves.time, curves.magnitude, error, offsets=curves.offsets, ids=ids)
    table = given.to_arrow()
    for form in (table, pl.from_arrow(table), table.to_pandas()):
        assert_same(LightCurves.from_table(form), given, ids=ids is not None)
    columns = {"id": ids is not None, "time": True, "magnitude": True, "error": with_errors}
    assert table.column_names == [name for name, there in columns.items() if there]


def test__to_arrow__some_of_the_light_curves__only_these_and_nothing_copied(curves):
    some = curves[1:]
    table = some.to_arrow()
    assert_same(LightCurves.from_table(table), some)
    numbers = table["magnitude"].chunk(0).values.to_numpy(zero_copy_only=True)
    assert np.shares_memory(numbers, curves.magnitude)


def test__to_arrow__without_a_measurement__stays_nan():
    curves = LightCurves([1.0, np.nan], [np.nan, 15.0], offsets=[0, 2])
    table = curves.to_arrow()
    assert table["magnitude"].chunk(0).values.null_count == 0
    np.testing.assert_array_equal(LightCurves.from_table(table)[0], curves[0])


def test__to_arrow__ids_of_several_types__refused(curves):
    named = curves.with_ids(np.array(["a", 1, 2.5] * 2, dtype=object))
    with pytest.raises(ValueError, match=r"ids cannot be a column of a table.*with_ids"):
        named.to_arrow()
