"""Every example in the pages of docs/ and in the docstrings runs and gives what is shown."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_doctest import ForgivingChecker, python_blocks, run_examples, run_page

import sklearn_astromer

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))


def docstring_examples() -> Iterator[doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    names = [
        module.name
        for module in pkgutil.walk_packages(sklearn_astromer.__path__, "sklearn_astromer.")
    ]
    for name in ["sklearn_astromer", *names]:
        for test in finder.find(importlib.import_module(name)):
            if test.examples:
                yield test


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test__page__its_examples_run__give_the_output_shown(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing may come from the user's own cache folder, nor stay in the working folder.
    monkeypatch.setenv("SKLEARN_ASTROMER_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    results, report = run_page(page)
    assert results.attempted > 0
    assert results.failed == 0, report


@pytest.mark.parametrize("test", list(docstring_examples()), ids=lambda test: test.name)
def test__docstring__its_examples_run__give_the_output_shown(test: doctest.DocTest) -> None:
    results, report = run_examples(test)
    assert results.failed == 0, report


def test__python_blocks__text_around_them__keeps_the_line_numbers(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("one\n\n```python\n>>> 1 + 1\n2\n```\n\n```\n>>> no_python\n```\n")
    assert python_blocks(page).rstrip() == "\n\n\n>>> 1 + 1\n2"


def test__run_page__wrong_output__is_a_failure(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```python\n>>> 1 + 1\n3\n>>> 2 + 2\n4\n```\n")
    results, report = run_page(page)
    assert (results.failed, results.attempted) == (1, 2)
    assert "Expected:\n    3" in report


@pytest.mark.parametrize(
    ("got", "accepted"), [("0.77", True), ("0.78", True), ("0.79", False), ("0.7712", True)]
)
def test__forgiving_checker__last_digit__may_differ_by_one(got: str, accepted: bool) -> None:
    checker = ForgivingChecker()
    assert checker.check_output("F1 0.77, 20 stars\n", f"F1 {got}, 20 stars\n", 0) is accepted
    assert not checker.check_output("F1 0.77, 20 stars\n", f"F1 {got}, 21 stars\n", 0)
