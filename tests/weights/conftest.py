"""What the tests of weights share."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pooch
import pytest
import torch

from sklearn_astromer.weights import Checkpoint, WeightsEntry

DATA = Path(__file__).resolve().parent / "data"
TINY_FOLDERS = ("tiny_bundle", "tiny_h5", "tiny_astromer2")

MakeZip = Callable[[Path, Mapping[str, bytes]], Path]
Differences = Callable[..., tuple[float, float]]


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Tiny checkpoints with random weights, and what the authors' own code answers with them."""
    return DATA


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new cache folder; and no test gets to the network."""
    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setenv("SKLEARN_ASTROMER_HOME", str(folder))

    class NoDownload:
        def __init__(self, **options: object) -> None:
            pass

        def __call__(self, url: str, *_: object) -> None:
            pytest.fail(f"a test wanted to download {url}")

    monkeypatch.setattr(pooch, "HTTPDownloader", NoDownload)
    return folder


@pytest.fixture(scope="session")
def make_zip() -> MakeZip:
    def make(path: Path, members: Mapping[str, bytes]) -> Path:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return path

    return make


@pytest.fixture(scope="session")
def tiny_members() -> dict[str, bytes]:
    """Members of a zip like the authors' ones, with training logs and all."""
    files = {f"tiny/{path.name}": path.read_bytes() for path in (DATA / "tiny_bundle").iterdir()}
    return files | {"tiny/logs/train/events.out": b"log", "tiny/checkpoint": b"text"}


@pytest.fixture
def tiny_entry(tmp_path: Path, make_zip: MakeZip, tiny_members: dict[str, bytes]) -> WeightsEntry:
    """Entry for a tiny official file, which lies in the folder "elsewhere"."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    path = make_zip(folder / "tiny.zip", tiny_members)
    return WeightsEntry(
        name="tiny-official",
        description="random numbers",
        survey="none",
        band="V",
        n_blocks=2,
        embedding_size=16,
        attention="exclude",
        licence="MIT",
        citation="nobody",
        address="https://example.org/some-commit/tiny.zip",
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
    )


@pytest.fixture(scope="session")
def differences() -> Differences:
    """Largest absolute differences of embeddings and reconstructions from the authors' outputs."""

    def compare(
        checkpoint: Checkpoint,
        outputs: Mapping[str, np.ndarray],
        attention: str,
        marked_as: str = "padding",
        prefix: str = "",
    ) -> tuple[float, float]:
        # The authors have one marker for padding and hidden and leave the magnitudes in: in our
        # terms, all that is marked is padding.
        config = replace(checkpoint.config, attention=attention)  # type: ignore[arg-type]
        network = replace(checkpoint, config=config).build()
        marked = torch.from_numpy(outputs["mask_in"] > 0)
        with torch.no_grad():
            embedding = network.encoder(
                torch.from_numpy(outputs["times"]).double(),
                torch.from_numpy(outputs["input"]),
                **{marked_as: marked},
            )
            reconstruction = network.decoder(embedding)
        return (
            float(np.abs(embedding.numpy() - outputs[f"{prefix}embedding"]).max()),
            float(np.abs(reconstruction.numpy() - outputs[f"{prefix}reconstruction"]).max()),
        )

    return compare


@pytest.fixture(scope="session")
def listing() -> Callable[[Path], list[str]]:
    """All files below a folder, hidden ones included."""
    return lambda folder: sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "tiny_folder" in metafunc.fixturenames:
        metafunc.parametrize(
            "tiny_folder", [DATA / name for name in TINY_FOLDERS], ids=TINY_FOLDERS
        )
