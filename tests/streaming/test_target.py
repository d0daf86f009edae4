"""The folder that is written: gone on with after a stop, and never mixed up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from example_curves import random_embedder
from star_tables import (
    CURVES,
    SEARCH_PATH,
    MeanAndCount,
    as_folder,
    content,
    embeddings,
    run,
    stars,
)

from sklearn_astromer import (
    AstromerEmbedder,
)


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
            *(sys.executable, "-W", "error", "-c", KILLED),
            *(str(source), str(target), moment, str(last)),
        ],
        env=os.environ | {"PYTHONPATH": SEARCH_PATH, "OMP_NUM_THREADS": "1"},
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
