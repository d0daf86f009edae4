"""The README and the files around it say what is true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from markdown_doctest import run_page

import sklearn_astromer
from sklearn_astromer import weights

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGES.md", *sorted((ROOT / "docs").glob("*.md"))]


def test__readme__its_examples_run__give_the_output_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    results, report = run_page(ROOT / "README.md")
    assert results.attempted >= 10
    assert results.failed == 0, report


def relative_links(page: Path) -> list[str]:
    """Links in the prose of a page to other files."""
    prose = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.M)
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", prose)
    return [link for link in links if "://" not in link]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test__page__every_relative_link__leads_to_a_file(page: Path) -> None:
    assert [link for link in relative_links(page) if not (page.parent / link).exists()] == []


def test__readme__its_links__are_found() -> None:
    assert "docs/inputs.md" in relative_links(ROOT / "README.md")


def test__readme__weights__names_all_of_them() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in weights.available().names if f"`{name}`" not in text] == []


@pytest.mark.parametrize(
    ("file", "line"),
    [("CITATION.cff", "version: {}"), ("CHANGES.md", "## {}")],
)
def test__version__of_the_package__stands_in_the_files(file: str, line: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    assert line.format(sklearn_astromer.__version__) in text


def test__constraints__all_requirements__are_pinned_exactly() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    names = {pin.partition("==")[0] for pin in pins}
    required = re.findall(
        r'^    "([A-Za-z0-9-]+)>=',
        (ROOT / "pyproject.toml").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][0-9.]*", pin) for pin in pins)
    assert len(required) > 10
    assert set(required) <= names
