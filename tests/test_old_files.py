"""Files of every format that was ever released are read, and give the numbers that they gave.

They lie in ``fixtures``, with the script that made them.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from sklearn_astromer import AstromerEmbedder, saving
from sklearn_astromer.errors import AstromerError
from sklearn_astromer.streaming import target, transform, transform_parquet
from sklearn_astromer.training import long_run
from sklearn_astromer.weights import checkpoint, read_checkpoint

FIXTURES = Path(__file__).resolve().parent / "fixtures"
sys.path.insert(0, str(FIXTURES))

from make_fixtures import BATCH_ROWS, CURVES, make_state  # noqa: E402

EXPECTED = np.load(FIXTURES / "expected-1.npz", allow_pickle=False)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A copy of the fixtures."""
    return Path(shutil.copytree(FIXTURES, tmp_path / "old"))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The net and the windows of a new run, like the one whose state is a fixture."""
    monkeypatch.setattr(long_run, "PORTRAIT_SIZE", long_run.PORTRAIT_SIZE)
    return make_state(None)


def test__fixtures__every_format__has_one() -> None:
    numbers = {
        "embedder": saving.FORMAT_VERSION,
        "checkpoint": checkpoint.FORMAT_VERSION,
        "target": target.FORMAT_VERSION,
        "run": long_run.FORMAT_VERSION,
    }
    for name, newest in numbers.items():
        for number in range(1, newest + 1):
            assert list(FIXTURES.glob(f"{name}-{number}*")), f"{name} has a new format"


def test__load__embedder_of_format_1__gives_its_numbers(old: Path) -> None:
    embedder = AstromerEmbedder.load(old / "embedder-1")
    np.testing.assert_allclose(embedder.transform(CURVES), EXPECTED["embedding"], atol=1e-5)
    assert embedder.n_features_in_ == 12
    assert embedder.history_[0]["valid_rmse"] == 0.25
    assert embedder.learning_rate is None
    assert embedder.random_state == 0


def test__read_checkpoint__format_1__gives_its_numbers(old: Path) -> None:
    path = old / "checkpoint-1.safetensors"
    assert read_checkpoint(path).metadata == {"name": "mine", "steps": 3}
    embedding = AstromerEmbedder(path).transform(CURVES)
    np.testing.assert_allclose(embedding, EXPECTED["of_checkpoint"], atol=1e-5)


def as_begun_here(old: Path, embedder: AstromerEmbedder) -> None:
    """Write into an old manifest what another place and another version change by right."""
    path = old / "target-1" / "_manifest.json"
    manifest = json.loads(path.read_text())
    manifest |= transform._identity(embedder)
    manifest["files"][0]["path"] = str(old / "stars.parquet")
    path.write_text(json.dumps(manifest))


def test__transform_parquet__target_of_format_1__is_gone_on_with(old: Path) -> None:
    embedder = AstromerEmbedder.load(old / "embedder-1")
    as_begun_here(old, embedder)
    before = (old / "target-1" / "part-00000.parquet").read_bytes()
    transform_parquet(
        embedder, old / "stars.parquet", old / "target-1", batch_rows=BATCH_ROWS, verbose=0
    )
    assert (old / "target-1" / "part-00000.parquet").read_bytes() == before
    embedding = np.stack(pq.read_table(old / "target-1")["embedding"].to_pylist())
    np.testing.assert_allclose(embedding, EXPECTED["streamed"], atol=1e-5)


def test__transform_parquet__target_of_another_version__says_which(old: Path) -> None:
    embedder = AstromerEmbedder.load(old / "embedder-1")
    as_begun_here(old, embedder)
    path = old / "target-1" / "_manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(manifest | {"sklearn_astromer": "0.0.9"}))
    with pytest.raises(ValueError, match=r"sklearn_astromer was '0.0.9' and is .* new folder"):
        transform_parquet(
            embedder, old / "stars.parquet", old / "target-1", batch_rows=BATCH_ROWS, verbose=0
        )


def test__resume__state_of_format_1__goes_on_from_its_numbers(old: Path, run: Any) -> None:
    net, windows = run
    long_run.resume(net, windows, old / "run-1.safetensors")
    bias = net.module_.network.decoder.linear.bias.detach()
    np.testing.assert_allclose(bias, EXPECTED["bias_of_run"], atol=1e-6)
    assert net.step_ == EXPECTED["steps_of_run"]
    assert net.history[-1, "train_loss"] == pytest.approx(float(EXPECTED["loss_of_run"]))
    net.partial_fit(windows, None, epochs=1)
    assert net.step_ == 2 * EXPECTED["steps_of_run"]


def with_header(path: Path, key: str, change: Callable[[dict[str, Any]], None]) -> None:
    with safe_open(path, "pt") as file:
        header = json.loads(file.metadata()[key])
    change(header)
    save_file(load_file(path), path, metadata={key: json.dumps(header)})


def with_json(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def read_embedder(old: Path, change: Any, run: Any) -> None:
    with_json(old / "embedder-1" / "embedder.json", change)
    AstromerEmbedder.load(old / "embedder-1")


def read_network(old: Path, change: Any, run: Any) -> None:
    with_header(old / "checkpoint-1.safetensors", "sklearn_astromer", change)
    read_checkpoint(old / "checkpoint-1.safetensors")


def read_target(old: Path, change: Any, run: Any) -> None:
    embedder = AstromerEmbedder.load(old / "embedder-1")
    as_begun_here(old, embedder)
    with_json(old / "target-1" / "_manifest.json", change)
    transform_parquet(
        embedder, old / "stars.parquet", old / "target-1", batch_rows=BATCH_ROWS, verbose=0
    )


def read_run(old: Path, change: Any, run: Any) -> None:
    with_header(old / "run-1.safetensors", "sklearn_astromer_run", change)
    long_run.resume(*run, old / "run-1.safetensors")


READERS = {
    "embedder.json": read_embedder,
    "checkpoint-1.safetensors": read_network,
    "_manifest.json": read_target,
    "run-1.safetensors": read_run,
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("number", [2, 99])
def test__read__newer_format__says_to_upgrade(name: str, number: int, old: Path, run: Any) -> None:
    def newer(header: dict[str, Any]) -> None:
        # A newer version may well have renamed everything else.
        header.clear()
        header["format"] = number

    message = rf"{name} has format {number}; .* up to 1.*pip install --upgrade sklearn-astromer"
    with pytest.raises(AstromerError, match=message):
        READERS[name](old, newer, run)


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("number", [None, 0, -1, True, "1", 1.0, [1], {}, "missing"])
def test__read__garbled_format__says_that_the_file_is_damaged(
    name: str, number: Any, old: Path, run: Any
) -> None:
    def garbled(header: dict[str, Any]) -> None:
        header["format"] = number
        if number == "missing":
            del header["format"]

    with pytest.raises(AstromerError, match=rf"{name} is damaged: .*format.*\. [A-Z].*\.$"):
        READERS[name](old, garbled, run)
