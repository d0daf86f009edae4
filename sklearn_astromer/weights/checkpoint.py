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
from sklearn_astromer.network import AstromerNetwork, NetworkConfig

FORMAT_VERSION = 1
ENDING = ".safetensors"
HEADER_KEY = "sklearn_astromer"


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
        ValueError
            If weights are missing, left over or of the wrong shape.
        """
        _check_fit(self.state, _expected_shapes(self.config, len(self.state)))
        # The start values are thrown away at once: drawing them shall not disturb other draws.
        with torch.random.fork_rng(devices=[]):
            network = AstromerNetwork(self.config)
        network.load_state_dict(self.state, strict=True)
        return network.eval()


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
    ValueError
        If the file is damaged, was not written by this package, or by a newer version of it.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no checkpoint file {path}.")
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is damaged, or no safetensors file: {error}") from error
    content = _read_header(header, path)
    if _digest(content, state) != content.get("sha256"):
        raise ValueError(f"{path} is damaged: its content does not have the checksum it should.")
    return Checkpoint(_read_config(content["config"], path), state, content["metadata"])


def _read_header(header: dict[str, str], path: Path) -> dict[str, Any]:
    """Get what `write_checkpoint` put into the header of a file, and check its form."""
    if HEADER_KEY not in header:
        raise ValueError(
            f"{path} holds tensors, but not the configuration of a network: it was not written by "
            "sklearn_astromer."
        )
    try:
        content = json.loads(header[HEADER_KEY])
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: its header cannot be read ({error}).") from error
    version = content.get("format") if isinstance(content, dict) else None
    if not isinstance(version, int):
        raise ValueError(f"{path} is damaged: its header has no format number.")
    if version > FORMAT_VERSION:
        raise ValueError(
            f"{path} has format {version}, and this version of sklearn_astromer reads formats up "
            f"to {FORMAT_VERSION}; install a newer sklearn_astromer."
        )
    if not all(isinstance(content.get(key), dict) for key in ("config", "metadata")):
        raise ValueError(f"{path} is damaged: its header lacks configuration or metadata.")
    return content


def _read_config(config: dict[str, Any], path: Path) -> NetworkConfig:
    """Check a configuration that was read from a file."""
    unknown = sorted(set(config) - {known.name for known in fields(NetworkConfig)})
    if unknown:
        raise ValueError(f"{path}: its configuration has unknown entries: {', '.join(unknown)}.")
    try:
        return NetworkConfig(**config)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: its configuration is not valid: {error}") from error


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


def _expected_shapes(config: NetworkConfig, n_given: int) -> dict[str, torch.Size]:
    """Tell shapes by names of the parameters that a network has, without making it."""
    if config.n_blocks > n_given:
        raise ValueError(
            f"The weights do not fit the network of their configuration: {config.n_blocks} blocks "
            f"cannot come from {n_given} tensors."
        )
    try:
        with torch.device("meta"):
            network = AstromerNetwork(config)
    except (RuntimeError, TypeError, OverflowError) as error:
        raise ValueError(f"No network can have the sizes of this configuration: {error}") from error
    return {name: value.shape for name, value in network.state_dict().items()}


def _check_fit(state: dict[str, Tensor], expected: dict[str, torch.Size]) -> None:
    """Compare names and shapes of weights with those that the network has."""
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
        if name in state and not state[name].is_floating_point()
    ]
    if problems:
        shown = "; ".join(problems[:8]) + ("; ..." if len(problems) > 8 else "")
        raise ValueError(f"The weights do not fit the network of their configuration: {shown}.")
