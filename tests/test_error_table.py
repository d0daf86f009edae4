"""The page on errors says what is true."""

from __future__ import annotations

import re
from pathlib import Path

from bad_inputs import CASES, table

from sklearn_astromer import errors

PAGE = Path(__file__).resolve().parents[1] / "docs" / "errors.md"


def test__page__table_of_bad_inputs__is_what_they_get() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    rows = table()
    start = lines.index(rows[0])
    # If this fails, put there what `python tests/bad_inputs.py` prints.
    assert lines[start : start + len(rows)] == rows
    assert not any(line.startswith("|") for line in lines[start + len(rows) :])


def test__bad_inputs__names__are_told_apart() -> None:
    names = [case.given for case in CASES]
    assert len(set(names)) == len(names)


def test__page__kinds_of_errors__are_those_that_there_are() -> None:
    text = PAGE.read_text(encoding="utf-8")
    named = dict(re.findall(r"^\| `(\w+)` \| `(\w+)` \|", text, re.MULTILINE))
    there = {
        name: kind.__bases__[1].__name__
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and len(kind.__bases__) == 2
    }
    assert named == there
    assert issubclass(errors.LightCurveWarning, UserWarning)
