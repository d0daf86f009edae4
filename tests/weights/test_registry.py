"""The weights that are known by name."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from sklearn_astromer.weights import DEFAULT_WEIGHTS, available

SHIPPED = ["variables", "macho", "atlas", "variables-paper"]
OFFICIAL = ["macho-official", "atlas-official", "macho-clean-official"]


def test__available__names__are_those_that_ship_and_the_official_ones() -> None:
    table = available()
    assert table.names == [*SHIPPED, *OFFICIAL]
    assert [entry.name for entry in table if entry.ships] == SHIPPED
    assert table[DEFAULT_WEIGHTS].ships


def test__available__official_entries__are_pinned_to_commit_and_hash() -> None:
    pattern = r"https://github\.com/astromer-science/weights/raw/[0-9a-f]{40}/\w+\.zip"
    for name in OFFICIAL:
        entry = available()[name]
        assert re.fullmatch(pattern, entry.address or "")
        assert re.fullmatch("[0-9a-f]{64}", entry.sha256 or "")
        assert entry.download_name in {"macho.zip", "atlas.zip", "macho_clean.zip"}


def test__available__hashes__are_those_of_the_files(shared_folder: Path) -> None:
    for name in OFFICIAL:
        entry = available()[name]
        content = (shared_folder / "weights" / entry.download_name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry.sha256


def test__available__conventions__are_the_better_ones() -> None:
    found = {name: available()[name].attention for name in OFFICIAL}
    assert found == {
        "macho-official": "exclude",
        "atlas-official": "additive",
        "macho-clean-official": "exclude",
    }


def test__available__every_entry__has_licence_citation_survey_and_band() -> None:
    for entry in available():
        assert entry.licence == "MIT"
        assert "10.1051/0004-6361/202243928" in entry.citation
        assert entry.survey in {"MACHO", "ATLAS", "ASAS, OGLE, CRTS, simulated"}
        assert entry.band in {"R", "o", "V, I"}
        assert (entry.path is None) != (entry.address is None)


def test__weights_table__repr__is_an_aligned_table() -> None:
    lines = repr(available()).splitlines()
    assert len(lines) == 2 + len(available())
    assert lines[0].split()[:4] == ["name", "where", "survey", "band"]
    starts = [match.start() for match in re.finditer(r"-+", lines[1])]
    for line, entry in zip(lines[2:], available(), strict=True):
        assert all(line[start - 1] == " " and line[start] != " " for start in starts[1:])
        assert line.startswith(entry.name)
        assert ("ships" if entry.ships else "download") in line
        assert f"{entry.n_blocks} x {entry.embedding_size}" in line
        assert entry.attention in line
        assert line.endswith(entry.description)


def test__weights_table__html__has_a_row_per_entry_and_is_escaped() -> None:
    text = available()._repr_html_()
    assert text.count("<tr>") == 1 + len(available())
    assert "authors&#x27; MACHO weights" in text


def test__weights_table__access__by_name_position_and_slice() -> None:
    table = available()
    assert table["atlas"] is table[2]
    assert table[-1].name == "macho-clean-official"
    assert table[:2].names == ["variables", "macho"]
    assert "atlas" in table
    assert table[0] in table
    assert "ogle" not in table
    with pytest.raises(KeyError, match="there are variables, macho, atlas"):
        table["ogle"]


def test__weights_entry__that_ships__has_nothing_to_download() -> None:
    with pytest.raises(ValueError, match="ship in the package"):
        available()["macho"].download_name  # noqa: B018 - reading it is the test
