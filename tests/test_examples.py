"""The examples run, with few stars, and say what they are meant to say."""

from __future__ import annotations

import runpy
import struct
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def run_example(
    name: str, options: list[str], monkeypatch: pytest.MonkeyPatch
) -> dict[str, object]:
    monkeypatch.setattr(sys, "argv", [name, *options])
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return runpy.run_path(str(EXAMPLES / name), run_name="__main__")


def png_size(path: Path) -> tuple[int, int]:
    header = path.read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", header[16:24])
    return width, height


def test__demo__few_stars__prints_the_table_and_draws_two_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = f"--output {tmp_path} --cadence atlas --stars-per-class 22 --splits 1".split()
    run_example("demo.py", options, monkeypatch)
    printed = capsys.readouterr().out
    assert printed.count("split ") == 1
    # Eight classes and the mean, each with two scores and their spread.
    assert printed.count(" ± ") == 18
    macro = next(line for line in printed.splitlines() if line.startswith("macro F1"))
    ours, statistics = (float(cell.split()[-1]) for cell in macro.split(" ± ")[:2])
    assert ours > statistics
    assert min(png_size(tmp_path / "embedding_space.png")) > 300
    assert min(png_size(tmp_path / "reconstruction.png")) > 300


def test__few_shot_asas__baseline_only__is_well_above_chance_and_repeats(
    shared_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = shared_folder / "data" / "asas.parquet"
    options = f"--data {data} --per-class 5 --test-per-class 10 --splits 1 --weights".split()
    lines = []
    for _ in range(2):
        run_example("few_shot_asas.py", options, monkeypatch)
        lines.append(capsys.readouterr().out.splitlines()[-1])
    name, score, *_ = lines[0].split()
    assert name == "statistics"
    assert float(score) > 0.3
    assert lines[0] == lines[1]


def test__few_shot_asas__is_unseen__keeps_about_70_percent_by_id_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("pyarrow")
    monkeypatch.syspath_prepend(str(EXAMPLES))
    is_unseen = runpy.run_path(str(EXAMPLES / "few_shot_asas.py"), run_name="few_shot")["is_unseen"]
    stars = [f"star-{number}" for number in range(2000)]
    kept = [star for star in stars if is_unseen(star)]
    assert 0.66 < len(kept) / len(stars) < 0.74
    assert kept == [star for star in stars if is_unseen(star)]


def test__few_shot_asas__more_stars_than_there_are__names_the_class(
    shared_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = shared_folder / "data" / "asas.parquet"
    options = f"--data {data} --per-class 500 --weights".split()
    with pytest.raises(SystemExit, match=r"class \w+ has \d+ stars, too few for 500"):
        run_example("few_shot_asas.py", options, monkeypatch)


def test__join_features__folded_curves__beat_statistics(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [
        "--stars-per-class",
        "12",
        "--per-class",
        "5",
        "--test-per-class",
        "5",
        "--splits",
        "1",
    ]
    options += ["--blocks", "statistics", "folded"]
    run_example("join_features.py", options, monkeypatch)
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if " ± " in line]
    f1 = {" ".join(row[:-3]): float(row[-3]) for row in rows}
    assert list(f1) == ["statistics", "folded", "folded + statistics"]
    assert f1["folded"] > f1["statistics"] > 0.3
