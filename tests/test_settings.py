"""Where downloads stay."""

from __future__ import annotations

from pathlib import Path

import pooch
import pytest

from sklearn_astromer.settings import CACHE_VARIABLE, cache_folder


def test__cache_folder__variable__decides(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert CACHE_VARIABLE == "SKLEARN_ASTROMER_HOME"
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.setenv(CACHE_VARIABLE, "~/light curves")
    assert cache_folder() == Path.home() / "light curves"
    monkeypatch.delenv(CACHE_VARIABLE)
    assert cache_folder() == Path(pooch.os_cache("sklearn_astromer"))
