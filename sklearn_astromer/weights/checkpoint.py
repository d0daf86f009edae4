"""A network's weights together with all that is needed to use them, and their file form."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from sklearn_astromer.atomic import write_bytes
from sklearn_astromer.errors import WeightsError
from sklearn_astromer.format_version import check_format
from sklearn_astromer.network import AstromerNetwork, NetworkConfig

FORMAT_VERSION = 1
ENDING = ".safetensors"
HEADER_KEY = "sklearn_astromer"
# What the header may have in bytes; those that ship have some 10 kB. Parsed JSON takes many times
# its size, so that a large one would fill the memory.
LARGEST_HEADER = 1 << 22
NUMBERS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
GET_ANEW = "Copy or download it again, or save the network again."


@dataclass(frozen=True)
class Checkpoint:
    """Weights of a network, its configuration, and where they come from.

    Parameters
    ----------
    config : NetworkConfig
        Sizes and conventions of the network.
    state : dict of str to Tensor
        Parameters under the names that `AstromerNetwork` gives them.
    metadata : dict of str to object
        Plain values fit for JSON: name, survey, licence, citation and the like.
    """

    config: NetworkConfig
    state: dict[str, Tensor]
    metadata: dict[str, Any] = field(default_factory=dict)

    def build(self) -> AstromerNetwork:
        """Make the network, ready for inference.

        Returns
        -------
        network : AstromerNetwork
            In evaluation mode, on the CPU, with its own copy of the weights.

        Raises
        ------
        WeightsError
            If weights are missing, left over or of the wrong shape.
        """
        self._check_fit("these weights")
        # The start values are thrown away at once: drawing them shall not disturb other draws.
        with torch.random.fork_rng(devices=[]):
            network = AstromerNetwork(self.config)
        network.load_state_dict(self.state, strict=True)
        return network.eval()

    def check(self, source: str | Path) -> None:
        """Raise unless these are weights of use for the network of their configuration.

        Parameters
        ----------
        source : str or Path
            Where they come from, for the message.

        Raises
        ------
        WeightsError
            If weights are missing, left over, of the wrong shape, or not finite.
        """
        self._check_fit(source)
        bad = [name for name, value in self.state.items() if not value.isfinite().all()]
        if bad:
            raise WeightsError(
                f"{source}: values that are not finite in {', '.join(bad[:4])}. {GET_ANEW}"
            )

    def _check_fit(self, source: str | Path) -> None:
        problems = _misfits(self.config, self.state)
        if problems:
            shown = "; ".join(problems[:8]) + ("; ..." if len(problems) > 8 else "")
            raise WeightsError(
                f"{source}: the weights do not fit the network of their configuration: {shown}. "
                "Take both from the same file."
            )


def write_checkpoint(path: str | Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint as a safetensors file, completely or not at all.

    Parameters
    ----------
    path : str or Path
        File to write; one that exists is replaced.
    checkpoint : Checkpoint
        What to write.

    Raises
    ------
    OSError
        If the file cannot be written; then nothing is left behind.
    """
    path = Path(path)
    state = {name: value.detach().cpu().contiguous() for name, value in checkpoint.state.items()}
    header: dict[str, Any] = {
        "format": FORMAT_VERSION,
        "config": checkpoint.config.to_dict(),
        "metadata": checkpoint.metadata,
    }
    header["sha256"] = _digest(header, state)
    # One entry, since safetensors writes several in random order: equal content, equal file.
    content = save(state, metadata={HEADER_KEY: json.dumps(header, sort_keys=True)})
    write_bytes(path, content)


