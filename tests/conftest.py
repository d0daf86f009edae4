"""What several test modules share."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# Before anything imports scipy: one of scikit-learn's own checks skips itself without it.
os.environ.setdefault("SCIPY_ARRAY_API", "1")

# The same examples each time, so that a change is not blamed for what was there before.
# --hypothesis-profile=search looks for new ones.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("search", max_examples=1000, deadline=None, print_blob=True)
settings.load_profile("same")

OFFICIAL_FILES = ("macho.zip", "atlas.zip")


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """Folder with survey data, official checkpoints and reference outputs, beside the project."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("the folder ../shared with survey data and checkpoints is not here")
    return folder


@pytest.fixture(scope="session")
def folder_of_official_weights(
    shared_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Copies of the authors' files, as somebody without internet would lay them down."""
    folder = tmp_path_factory.mktemp("official_weights")
    for name in OFFICIAL_FILES:
        shutil.copyfile(shared_folder / "weights" / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def official_weights_home(folder_of_official_weights: Path) -> Iterator[Path]:
    """Make the names of the official weights work without internet, for one test module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SKLEARN_ASTROMER_HOME", str(folder_of_official_weights))
        yield folder_of_official_weights


@pytest.fixture(scope="session")
def asas_file(shared_folder: Path) -> Path:
    """Real light curves of ASAS with labels, as a parquet file."""
    return shared_folder / "data" / "asas.parquet"
