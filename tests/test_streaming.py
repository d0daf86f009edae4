"""Light curves are streamed from Parquet and Arrow to embeddings; nothing is lost or doubled."""

from __future__ import annotations

import json
import os
import signal
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
import torch
from example_curves import random_curves, random_embedder
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import StandardScaler

from sklearn_astromer import (
    AstromerEmbedder,
    BandEmbedder,
    FoldedCurve,
    LightCurves,
    as_light_curves,
)
from sklearn_astromer.streaming import transform_parquet

TESTS = Path(__file__).resolve().parent
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


@pytest.fixture(autouse=True)
def fresh_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MeanAndCount, "calls", [])


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


@pytest.fixture
def star_file(tmp_path: Path) -> Path:
    """Five row groups, whose borders are not those of the parts."""
    pq.write_table(stars(), tmp_path / "stars.parquet", row_group_size=7)
    return tmp_path / "stars.parquet"


# What comes out.


@pytest.mark.parametrize("batch_rows", [1, 4, 7, 30, 1000])
def test__transform_parquet__any_batch__equals_transform(
    star_file: Path, tmp_path: Path, batch_rows: int
) -> None:
    embedder = random_embedder()
    table = run(embedder, star_file, tmp_path / "out", batch_rows=batch_rows)
    np.testing.assert_allclose(embeddings(table), embedder.transform(CURVES), atol=1e-6)
    assert table["id"].to_pylist() == IDS
    assert table["row"].to_pylist() == list(range(N_ROWS))
    assert table["n_observations"].to_pylist() == [len(curve) for curve in CURVES]
    assert table.schema.field("embedding").type == pa.list_(pa.float32(), 8)
    parts = sorted(file.name for file in (tmp_path / "out").glob("*.parquet"))
    assert parts == [f"part-{number:05d}.parquet" for number in range(-(-30 // batch_rows))]
    assert [pq.read_metadata(tmp_path / "out" / name).num_rows for name in parts] == [
        min(batch_rows, N_ROWS - first) for first in range(0, N_ROWS, batch_rows)
    ]


def test__transform_parquet__pipeline_in_float64__keeps_every_digit(
    star_file: Path, tmp_path: Path
) -> None:
    pipeline = make_pipeline(MeanAndCount(), StandardScaler()).fit(CURVES)
    table = run(pipeline, star_file, tmp_path / "out", batch_rows=8, dtype="float64")
    np.testing.assert_array_equal(embeddings(table), pipeline.transform(CURVES))
    assert table.schema.field("embedding").type == pa.list_(pa.float64(), 2)


def test__transform_parquet__folded_curve__nan_stays_nan(star_file: Path, tmp_path: Path) -> None:
    folded = FoldedCurve(n_bins=6, min_period=5.0, with_period=True)
    table = run(folded, star_file, tmp_path / "out", batch_rows=9, dtype="float64")
    np.testing.assert_allclose(embeddings(table), folded.transform(CURVES), rtol=1e-9, atol=1e-9)


def test__transform_parquet__union_without_fit__equals_transform(
    star_file: Path, tmp_path: Path
) -> None:
    union = make_union(random_embedder(), MeanAndCount())
    table = run(union, star_file, tmp_path / "out", batch_rows=8)
    np.testing.assert_allclose(embeddings(table), union.transform(CURVES), rtol=1e-5, atol=1e-6)


def test__transform_parquet__real_survey__equals_transform(asas_file: Path, tmp_path: Path) -> None:
    table = run(MeanAndCount(), asas_file, tmp_path / "out", batch_rows=1000)
    curves = LightCurves.read_parquet(asas_file)
    assert curves.ids is not None
    assert table["id"].to_pylist() == curves.ids.tolist()
    np.testing.assert_allclose(embeddings(table), MeanAndCount().transform(curves), rtol=1e-6)


def test__transform_parquet__manifest__tells_what_was_done(star_file: Path, tmp_path: Path) -> None:
    run(MeanAndCount(), star_file, tmp_path / "out", batch_rows=8)
    manifest = json.loads((tmp_path / "out" / "_manifest.json").read_text())
    assert manifest["estimator"] == "MeanAndCount()"
    assert manifest["features"] == ["mean", "count"]
    assert manifest["batch_rows"] == 8
    assert manifest["files"][0]["path"] == str(star_file)
    assert manifest["files"][0]["rows"] == N_ROWS
    assert manifest["files"][0]["bytes"] == star_file.stat().st_size
    assert manifest["finished"] == {"rows": N_ROWS, "without_observation": 0}


def test__transform_parquet__verbose__shows_rate_and_time_left(
    star_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(MeanAndCount(), star_file, tmp_path / "quiet", batch_rows=8)
    assert capsys.readouterr().err == ""
    run(MeanAndCount(), star_file, tmp_path / "shown", batch_rows=8, verbose=1)
    shown = capsys.readouterr().err
    assert "30/30" in shown
    assert "curve/s" in shown


# Where it comes from.


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


# Several bands, and none.


def two_bands() -> pa.Table:
    bands = [["g", "r"] * len(curve) for curve in CURVES]
    bands[3:9] = [["r"] * len(band) for band in bands[3:9]]
    bands[10:14] = [["z"] * len(band) for band in bands[10:14]]
    bands = [band[: len(curve)] for band, curve in zip(bands, CURVES, strict=True)]
    return stars().append_column("filter", pa.array(bands))


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize("from_reader", [False, True])
def test__transform_parquet__band_embedder__equals_transform_where_measured(
    tmp_path: Path, fitted: bool, from_reader: bool
) -> None:
    table = two_bands()
    embedder = BandEmbedder(MeanAndCount(), bands=["g", "r"])
    if fitted:
        embedder.fit(table)
    wanted = embedder.transform(table)
    # Rows 10 to 13, of which a whole part consists, have no observation in g or r.
    wanted[10:14] = np.nan
    source: Any = table.to_reader(max_chunksize=7)
    if not from_reader:
        source = tmp_path / "stars.parquet"
        pq.write_table(table, source, row_group_size=7)
    with pytest.warns(UserWarning, match=r"4 of 30 .* in band \['g', 'r'\]"):
        done = run(embedder, source, tmp_path / "out", batch_rows=2, columns={"id": "id"})
    np.testing.assert_allclose(embeddings(done), wanted, rtol=1e-6)
    assert done["id"].to_pylist() == IDS
    counts = [len(curve) for curve in CURVES]
    counts[10:14] = [0] * 4
    assert done["n_observations"].to_pylist() == counts


def test__transform_parquet__band_embedder_and_names__belong_to_the_embedder(
    star_file: Path, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=r"name time in BandEmbedder\(columns="):
        run(BandEmbedder(MeanAndCount()), star_file, tmp_path / "out", columns={"time": "mjd"})


def test__transform_parquet__band_embedder_in_a_pipeline__is_given_tables(tmp_path: Path) -> None:
    table = two_bands()
    pq.write_table(table, tmp_path / "stars.parquet", row_group_size=7)
    bands = BandEmbedder(MeanAndCount(), bands=["g", "r"], missing="zero")
    pipeline = make_pipeline(bands, StandardScaler()).fit(table)
    with pytest.warns(UserWarning, match="4 of 30"):
        done = run(pipeline, tmp_path / "stars.parquet", tmp_path / "out", batch_rows=5)
    kept = np.r_[0:10, 14:N_ROWS]
    np.testing.assert_allclose(
        embeddings(done)[kept], pipeline.transform(table)[kept], rtol=1e-5, atol=1e-5
    )


def test__transform_parquet__several_bands_and_none_chosen__names_the_row(tmp_path: Path) -> None:
    pq.write_table(two_bands()[3:], tmp_path / "stars.parquet", row_group_size=7)
    with pytest.raises(ValueError, match=r"row group 0, row 6 .*several bands, 'g' and 'r'"):
        run(MeanAndCount(), tmp_path / "stars.parquet", tmp_path / "out")


def with_empty(tmp_path: Path) -> Path:
    times = [curve[:, 0] for curve in CURVES]
    magnitudes: list[Any] = [curve[:, 1] for curve in CURVES]
    magnitudes[9] = np.full(len(times[9]), np.nan)
    times[20], magnitudes[20] = [], []
    times[24], magnitudes[24] = None, None
    table = pa.table({"id": IDS, "time": times, "mag": magnitudes})
    pq.write_table(table, tmp_path / "gaps.parquet", row_group_size=7)
    return tmp_path / "gaps.parquet"


def test__transform_parquet__nothing_measured__is_nan_and_counted(tmp_path: Path) -> None:
    embedder = random_embedder()
    with pytest.warns(UserWarning, match="3 of 30 light curves have no observation"):
        table = run(embedder, with_empty(tmp_path), tmp_path / "out", batch_rows=4)
    empty = np.isin(np.arange(N_ROWS), [9, 20, 24])
    values = embeddings(table)
    assert np.isnan(values[empty]).all()
    np.testing.assert_allclose(values[~empty], embedder.transform(CURVES)[~empty], atol=1e-6)
    assert np.flatnonzero(table["n_observations"].to_numpy() == 0).tolist() == [9, 20, 24]
    manifest = json.loads((tmp_path / "out" / "_manifest.json").read_text())
    assert manifest["finished"]["without_observation"] == 3


def test__transform_parquet__nothing_measured_and_raise__names_the_first(tmp_path: Path) -> None:
    source = with_empty(tmp_path)
    with pytest.raises(ValueError, match=r"gaps.parquet, row group 1, row 9: .*on_empty"):
        run(MeanAndCount(), source, tmp_path / "out", batch_rows=6, on_empty="raise")


def test__transform_parquet__nothing_measured_at_all__is_an_error(
    star_file: Path, tmp_path: Path
) -> None:
    pq.write_table(two_bands(), star_file)
    for _ in range(2):
        with pytest.raises(ValueError, match=r"30 of 30 light curves .* in band 'G', so that"):
            run(MeanAndCount(), star_file, tmp_path / "out", columns={"band": "G"})


# Going on.


def test__transform_parquet__finished_target__is_returned_at_once(
    star_file: Path, tmp_path: Path
) -> None:
    run(MeanAndCount(), star_file, tmp_path / "out", batch_rows=8)
    before = content(tmp_path / "out")
    assert MeanAndCount.calls == [8, 8, 8, 6]
    unnamed = {"error": None}
    run(MeanAndCount(verbose=1), star_file, tmp_path / "out", batch_rows=8, columns=unnamed)
    assert MeanAndCount.calls == [8, 8, 8, 6]
    assert content(tmp_path / "out") == before


def test__transform_parquet__stopped_by_an_error__goes_on_where_it_was(
    star_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(MeanAndCount(), star_file, tmp_path / "whole", batch_rows=4)
    monkeypatch.setattr(MeanAndCount, "calls", [])
    monkeypatch.setattr(MeanAndCount, "fails_after", 3)
    with pytest.raises(RuntimeError, match="the power is gone"):
        run(MeanAndCount(), star_file, tmp_path / "out", batch_rows=4)
    manifest = json.loads((tmp_path / "out" / "_manifest.json").read_text())
    assert manifest["finished"] is None
    monkeypatch.setattr(MeanAndCount, "fails_after", None)
    run(MeanAndCount(), star_file, tmp_path / "out", batch_rows=4)
    assert MeanAndCount.calls == [4, 4, 4, 4, 4, 4, 4, 2]
    assert content(tmp_path / "out") == content(tmp_path / "whole")


def test__transform_parquet__parts_gone_or_damaged__these_are_made_again(
    star_file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out = tmp_path / "out"
    run(MeanAndCount(), star_file, out, batch_rows=4)
    before = content(out)
    (out / "part-00001.parquet").unlink()
    (out / "part-00003.parquet").write_bytes(before["part-00003.parquet"][:-5])
    (out / "part-00006.parquet").write_bytes(before["part-00005.parquet"])
    (out / ".part-00007.parquet.abc.tmp").write_bytes(b"PAR1")
    MeanAndCount.calls.clear()
    run(MeanAndCount(), star_file, out, batch_rows=4)
    assert MeanAndCount.calls == [4, 4, 4]
    assert content(out) == before
    assert [record.args[0].name for record in caplog.records] == [  # type: ignore[union-attr,index]
        "part-00003.parquet",
        "part-00006.parquet",
    ]


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from example_curves import random_embedder
from sklearn_astromer import AstromerEmbedder, atomic
from sklearn_astromer.streaming import transform_parquet

source, target, moment, last = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
calls = 0

def dying(function):
    def called(*arguments, **options):
        global calls
        calls += 1
        if calls == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **options)
    return called

if moment == "transform":
    AstromerEmbedder.transform = dying(AstromerEmbedder.transform)
if moment == "write":
    os.replace = dying(os.replace)
transform_parquet(random_embedder(), source, target, batch_rows=4, verbose=0)
"""


def killed(source: Path, target: Path, moment: str, last: int = 0) -> int:
    """Run the same command in a process that kills itself at some moment; give its exit status."""
    return subprocess.run(
        [
            *(sys.executable, "-W", "error", "-c", KILLED.format(tests=str(TESTS))),
            *(str(source), str(target), moment, str(last)),
        ],
        env=os.environ | {"PYTHONPATH": str(TESTS.parent), "OMP_NUM_THREADS": "1"},
        stderr=subprocess.DEVNULL if last else None,
    ).returncode


def test__transform_parquet__kill_9_in_the_middle__same_files_as_undisturbed(
    star_file: Path, tmp_path: Path
) -> None:
    out, whole = tmp_path / "out", tmp_path / "whole"
    assert killed(star_file, out, "transform", 3) == -signal.SIGKILL
    assert sorted(content(out)) == ["_manifest.json", "part-00000.parquet", "part-00001.parquet"]
    # Parts 2 and 3 come, and part 4 is written, but has not got its name.
    assert killed(star_file, out, "write", 3) == -signal.SIGKILL
    names = sorted(content(out))
    assert names[0].startswith(".part-00004.parquet.")
    assert names[1:] == ["_manifest.json", *(f"part-0000{number}.parquet" for number in range(4))]
    assert killed(star_file, out, "never") == 0
    embedder = random_embedder()
    run(embedder, star_file, whole, batch_rows=4)
    assert content(out) == content(whole)
    np.testing.assert_allclose(
        embeddings(pq.read_table(out)), embedder.transform(CURVES), atol=1e-6
    )


# What is refused.


def other_weights() -> AstromerEmbedder:
    embedder = random_embedder()
    with torch.no_grad():
        next(iter(embedder.network_.parameters()))[0] += 1
    return embedder


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "batch_rows": ({"batch_rows": 5}, "batch_rows was 4 and is 5"),
    "columns": ({"columns": {"id": "id"}}, r"columns was \{\} and is \{'id': 'id'\}"),
    "dtype": ({"dtype": "float64"}, "dtype was 'float32' and is 'float64'"),
    "parameter": (
        {"estimator": random_embedder(output="max")},
        r"the estimator was AstromerEmbedder\(.*\) and is .*output='max'",
    ),
    "weights": ({"estimator": other_weights()}, "the estimator has learned something else"),
}


@pytest.mark.parametrize(("changes", "message"), REFUSED.values(), ids=REFUSED)
def test__transform_parquet__other_arguments__are_refused_with_what_differs(
    star_file: Path, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    out = tmp_path / "out"
    same = {"estimator": random_embedder(), "source": star_file, "target": out, "batch_rows": 4}
    run(**same)
    before = content(out)
    with pytest.raises(ValueError, match=f"was begun otherwise: {message}"):
        run(**(same | changes))
    assert content(out) == before


def test__transform_parquet__weights_behind_a_path_changed__is_refused(
    star_file: Path, tmp_path: Path
) -> None:
    random_embedder().save(tmp_path / "weights")
    named = AstromerEmbedder(weights=tmp_path / "weights")
    run(named, star_file, tmp_path / "out")
    other_weights().save(tmp_path / "weights", overwrite=True)
    with pytest.raises(ValueError, match="the estimator has learned something else"):
        run(named, star_file, tmp_path / "out")


def test__transform_parquet__other_files__are_refused_with_what_differs(tmp_path: Path) -> None:
    source, out = as_folder(tmp_path / "in"), tmp_path / "out"
    run(MeanAndCount(), source, out, batch_rows=8)
    changed = source / "field1" / "stars.parquet"
    original = changed.read_bytes()
    # The same number of rows, and all but the same values.
    pq.write_table(stars(11, 21, pa.list_(pa.float64())), changed, row_group_size=4)
    with pytest.raises(ValueError, match=r"field1/stars.parquet was changed \(it had 10 rows"):
        run(MeanAndCount(), source, out, batch_rows=8)
    changed.write_bytes(original)
    pq.write_table(stars(0, 1), source / "field1" / "extra.parquet")
    with pytest.raises(ValueError, match="the source had 3 files and has 4"):
        run(MeanAndCount(), source, out, batch_rows=8)
    changed.rename(source / "field1" / "else.parquet")
    (source / "field1" / "extra.parquet").unlink()
    with pytest.raises(ValueError, match=r"stars.parquet where it has .*else.parquet"):
        run(MeanAndCount(), source, out, batch_rows=8)


def test__transform_parquet__file_of_the_same_size__is_known_by_its_content(
    star_file: Path, tmp_path: Path
) -> None:
    table = stars().drop_columns(["flux", "note"])
    magnitudes = table["mag"].to_pylist()
    magnitudes[17][0] += 10.0
    other = table.set_column(2, "mag", pa.array(magnitudes))
    plain: dict[str, Any] = {"compression": "none", "use_dictionary": False}
    pq.write_table(table, star_file, **plain)
    size = star_file.stat().st_size
    run(MeanAndCount(), star_file, tmp_path / "out")
    pq.write_table(other, star_file, **plain)
    assert star_file.stat().st_size == size
    with pytest.raises(ValueError, match=r"stars.parquet was changed"):
        run(MeanAndCount(), star_file, tmp_path / "out")


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


@pytest.mark.parametrize("finished", [False, True])
def test__transform_parquet__reader_and_begun_target__is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finished: bool
) -> None:
    if finished:
        run(MeanAndCount(), stars().to_reader(), tmp_path / "out", batch_rows=8)
    else:
        monkeypatch.setattr(MeanAndCount, "fails_after", 2)
        with pytest.raises(RuntimeError, match="power"):
            run(MeanAndCount(), stars().to_reader(), tmp_path / "out", batch_rows=8)
    with pytest.raises(FileExistsError, match="a reader cannot be resumed: delete the folder"):
        run(MeanAndCount(), stars().to_reader(), tmp_path / "out", batch_rows=8)


def test__transform_parquet__target_that_cannot_be__is_refused(
    star_file: Path, tmp_path: Path
) -> None:
    with pytest.raises(NotADirectoryError, match="is a file; name a folder"):
        run(MeanAndCount(), star_file, star_file)
    with pytest.raises(NotADirectoryError):
        run(MeanAndCount(), star_file, star_file / "out")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("")
    with pytest.raises(FileExistsError, match=r"other holds other files, and no _manifest.json"):
        run(MeanAndCount(), star_file, tmp_path / "other")
    with pytest.raises(ValueError, match="is inside the source"):
        run(MeanAndCount(), tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1'])
def test__transform_parquet__damaged_manifest__is_refused(
    star_file: Path, tmp_path: Path, text: str
) -> None:
    run(MeanAndCount(), star_file, tmp_path / "out")
    (tmp_path / "out" / "_manifest.json").write_text(text)
    with pytest.raises(ValueError, match=r"_manifest.json is damaged"):
        run(MeanAndCount(), star_file, tmp_path / "out")


# What is wrong with the source is named.


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


def test__transform_parquet__curve_the_estimator_refuses__is_named(
    star_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    transform = MeanAndCount.transform

    def refusing(self: MeanAndCount, X: Any) -> np.ndarray:
        if any(len(curve) == len(CURVES[19]) for curve in X):
            raise ValueError("too long for me")
        return transform(self, X)

    monkeypatch.setattr(MeanAndCount, "transform", refusing)
    with pytest.raises(ValueError, match=r"row group 2, row 19 .*: too long for me"):
        run(MeanAndCount(), star_file, tmp_path / "out", batch_rows=10)

    def refusing_many(self: MeanAndCount, X: Any) -> np.ndarray:
        if len(X) == 10:
            raise TypeError("these do not go together")
        return transform(self, X)

    monkeypatch.setattr(MeanAndCount, "transform", refusing_many)
    place = r"from .*row group 1, row 10, to .*row group 2, row 19"
    with pytest.raises(TypeError, match=f"{place}: these do not go together"):
        run(MeanAndCount(), star_file, tmp_path / "out", batch_rows=10)


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


# The estimator and the parameters.


def test__transform_parquet__estimator_that_will_not_do__says_why(
    star_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(NotFittedError):
        run(AstromerEmbedder(), star_file, out)
    with pytest.raises(TypeError, match="a LogisticRegression has no transform"):
        run(LogisticRegression(), star_file, out)
    assert not out.exists()
    with pytest.raises(
        ValueError, match='a list; one row per light curve is needed: output="mean"'
    ):
        run(random_embedder(output="sequence"), star_file, out)


def test__transform_parquet__names_and_columns_differ__is_an_error(
    star_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = np.array(["mean"], dtype=object)
    monkeypatch.setattr(MeanAndCount, "get_feature_names_out", lambda self: names)
    with pytest.raises(ValueError, match=r"shape \(30, 2\); its feature names promise \(30, 1\)"):
        run(MeanAndCount(), star_file, tmp_path / "out")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_rows": 0}, "batch_rows must be a positive integer, got 0"),
        ({"batch_rows": 2.5}, "batch_rows must be a positive integer"),
        ({"on_empty": "drop"}, 'on_empty must be one of "nan", "raise"'),
        ({"dtype": "int8"}, "dtype must be one of"),
        ({"columns": {"mag": "mag"}}, "columns may name time, magnitude, .*; got 'mag'"),
    ],
)
def test__transform_parquet__parameter_not_valid__says_what_is(
    star_file: Path, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        run(MeanAndCount(), star_file, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test__transform_parquet__without_pyarrow__gives_the_install_line(
    star_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r'pip install "sklearn-astromer\[tables\]"'):
        run(MeanAndCount(), star_file, tmp_path / "out")


# Memory.

PEAKS = """
import resource, sys
sys.path.insert(0, {tests!r})
from test_streaming import MeanAndCount
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
            *(sys.executable, "-W", "error", "-c", PEAKS.format(tests=str(TESTS))),
            *(str(tmp_path / "small"), str(tmp_path / "large")),
        ],
        env=os.environ | {"PYTHONPATH": str(TESTS.parent), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    small, large = (int(line) / 1024 for line in done.stdout.split())
    assert megabytes > 190
    assert large - small < megabytes / 4
