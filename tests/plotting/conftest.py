"""Pictures without a screen, closed after each test."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import matplotlib as mpl
import pytest


@pytest.fixture(autouse=True)
def _no_screen() -> Iterator[None]:
    with mpl.rc_context():
        mpl.use("agg")
        yield
    sys.modules["matplotlib.pyplot"].close("all")