def read_checkpoint(path: str | Path) -> Checkpoint:
    """Read a checkpoint from a safetensors file that `write_checkpoint` wrote.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    checkpoint : Checkpoint
        Its tensors are on the CPU.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    WeightsError
        If the file is damaged, was not written by this package, or by a newer version of it.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no checkpoint file {path}.")
    _check_header_size(path)
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, UnicodeDecodeError) as error:
        raise WeightsError(
            f"{path} is damaged, or no safetensors file: {error}. {GET_ANEW}"
        ) from error
    content = _read_header(header, path)
    if _digest(content, state) != content.get("sha256"):
        raise WeightsError(
            f"{path} is damaged: its content does not have the checksum it should. {GET_ANEW}"
        )
    config = _read_config(content["config"], path)
    checkpoint = Checkpoint(config, state, content["metadata"])
    checkpoint.check(path)
    return checkpoint


def _check_header_size(path: Path) -> None:
    """Raise if a safetensors file claims a header that no checkpoint has."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
    if size > LARGEST_HEADER:
        raise WeightsError(
            f"{path} is damaged, or no safetensors file of a network: it claims a header of {size} "
            f"bytes. {GET_ANEW}"
        )


def _read_header(header: dict[str, str], path: Path) -> dict[str, Any]:
    """Get what `write_checkpoint` put into the header of a file, and check its form."""
    if HEADER_KEY not in header:
        raise WeightsError(
            f"{path} holds tensors, but not the configuration of a network: it was not written by "
            "sklearn_astromer. Give a file of AstromerEmbedder.save, or the authors' zip."
        )
    try:
        content = json.loads(header[HEADER_KEY])
    except (ValueError, RecursionError) as error:
        raise WeightsError(
            f"{path} is damaged: its header cannot be read ({error}). {GET_ANEW}"
        ) from error
    version = content.get("format") if isinstance(content, dict) else None
    check_format(version, FORMAT_VERSION, path, GET_ANEW)
    if not all(isinstance(content.get(key), dict) for key in ("config", "metadata")):
        raise WeightsError(
            f"{path} is damaged: its header lacks configuration or metadata. {GET_ANEW}"
        )
    return content


def _read_config(config: dict[str, Any], path: Path) -> NetworkConfig:
    """Check a configuration that was read from a file."""
    unknown = sorted(set(config) - {known.name for known in fields(NetworkConfig)})
    if unknown:
        raise WeightsError(
            f"{path}: its configuration has unknown entries: {', '.join(unknown[:8])}. If a newer "
            "sklearn_astromer wrote it, install that: pip install --upgrade sklearn-astromer."
        )
    try:
        return NetworkConfig(**config)
    except (TypeError, ValueError, OverflowError) as error:
        what = str(error).rstrip(".")
        raise WeightsError(
            f"{path}: its configuration is not valid: {what}. Save the network again."
        ) from error


def _digest(header: dict[str, Any], state: dict[str, Tensor]) -> str:
    """Compute the SHA-256 of header and tensors; safetensors itself notices no flipped bit."""
    digest = hashlib.sha256()
    signed = {key: header[key] for key in ("format", "config", "metadata")}
    digest.update(json.dumps(signed, sort_keys=True).encode())
    for name in sorted(state):
        value = state[name]
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _misfits(config: NetworkConfig, state: dict[str, Tensor]) -> list[str]:
    """Say in which weights a state differs from what the network has, without making it."""
    # Checked first, since each block of a network that is only sketched takes time and memory too.
    if config.n_blocks > len(state):
        return [f"{config.n_blocks} blocks cannot come from {len(state)} tensors"]
    try:
        with torch.device("meta"):
            network = AstromerNetwork(config)
    except (RuntimeError, TypeError, OverflowError) as error:
        return [f"no network can have the sizes of this configuration ({error})"]
    expected = {name: value.shape for name, value in network.state_dict().items()}
    problems = [f"missing: {name}" for name in expected if name not in state]
    problems += [f"left over: {name}" for name in state if name not in expected]
    problems += [
        f"shape of {name}: {tuple(state[name].shape)} instead of {tuple(shape)}"
        for name, shape in expected.items()
        if name in state and state[name].shape != shape
    ]
    problems += [
        f"not floating-point numbers: {name}"
        for name in expected
        if name in state and state[name].dtype not in NUMBERS
    ]
    return problems
