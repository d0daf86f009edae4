"""What is handed to others: sources that build a wheel, and a wheel with all that is needed."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import sklearn_astromer

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "sklearn_astromer"

sdist_builder = pytest.importorskip("hatchling.builders.sdist", reason="hatchling is not installed")
wheel_builder = pytest.importorskip("hatchling.builders.wheel", reason="hatchling is not installed")


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist, unpacked."""
    folder = tmp_path_factory.mktemp("sdist")
    (archive,) = sdist_builder.SdistBuilder(str(ROOT)).build(directory=str(folder))
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    return folder / Path(archive).name.removesuffix(".tar.gz")


@pytest.fixture(scope="module")
def wheel(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """The wheel that the sdist builds."""
    folder = tmp_path_factory.mktemp("wheel")
    (archive,) = wheel_builder.WheelBuilder(str(sources)).build(directory=str(folder))
    with zipfile.ZipFile(archive) as packed:
        yield packed


def files_of_the_package() -> set[str]:
    return {
        str(path.relative_to(ROOT))
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test__wheel__built_from_the_sdist__holds_the_package_and_nothing_else(
    wheel: zipfile.ZipFile,
) -> None:
    about = f"sklearn_astromer-{sklearn_astromer.__version__}.dist-info"
    names = set(wheel.namelist())
    described = {name for name in names if name.startswith(about)}
    assert names - described == files_of_the_package()
    assert f"{about}/licenses/LICENSE" in described


def test__wheel__weights_and_marker_of_types__are_there_byte_for_byte(
    wheel: zipfile.ZipFile,
) -> None:
    weights = [name for name in wheel.namelist() if name.endswith(".safetensors")]
    assert "sklearn_astromer/weights/files/variables.safetensors" in weights
    for name in [*weights, "sklearn_astromer/py.typed"]:
        assert wheel.read(name) == (ROOT / name).read_bytes(), name


def test__sdist__holds_what_make_needs(sources: Path) -> None:
    for name in (
        *("Makefile", "pyproject.toml", "constraints.txt", "constraints-oldest.txt"),
        *("README.md", "CHANGES.md", "LICENSE", "CITATION.cff"),
        *("tests/conftest.py", "docs/conf.py", "examples/demo.py"),
    ):
        assert (sources / name).is_file(), name
