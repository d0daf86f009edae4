"""The script that draws the pictures of the docs."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMES = (
    "attention",
    "embedding",
    "few_shot",
    "learning_curve",
    "light_curve",
    "reconstruction",
)
LARGEST_PICTURE = 120_000


def test__pictures__few_stars__draws_six(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--output", str(tmp_path), "--stars-per-class", "10", "--cadence", "atlas"]
    monkeypatch.setattr(sys, "argv", ["pictures.py", *options])
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    runpy.run_path(str(ROOT / "examples" / "pictures.py"), run_name="__main__")
    assert capsys.readouterr().out.count("wrote ") == 6
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"display_{name}.png" for name in NAMES
    ]


@pytest.mark.parametrize("name", NAMES)
def test__pictures__of_the_docs__are_shown_and_small(name: str) -> None:
    path = ROOT / "docs" / "images" / f"display_{name}.png"
    assert path.stat().st_size < LARGEST_PICTURE
    page = (ROOT / "docs" / "pictures.md").read_text(encoding="utf-8")
    assert f"(images/display_{name}.png)" in page
