"""What belongs to the whole process stays as it is, whatever of the package is used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent


def test__everything__imported_and_used__changes_nothing_global() -> None:
    # A new process: in this one, much has been imported and set before.
    done = subprocess.run(
        [sys.executable, str(TESTS / "use_everything.py")],
        env=os.environ | {"PYTHONPATH": str(TESTS.parent), "MPLBACKEND": "svg"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"import": {}, "use": {}}
