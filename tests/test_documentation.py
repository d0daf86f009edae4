"""Every example in the pages of docs/ and in the docstrings runs and gives what is shown."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from markdown_doctest import ForgivingChecker, python_blocks, run_examples, run_page

import sklearn_astromer

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    page
    for page in sorted((ROOT / "docs").glob("*.md"))
    if ">>>" in page.read_text(encoding="utf-8")
]
FIGURES = sorted((ROOT / "docs" / "figures").glob("*.py"))
REFERENCE = ROOT / "docs" / "api.md"
PUBLIC_MODULES = (
    "datasets",
    "evaluation",
    "light_curves",
    "periods",
    "plotting",
    "streaming",
    "weights",
)


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


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test__figure_of_a_page__its_script_runs__draws(
    figure: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plt.close("all")
    # As in the build.
    monkeypatch.chdir(figure.parent)
    runpy.run_path(str(figure))
    assert len(plt.get_fignums()) == 1
    plt.gcf().canvas.draw()
    plt.close("all")


def test__figures__scripts__are_all_used_by_a_page() -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md"))
    assert [
        figure.name for figure in FIGURES if f".. plot:: figures/{figure.name}" not in pages
    ] == []
    assert FIGURES


def test__reference__public_classes_and_functions__are_all_listed() -> None:
    listed = set(re.findall(r"^   ([a-z_]+\.)*(\w+)$", REFERENCE.read_text(encoding="utf-8"), re.M))
    listed_names = {name for _, name in listed}
    names = set()
    for module in [
        sklearn_astromer,
        *(importlib.import_module(f"sklearn_astromer.{name}") for name in PUBLIC_MODULES),
    ]:
        names |= {name for name in module.__all__ if callable(getattr(module, name))}
    assert sorted(names - listed_names) == []


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
