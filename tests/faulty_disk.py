"""Disks that are full, and folders that cannot be written to."""

from __future__ import annotations

import errno
import os
import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


@contextmanager
def full_disk(room: int = 0) -> Iterator[None]:
    """Let no file grow beyond so many bytes: writing fails where it would on a full disk.

    Files and folders can be made, and the operating system itself refuses the rest, whoever
    writes; only its error is EFBIG in place of ENOSPC.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def read_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be made by way of `tempfile`, as in a folder that is read-only.

    Tests often run as root, whom no permissions stop.
    """

    def refused(*args: Any, **kwargs: Any) -> Any:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    for name in ("mkstemp", "mkdtemp"):
        monkeypatch.setattr(tempfile, name, refused)


def contents(folder: Path) -> dict[str, bytes | None]:
    """All that is below a folder, hidden files too; None for folders."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }
