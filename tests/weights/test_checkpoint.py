"""Checkpoints and their safetensors form."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from sklearn_astromer.errors import WeightsError
from sklearn_astromer.network import AstromerNetwork, NetworkConfig
from sklearn_astromer.weights import Checkpoint, read_checkpoint, write_checkpoint

CONFIG = NetworkConfig(
    embedding_size=8, n_blocks=1, n_heads=2, feedforward_size=4, time_base=500.0, dropout=0.2
)


@pytest.fixture
def checkpoint() -> Checkpoint:
    torch.manual_seed(1)
    metadata = {"name": "mine", "steps": 3, "survey": "Ω"}
    return Checkpoint(CONFIG, AstromerNetwork(CONFIG).state_dict(), metadata)


@pytest.fixture
def path(tmp_path: Path, checkpoint: Checkpoint) -> Path:
    path = tmp_path / "files" / "network.safetensors"
    path.parent.mkdir()
    write_checkpoint(path, checkpoint)
    return path


def rewrite_header(path: Path, **changes: object) -> None:
    """Write the file again with another header, as another program could have done."""
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    header = json.loads(json.loads(content[8 : 8 + size])["__metadata__"]["sklearn_astromer"])
    new_header = {"sklearn_astromer": json.dumps(header | changes)}
    save_file(load_file(path), path, metadata=new_header)


def test__write_checkpoint__read_again__is_equal(path: Path, checkpoint: Checkpoint) -> None:
    found = read_checkpoint(path)
    assert found.config == checkpoint.config
    assert found.metadata == checkpoint.metadata
    assert found.state.keys() == checkpoint.state.keys()
    for name, value in checkpoint.state.items():
        assert torch.equal(found.state[name], value)


def test__write_checkpoint__twice__leaves_one_file(path: Path, checkpoint: Checkpoint) -> None:
    write_checkpoint(path, replace(checkpoint, metadata={"name": "other"}))
    assert [item.name for item in path.parent.iterdir()] == [path.name]
    assert read_checkpoint(path).metadata == {"name": "other"}


def test__write_checkpoint__same_content__gives_the_same_bytes(
    path: Path, checkpoint: Checkpoint
) -> None:
    before = path.read_bytes()
    write_checkpoint(path, checkpoint)
    assert path.read_bytes() == before


def test__write_checkpoint__replacing_fails__leaves_the_old_file(
    path: Path, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = path.read_bytes()

    def fail(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("sklearn_astromer.atomic.os.replace", fail)
    with pytest.raises(OSError, match="no space left"):
        write_checkpoint(path, replace(checkpoint, metadata={}))
    assert [item.name for item in path.parent.iterdir()] == [path.name]
    assert path.read_bytes() == before


def test__build__fitting_weights__gives_a_network_for_inference(checkpoint: Checkpoint) -> None:
    network = checkpoint.build()
    assert not network.training
    assert network.config == CONFIG
    for name, value in network.state_dict().items():
        assert torch.equal(value, checkpoint.state[name])
    # Training the network must not change the checkpoint.
    with torch.no_grad():
        network.decoder.linear.bias += 1
    assert checkpoint.state["decoder.linear.bias"].item() == 0


def test__build__any__leaves_random_numbers_alone(checkpoint: Checkpoint) -> None:
    torch.manual_seed(2)
    expected = torch.rand(1)
    torch.manual_seed(2)
    checkpoint.build()
    assert torch.equal(torch.rand(1), expected)


def test__build__wrong_weights__names_all_that_is_wrong(checkpoint: Checkpoint) -> None:
    state = dict(checkpoint.state)
    del state["decoder.linear.bias"]
    state["decoder.scale"] = torch.ones(1)
    state["decoder.norm.weight"] = torch.ones(9)
    state["decoder.norm.bias"] = torch.ones(8, dtype=torch.int64)
    with pytest.raises(ValueError, match="do not fit") as raised:
        replace(checkpoint, state=state).build()
    for part in (
        "missing: decoder.linear.bias",
        "left over: decoder.scale",
        "shape of decoder.norm.weight: (9,) instead of (8,)",
        "not floating-point numbers: decoder.norm.bias",
    ):
        assert part in str(raised.value)


@pytest.mark.parametrize("changes", [{"n_blocks": 10**12}, {"embedding_size": 2 * 10**30}])
def test__build__absurd_sizes__raises_at_once(
    checkpoint: Checkpoint, changes: dict[str, int]
) -> None:
    with pytest.raises(ValueError, match="configuration"):
        replace(checkpoint, config=replace(CONFIG, **changes)).build()


def test__read_checkpoint__no_file__raises(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nothing\.safetensors"):
        read_checkpoint(tmp_path / "nothing.safetensors")


def test__read_checkpoint__any_flipped_byte__is_noticed(path: Path) -> None:
    content = path.read_bytes()
    for position in [*range(0, 900, 13), *range(900, len(content), 61), len(content) - 1]:
        damaged = bytearray(content)
        damaged[position] ^= 0x10
        path.write_bytes(damaged)
        try:
            found = read_checkpoint(path)
        except ValueError as error:
            assert str(path) in str(error)  # noqa: PT017 - spaces in the header may change
        else:
            # Only where the header's own spelling does not matter.
            assert position < 900
            assert found.config == CONFIG


@pytest.mark.parametrize("kept", [0, 7, 100, -1])
def test__read_checkpoint__truncated__raises(path: Path, kept: int) -> None:
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ValueError, match="damaged"):
        read_checkpoint(path)


def test__read_checkpoint__newer_format__asks_for_a_newer_package(path: Path) -> None:
    rewrite_header(path, format=2)
    with pytest.raises(ValueError, match=r"format 2.*Install a newer"):
        read_checkpoint(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "one"}, "its format is 'one'"),
        ({"format": True}, "its format is True"),
        ({"config": []}, "lacks configuration or metadata"),
        ({"metadata": None}, "lacks configuration or metadata"),
        ({"metadata": {"name": "another"}}, "checksum"),
        ({"config": CONFIG.to_dict() | {"attention": "additive"}}, "checksum"),
    ],
)
def test__read_checkpoint__wrong_header__raises(
    path: Path, changes: dict[str, object], message: str
) -> None:
    rewrite_header(path, **changes)
    with pytest.raises(ValueError, match=message):
        read_checkpoint(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": 1}, "unknown entries: colour"),
        ({"n_heads": 3}, "not valid: .*multiple of n_heads"),
        ({"dropout": None}, "not valid"),
    ],
)
def test__read_checkpoint__configuration_of_another_program__raises(
    path: Path,
    checkpoint: Checkpoint,
    changes: dict[str, object],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # As written by somebody who made no mistake but this.
    strange = CONFIG.to_dict() | changes
    monkeypatch.setattr(NetworkConfig, "to_dict", lambda _: strange)
    write_checkpoint(path, checkpoint)
    with pytest.raises(ValueError, match=message):
        read_checkpoint(path)


def test__read_checkpoint__header_that_would_fill_the_memory__is_refused_unread(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    padding = b" " * (1 << 22)
    path.write_bytes((size + len(padding)).to_bytes(8, "little") + content[8 : 8 + size] + padding)
    monkeypatch.setattr("sklearn_astromer.weights.checkpoint.safe_open", None)
    with pytest.raises(WeightsError, match=r"network\.safetensors is damaged.*claims a header"):
        read_checkpoint(path)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test__read_checkpoint__weight_not_finite__is_refused(
    path: Path, checkpoint: Checkpoint, value: float
) -> None:
    checkpoint.state["decoder.linear.bias"].fill_(value)
    write_checkpoint(path, checkpoint)
    with pytest.raises(WeightsError, match=r"not finite in decoder\.linear\.bias"):
        read_checkpoint(path)


def test__read_checkpoint__weights_of_another_network__names_the_file(
    path: Path, checkpoint: Checkpoint
) -> None:
    write_checkpoint(path, replace(checkpoint, config=replace(CONFIG, n_blocks=2)))
    with pytest.raises(WeightsError, match=r"network\.safetensors: the weights do not fit"):
        read_checkpoint(path)


def test__read_checkpoint__other_safetensors_file__says_what_is_missing(tmp_path: Path) -> None:
    save_file({"a": torch.ones(1)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="not written by sklearn_astromer"):
        read_checkpoint(tmp_path / "other.safetensors")


def test__write_checkpoint__missing_folder__raises_and_leaves_nothing(
    tmp_path: Path, checkpoint: Checkpoint, listing: Callable[[Path], list[str]]
) -> None:
    before = listing(tmp_path)
    with pytest.raises(FileNotFoundError):
        write_checkpoint(tmp_path / "missing" / "network.safetensors", checkpoint)
    assert listing(tmp_path) == before
