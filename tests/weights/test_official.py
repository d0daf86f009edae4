"""The authors' checkpoints, and whether our network gives their numbers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from sklearn_astromer import weights
from sklearn_astromer.weights.official import read_official

OUTPUTS = {
    "tiny_bundle": ("tiny_v1_outputs.npz", "additive"),
    "tiny_h5": ("tiny_v1_outputs.npz", "additive"),
    "tiny_astromer2": ("tiny_astromer2_outputs.npz", "exclude"),
}


@pytest.fixture
def copied(tmp_path: Path, data_folder: Path) -> Callable[[str], Path]:
    def copy(name: str) -> Path:
        return Path(shutil.copytree(data_folder / name, tmp_path / name))

    return copy


def test__read_official__tiny_checkpoint__gives_the_authors_numbers(
    tiny_folder: Path, data_folder: Path, differences: Callable[..., tuple[float, float]]
) -> None:
    checkpoint = read_official(tiny_folder)
    file, attention = OUTPUTS[tiny_folder.name]
    outputs = np.load(data_folder / file)
    # Windows with padding, with hidden observations and with both.
    assert np.isnan(outputs["raw"]).any()
    assert (outputs["mask_in"] > 0).sum() > np.isnan(outputs["raw"][..., 0]).sum()
    assert checkpoint.config.attention == attention
    assert checkpoint.config.time_base == 10000
    # The authors' marker is our `padding`, in both generations.
    assert max(differences(checkpoint, outputs, attention, "padding")) < 1e-4
    other = "exclude" if attention == "additive" else "additive"
    assert max(differences(checkpoint, outputs, other, "padding")) > 1e-2


def test__read_official__first_astromer_with_marker_as_hidden__differs(
    data_folder: Path, differences: Callable[..., tuple[float, float]]
) -> None:
    # Ours really hides, theirs does not.
    outputs = np.load(data_folder / "tiny_v1_outputs.npz")
    checkpoint = read_official(data_folder / "tiny_bundle")
    assert max(differences(checkpoint, outputs, "additive", "hidden")) > 1e-2


def test__read_official__second_astromer_with_marker_as_hidden__hardly_differs(
    data_folder: Path, differences: Callable[..., tuple[float, float]]
) -> None:
    # It never lets a hidden observation be looked at; its magnitude only enters its own query, and
    # without residual connections that is all but lost in the tiny checkpoint.
    outputs = np.load(data_folder / "tiny_astromer2_outputs.npz")
    checkpoint = read_official(data_folder / "tiny_astromer2")
    assert max(differences(checkpoint, outputs, "exclude", "hidden")) < 1e-4


@pytest.mark.parametrize(("name", "tolerance"), [("macho", 3e-3), ("atlas", 3e-4)])
def test__load__official_file_put_into_the_cache__gives_the_authors_numbers(
    name: str,
    tolerance: float,
    shared_folder: Path,
    cache: Path,
    differences: Callable[..., tuple[float, float]],
) -> None:
    # As on a cluster without a network: the file is carried there by hand.
    shutil.copy(shared_folder / "weights" / f"{name}.zip", cache)
    checkpoint = weights.load(f"{name}-official")
    outputs = np.load(shared_folder / "reference" / "official_outputs.npz")
    found = differences(checkpoint, outputs, "additive", prefix=f"{name}_")
    assert max(found) < tolerance


def test__load__macho_with_one_padding_token__equals_all_padding(
    shared_folder: Path, cache: Path
) -> None:
    # In float64: these weights blow rounding errors of float32 up to 1e-4.
    network = weights.load(shared_folder / "weights" / "macho.zip").build().double()
    outputs = np.load(shared_folder / "reference" / "official_outputs.npz")
    time = torch.from_numpy(outputs["times"]).double()
    magnitude = torch.from_numpy(outputs["input"]).double()
    padding = torch.from_numpy(np.isnan(outputs["raw"][..., 0]))
    worst = 0.0
    for window in padding.any(1).nonzero().flatten().tolist():
        kept = int((~padding[window]).sum()) + 1
        repeats = torch.full((1, kept), 200 - kept + 1)
        whole, part = slice(window, window + 1), (slice(window, window + 1), slice(kept))
        with torch.no_grad():
            full = network.encoder(time[whole], magnitude[whole], padding=padding[whole])
            short = network.encoder(
                time[part], magnitude[part], padding=padding[part], repeats=repeats
            )
        worst = max(worst, float((full[:, :kept] - short).abs().max()))
    # The logarithm of the number of repeats is float32.
    assert worst < 1e-4


def test__read_official__macho_clean__is_read_without_its_optimizer(shared_folder: Path) -> None:
    checkpoint = read_official(shared_folder / "weights" / "macho_clean.zip")
    assert checkpoint.config.n_blocks == 1
    assert checkpoint.config.embedding_size == 256
    assert checkpoint.config.n_heads == 4
    assert checkpoint.config.feedforward_size == 64
    assert sum(value.numel() for value in checkpoint.state.values()) == 298561


def test__read_official__h5_and_bundle__hold_the_same_weights(data_folder: Path) -> None:
    one, other = (read_official(data_folder / name) for name in ("tiny_bundle", "tiny_h5"))
    assert one.config == other.config
    for name, value in one.state.items():
        assert torch.equal(value, other.state[name])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layers": 1}, "no place"),
        ({"layers": 3}, "do not fit their configuration"),
        ({"layers": 10**9}, "do not fit their configuration"),
        ({"head_dim": 8}, "shape of"),
        ({"dff": 9}, "shape of"),
        ({"heads": 3}, "multiple of n_heads"),
        ({"heads": "2"}, "n_heads must be a positive integer"),
        ({"use_leak": True}, "residual connections"),
        ({"dropout": None}, "no network that can be built"),
    ],
)
def test__read_official__configuration_does_not_fit__raises(
    changes: dict[str, object],
    message: str,
    copied: Callable[[str], Path],
    listing: Callable[[Path], list[str]],
) -> None:
    folder = copied("tiny_bundle")
    configuration = folder / "conf.json"
    configuration.write_text(json.dumps(json.loads(configuration.read_text()) | changes))
    before = listing(folder.parent)
    with pytest.raises(ValueError, match=message) as raised:
        read_official(folder)
    assert str(folder) in str(raised.value)
    assert listing(folder.parent) == before


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('mask_format = "K"', 'mask_format = "Q"', "attention that adds"),
        ("m_alpha = -1000000000.0", "m_alpha = -0.5", "attention that adds"),
        ("temperature = 0.0", "temperature = 2.0", "without temperature"),
        ('arch = "base"', 'arch = "skip"', "architecture 'base'"),
        ("pe_dim = 16", "pe_dim = 8", "differ in size"),
        ("use_leak = false", "use_leak = true", "residual connections"),
        ("num_layers = 3", "", "does not say what 'num_layers' is"),
        ("num_layers = 3", "num_layers =", "cannot be read"),
        # What Python would multiply to ten gigabytes.
        ("num_heads = 2", 'num_heads = "many"', "'many' heads of the size"),
        ("num_heads = 2", "num_heads = [1, 2]", r"\[1, 2\] heads of the size"),
        ("num_heads = 2", "num_heads = 2e400", "inf heads of the size"),
    ],
)
def test__read_official__unsupported_second_astromer__raises(
    old: str, new: str, message: str, copied: Callable[[str], Path]
) -> None:
    configuration = copied("tiny_astromer2") / "config.toml"
    text = configuration.read_text()
    assert old in text
    configuration.write_text(text.replace(old, new))
    with pytest.raises(ValueError, match=message):
        read_official(configuration.parent)


def test__read_official__weight_not_finite__raises(copied: Callable[[str], Path]) -> None:
    folder = copied("tiny_h5")
    with h5py.File(folder / "weights.h5", "r+") as file:
        file["encoder/dense_1/bias:0"][0] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        read_official(folder)


def test__read_official__query_of_another_shape__raises(copied: Callable[[str], Path]) -> None:
    folder = copied("tiny_h5")
    path = "encoder/encoder/encoder_layer/multi_head_attention/WQ/kernel:0"
    with h5py.File(folder / "weights.h5", "r+") as file:
        del file[path]
        file[path] = np.zeros((16, 8), dtype="f4")
    with pytest.raises(ValueError, match="query, key and value of block 0"):
        read_official(folder)


@pytest.mark.parametrize("missing", ["weights.index", "weights.data-00000-of-00001", "conf.json"])
def test__read_official__file_missing__says_which(
    missing: str, copied: Callable[[str], Path]
) -> None:
    folder = copied("tiny_bundle")
    (folder / missing).unlink()
    with pytest.raises(ValueError, match=missing):
        read_official(folder)
