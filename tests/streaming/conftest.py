"""What the tests of streaming share."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from star_tables import MeanAndCount, stars


@pytest.fixture(autouse=True)
def fresh_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MeanAndCount, "calls", [])


@pytest.fixture
def star_file(tmp_path: Path) -> Path:
    """Five row groups, whose borders are not those of the parts."""
    pq.write_table(stars(), tmp_path / "stars.parquet", row_group_size=7)
    return tmp_path / "stars.parquet"
