"""Files that are there completely or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that, whatever happens, there is the whole of it or what was there before.

    Parameters
    ----------
    path : Path
        File to make or to replace; its folder exists.
    content : bytes
        What it is to hold.

    Raises
    ------
    OSError
        If the file cannot be written; then nothing is left behind.
    """
    # In the same folder, since only then the replacement is a single step.
    handle, temporary = tempfile.mkstemp(
        prefix=f".{path.name[:40]}.", suffix=".tmp", dir=path.parent
    )
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        # What mkstemp makes is closed to others, which is wrong in a folder that people share.
        Path(temporary).chmod(0o666 & ~_umask())
        os.replace(temporary, path)  # noqa: PTH105 - Path.replace cannot take a str source
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _umask() -> int:
    """Tell which permissions new files shall not have."""
    current = os.umask(0)
    os.umask(current)
    return current
