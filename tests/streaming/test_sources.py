"""Whatever the light curves come from: every row once, in order, and faults are named."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs as fs
import pyarrow.parquet as pq
import pytest
from star_tables import (
    CURVES,
    IDS,
    N_ROWS,
    SEARCH_PATH,
    MeanAndCount,
    as_folder,
    embeddings,
    run,
    stars,
)


def as_list(folder: Path) -> Any:
    as_folder(folder)
    return [str(folder / f"field{number}" / "stars.parquet") for number in range(3)]


def as_text(folder: Path) -> Any:
    return str(as_folder(folder))


def as_hive(folder: Path) -> Any:
    for number, first in enumerate(range(0, N_ROWS, 15)):
        (folder / f"field=a%20{number}").mkdir(parents=True)
        name = folder / f"field=a%20{number}" / "0.parquet"
        pq.write_table(stars(first, first + 15), name, row_group_size=4)
    return folder


def as_dataset(folder: Path) -> Any:
    return ds.dataset(as_hive(folder), partitioning="hive")


def as_dataset_elsewhere(folder: Path) -> Any:
    as_hive(folder)
    return ds.dataset("", filesystem=fs.SubTreeFileSystem(str(folder), fs.LocalFileSystem()))


def as_reader(folder: Path) -> Any:
    return stars().to_reader(max_chunksize=11)


def as_table(folder: Path) -> Any:
    return stars()


def as_list_of_structs(folder: Path) -> Any:
    observations = [
        [{"mjd": time, "other": 1.0, "mag": magnitude} for time, magnitude in curve]
        for curve in CURVES
    ]
    folder.mkdir()
    table = pa.table({"id": IDS, "lightcurve": observations})
    pq.write_table(table, folder / "nested.parquet", row_group_size=8)
    return folder


def as_struct_of_lists(folder: Path) -> Any:
    observations = [{"mjd": list(c[:, 0]), "x": [0], "mag": list(c[:, 1])} for c in CURVES]
    folder.mkdir()
    table = pa.table({"id": pa.array(IDS).dictionary_encode(), "lightcurve": observations})
    pq.write_table(table, folder / "nested.parquet", row_group_size=8)
    return folder


def as_reader_of_structs(folder: Path) -> Any:
    return pq.read_table(as_list_of_structs(folder)).to_reader(max_chunksize=11)


SOURCES = [
    *(as_folder, as_list, as_text, as_hive, as_dataset, as_dataset_elsewhere, as_reader, as_table),
    *(as_list_of_structs, as_struct_of_lists, as_reader_of_structs),
]


@pytest.mark.parametrize("make", SOURCES, ids=lambda make: make.__name__)
def test__transform_parquet__any_source__every_row_once_in_order(
    tmp_path: Path, make: Callable[[Path], Any]
) -> None:
    table = run(MeanAndCount(), make(tmp_path / "in"), tmp_path / "out", batch_rows=8)
    assert table["id"].to_pylist() == IDS
    assert table["row"].to_pylist() == list(range(N_ROWS))
    np.testing.assert_allclose(embeddings(table), MeanAndCount().transform(CURVES), rtol=1e-7)


def test__transform_parquet__no_ids__rows_are_numbered(tmp_path: Path) -> None:
    pq.write_table(stars().drop_columns(["id"]), tmp_path / "stars.parquet", row_group_size=7)
    table = run(MeanAndCount(), tmp_path / "stars.parquet", tmp_path / "out", batch_rows=8)
    assert table.column_names == ["row", "n_observations", "embedding"]
    assert table["row"].to_pylist() == list(range(N_ROWS))


def test__transform_parquet__names_of_columns__are_taken(tmp_path: Path) -> None:
    names = ["note", "who", "when", "what", "flux"]
    pq.write_table(stars().rename_columns(names), tmp_path / "stars.parquet")
    columns = {"time": "when", "magnitude": "what", "id": "who"}
    table = run(MeanAndCount(), tmp_path / "stars.parquet", tmp_path / "out", columns=columns)
    assert table["id"].to_pylist() == IDS
    np.testing.assert_allclose(embeddings(table), MeanAndCount().transform(CURVES), rtol=1e-7)


@pytest.mark.parametrize("as_dataset", [False, True])
def test__transform_parquet__numbers_in_names_of_folders__are_columns(
    tmp_path: Path, as_dataset: bool
) -> None:
    for number in range(3):
        folder = tmp_path / "in" / f"object_id={number}"
        folder.mkdir(parents=True)
        table = stars(number, number + 1).drop_columns(["id"])
        pq.write_table(table, folder / "0.parquet")
    source: Any = tmp_path / "in"
    if as_dataset:
        source = ds.dataset(source, partitioning="hive")
    table = run(MeanAndCount(), source, tmp_path / "out")
    assert table["id"].to_pylist() == [0, 1, 2]
    assert pa.types.is_integer(table.schema.field("id").type)


def test__transform_parquet__bands_in_names_of_folders__one_is_chosen(tmp_path: Path) -> None:
    for band, first in (("g", 0), ("r", 15)):
        (tmp_path / "in" / f"band={band}").mkdir(parents=True)
        part = stars(first, first + 15)
        pq.write_table(part, tmp_path / "in" / f"band={band}" / "0.parquet")
    with pytest.warns(UserWarning, match="15 of 30 light curves .* in band 'r'"):
        table = run(
            MeanAndCount(), tmp_path / "in", tmp_path / "out", batch_rows=4, columns={"band": "r"}
        )
    values = embeddings(table)
    assert np.isnan(values[:15]).all()
    np.testing.assert_allclose(values[15:], MeanAndCount().transform(CURVES[15:]), rtol=1e-7)


def test__transform_parquet__file_changed_while_read__is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = as_folder(tmp_path / "in")
    second = source / "field1" / "stars.parquet"
    transform = MeanAndCount.transform

    def changing(self: MeanAndCount, X: Any) -> np.ndarray:
        pq.write_table(stars(0, 10), second)
        return transform(self, X)

    monkeypatch.setattr(MeanAndCount, "transform", changing)
    with pytest.raises(ValueError, match=r"field1/stars.parquet: the file was changed while"):
        run(MeanAndCount(), source, tmp_path / "out", batch_rows=5)


def test__transform_parquet__truncated_file__is_named(tmp_path: Path) -> None:
    source = as_folder(tmp_path / "in")
    cut = source / "field1" / "stars.parquet"
    cut.write_bytes(cut.read_bytes()[:-20])
    with pytest.raises(ValueError, match=r"field1/stars.parquet: .*[Pp]arquet"):
        run(MeanAndCount(), source, tmp_path / "out")
    cut.write_bytes(b"PAR1")
    with pytest.raises((ValueError, OSError), match=r"field1/stars.parquet: "):
        run(MeanAndCount(), source, tmp_path / "out")


def test__transform_parquet__damaged_row_group__is_named(star_file: Path, tmp_path: Path) -> None:
    group = pq.read_metadata(star_file).row_group(2)
    damaged = bytearray(star_file.read_bytes())
    first = group.column(1).dictionary_page_offset or group.column(1).data_page_offset
    last = group.column(4).data_page_offset
    damaged[first:last] = b"\xff" * (last - first)
    star_file.write_bytes(damaged)
    with pytest.raises((ValueError, OSError), match=r"stars.parquet, row group 2: "):
        run(MeanAndCount(), star_file, tmp_path / "out", batch_rows=7)
    # What was before it is done.
    assert len(list((tmp_path / "out").glob("part-*.parquet"))) == 2


def test__transform_parquet__missing_column__is_named_before_anything_is_done(
    tmp_path: Path,
) -> None:
    source = as_folder(tmp_path / "in")
    other = source / "field2" / "stars.parquet"
    pq.write_table(stars(20, 30).drop_columns(["mjd"]), other)
    with pytest.raises(ValueError, match=r"field2/stars.parquet: no columns of time"):
        run(MeanAndCount(), source, tmp_path / "out", batch_rows=8)
    pq.write_table(stars(20, 30).drop_columns(["id"]), other)
    with pytest.raises(
        ValueError,
        match=r"field2/stars.parquet: id is in no column, but in .*field0.* in column 'id'",
    ):
        run(MeanAndCount(), source, tmp_path / "out", batch_rows=8)
    with pytest.raises(ValueError, match=r"'star'.*In transform_parquet, columns=\{...\} names"):
        run(MeanAndCount(), source, tmp_path / "out", columns={"id": "star"})
    assert MeanAndCount.calls == []
    assert not (tmp_path / "out").exists()


FAULTY: dict[str, tuple[str, Any, str]] = {
    "infinite": ("mag", np.array([15.0, np.inf, 14.0]), "magnitude is infinite"),
    "lengths": ("mag", np.array([15.0]), "'mjd' has .* values but 'mag' has 1"),
    "id": ("id", None, "column 'id': row 0 has no id"),
}


@pytest.mark.parametrize(("name", "value", "message"), FAULTY.values(), ids=FAULTY)
@pytest.mark.parametrize("from_reader", [False, True])
def test__transform_parquet__faulty_row__file_row_group_and_row_are_named(
    star_file: Path, tmp_path: Path, name: str, value: Any, message: str, from_reader: bool
) -> None:
    columns = {column: list(stars()[column].to_pylist()) for column in ("id", "mjd", "mag")}
    columns[name][17] = value
    if name == "mag" and len(value) > 1:
        columns["mjd"][17] = [1.0, 2.0, 3.0]
    table = pa.table(columns)
    pq.write_table(table, star_file, row_group_size=7)
    source: Any = table.to_reader(max_chunksize=15) if from_reader else star_file
    place = "batch 1 of the reader, row 2" if from_reader else "stars.parquet, row group 2, row 17"
    with pytest.raises(ValueError, match=rf"{place} \(read alone, as number 0\): .*{message}"):
        run(MeanAndCount(), source, tmp_path / "out", batch_rows=10)
    assert MeanAndCount.calls == [10]


def test__transform_parquet__column_of_another_kind__is_a_type_error(tmp_path: Path) -> None:
    texts = pa.array([["a"] * len(curve) for curve in CURVES])
    table = stars().set_column(3, "mag", texts)
    pq.write_table(table, tmp_path / "stars.parquet")
    with pytest.raises(TypeError, match=r"stars.parquet, row group 0, row 0 .*'mag'"):
        run(MeanAndCount(), tmp_path / "stars.parquet", tmp_path / "out")


def test__transform_parquet__no_source__says_what_is_needed(
    star_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(FileNotFoundError, match=r"there is no file or folder .*nowhere"):
        run(MeanAndCount(), tmp_path / "nowhere", out)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"holds no \*.parquet files"):
        run(MeanAndCount(), tmp_path / "empty", out)
    for source in (None, 3, [], [CURVES[0]]):
        with pytest.raises(TypeError, match="source must be a Parquet file, a folder"):
            run(MeanAndCount(), source, out)
    with pytest.raises(TypeError, match="not one of Parquet files; give its reader"):
        run(MeanAndCount(), ds.dataset(stars()), out)
    pq.write_table(stars(0, 0), star_file)
    with pytest.raises(ValueError, match="all of its files have 0 rows"):
        run(MeanAndCount(), star_file, out)
    with pytest.raises(ValueError, match="its reader gave 0 rows"):
        run(MeanAndCount(), stars(0, 0).to_reader(), out)


def test__transform_parquet__empty_files_among_others__do_no_harm(tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.parquet" for number in range(4)]
    for file, (first, last) in zip(files, [(0, 0), (0, 20), (20, 20), (20, 30)], strict=True):
        pq.write_table(stars(first, last), file)
    pq.write_table(pa.table({"id": pa.nulls(0)}), files[0])
    table = run(MeanAndCount(), files, tmp_path / "out", batch_rows=8)
    assert table["id"].to_pylist() == IDS


PEAKS = """
import resource, sys
from star_tables import MeanAndCount
from sklearn_astromer.streaming import transform_parquet

for source in sys.argv[1:]:
    transform_parquet(MeanAndCount(), source, source + ".out", batch_rows=50, verbose=0)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss counts kilobytes on Linux")
def test__transform_parquet__one_large_row_group__memory_does_not_grow_with_it(
    tmp_path: Path,
) -> None:
    random = np.random.default_rng(0)
    length = 3000
    for name, n_rows in (("small", 200), ("large", 3000)):
        values = pa.array(random.random(n_rows * length))
        lists = pa.FixedSizeListArray.from_arrays(values, length).cast(pa.list_(pa.float64()))
        table = pa.table({"time": lists, "mag": lists, "err": lists})
        pq.write_table(table, tmp_path / name, row_group_size=n_rows, use_dictionary=False)
    megabytes = (tmp_path / "large").stat().st_size / 2**20
    done = subprocess.run(
        [
            *(sys.executable, "-W", "error", "-c", PEAKS),
            *(str(tmp_path / "small"), str(tmp_path / "large")),
        ],
        env=os.environ | {"PYTHONPATH": SEARCH_PATH, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    small, large = (int(line) / 1024 for line in done.stdout.split())
    assert megabytes > 190
    assert large - small < megabytes / 4
