"""Weights by name or path."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from sklearn_astromer import weights
from sklearn_astromer.network import AstromerNetwork, NetworkConfig


@pytest.fixture
def checkpoint() -> weights.Checkpoint:
    torch.manual_seed(0)
    config = NetworkConfig(embedding_size=8, n_blocks=1, n_heads=2, feedforward_size=4)
    return weights.Checkpoint(config, AstromerNetwork(config).state_dict(), {"survey": "mine"})


@pytest.mark.parametrize("as_path", [True, False])
@pytest.mark.parametrize("whole_folder", [True, False])
def test__load__own_file__is_read(
    as_path: bool, whole_folder: bool, tmp_path: Path, checkpoint: weights.Checkpoint
) -> None:
    path = tmp_path / weights.NETWORK_FILE
    weights.write_checkpoint(path, checkpoint)
    given = tmp_path if whole_folder else path
    found = weights.load(given if as_path else str(given))
    assert found.config == checkpoint.config
    assert found.metadata == checkpoint.metadata


def test__load__official_folder__keeps_the_authors_convention(data_folder: Path) -> None:
    checkpoint = weights.load(data_folder / "tiny_bundle")
    assert checkpoint.config.attention == "additive"
    assert checkpoint.metadata == {"source": "tiny_bundle", "layout": "TensorFlow checkpoint"}


def test__load__path_below_home__may_be_written_with_tilde(
    tmp_path: Path, checkpoint: weights.Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    weights.write_checkpoint(tmp_path / "mine.safetensors", checkpoint)
    assert weights.load("~/mine.safetensors").config == checkpoint.config


def test__load__official_name__tells_what_it_is(shared_folder: Path, cache: Path) -> None:
    for name in ("macho_clean", "atlas"):
        content = (shared_folder / "weights" / f"{name}.zip").read_bytes()
        (cache / f"{name}.zip").write_bytes(content)
    atlas = weights.load("atlas-official")
    assert atlas.config.attention == "additive"
    assert atlas.metadata["name"] == "atlas-official"
    assert atlas.metadata["survey"] == "ATLAS"
    assert atlas.metadata["band"] == "o"
    assert atlas.metadata["licence"] == "MIT"
    assert atlas.metadata["layout"] == "Keras HDF5"
    assert atlas.metadata["sha256"].startswith("ea4c4dae7407")
    clean = weights.load("macho-clean-official")
    assert clean.config.attention == "exclude"
    assert clean.config.n_blocks == 1


def test__load__unknown_name__suggests_the_nearest() -> None:
    with pytest.raises(ValueError, match="no weights 'Macho-oficial'") as raised:
        weights.load("Macho-oficial")
    assert "Did you mean 'macho-official'?" in str(raised.value)
    assert ", ".join(weights.available().names) in str(raised.value)
    with pytest.raises(ValueError, match="no weights 'xyzzy'") as raised:
        weights.load("xyzzy")
    assert "Did you mean" not in str(raised.value)


@pytest.mark.parametrize("path", ["some/folder", "file.zip", Path("macho")])
def test__load__path_that_does_not_exist__says_that_it_is_no_name_either(
    path: str | Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no file or folder .* no weights have that name"):
        weights.load(path)


@pytest.mark.parametrize("value", [None, 3, b"macho", ["macho"]])
def test__load__neither_name_nor_path__raises_type_error(value: object) -> None:
    with pytest.raises(TypeError, match="must be a name or a path"):
        weights.load(value)  # type: ignore[arg-type]


def test__weights__import__leaves_optional_and_slow_modules_alone() -> None:
    program = (
        "import sys, sklearn_astromer.weights\n"
        "assert not {'h5py', 'pooch', 'requests', 'tensorflow'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
