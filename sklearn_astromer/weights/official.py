"""The checkpoints that the authors of ASTROMER released, brought into the form of our network.

They come as a folder or zip with a configuration (``conf.json`` of the first ASTROMER,
``config.toml`` of the later ones) and weights, either as a TensorFlow checkpoint bundle or as Keras
HDF5. Both are read without TensorFlow, and nothing is ever unpickled.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sklearn_astromer.errors import WeightsError
from sklearn_astromer.network import AttentionConvention, NetworkConfig
from sklearn_astromer.weights.checkpoint import Checkpoint
from sklearn_astromer.weights.keras_hdf5 import read_keras_hdf5
from sklearn_astromer.weights.official_files import OfficialFiles, open_official
from sklearn_astromer.weights.tensorflow_bundle import count_shards, parse_bundle, shard_ending

# The authors' code never hands the base of its configuration file to the time encoding; what it
# uses instead reproduces the outputs of all released weights.
EFFECTIVE_TIME_BASE = 10000.0

# A logit that is lowered by this much leaves nothing of its key in float32.
EXCLUDING_LOGIT = -1e4

GET_ANEW = "Copy or download the checkpoint again."
OTHERS = "The networks of the names that sklearn_astromer.weights.available() lists can be read."

Arrays = dict[str, NDArray[Any]]


def read_official(path: str | Path) -> Checkpoint:
    """Read a checkpoint as the authors of ASTROMER release them.

    Parameters
    ----------
    path : str or Path
        Zip file, or folder with its content.

    Returns
    -------
    checkpoint : Checkpoint
        With the authors' attention convention, as far as it is known.

    Raises
    ------
    FileNotFoundError
        If there is nothing at `path`.
    WeightsError
        If something is damaged, dangerous (a zip that would write outside of its folder or fill the
        memory), missing, or does not fit together.
    """
    files = open_official(Path(path))
    config = _read_config(files)
    if "weights.index" in files.names:
        layout = "TensorFlow checkpoint"
        arrays = _read_bundle(files)
        find = _bundle_name
    elif "weights.h5" in files.names:
        layout = "Keras HDF5"
        arrays = read_keras_hdf5(files.read("weights.h5"), files.describe("weights.h5"))
        find = _keras_name
    else:
        raise WeightsError(
            f"{files.source} has a configuration but no weights: neither weights.index (TensorFlow "
            "checkpoint) nor weights.h5 (Keras). Put them beside it."
        )
    state = _to_state(arrays, config, find, str(files.source))
    checkpoint = Checkpoint(config, state, {"source": Path(path).name, "layout": layout})
    checkpoint.check(files.source)
    return checkpoint


def _read_bundle(files: OfficialFiles) -> Arrays:
    index, source = files.read("weights.index"), files.describe("weights.index")
    n_shards = count_shards(index, source)
    shards = [files.read(f"weights{shard_ending(shard, n_shards)}") for shard in range(n_shards)]
    return parse_bundle(index, shards, source)


def _read_config(files: OfficialFiles) -> NetworkConfig:
    """Read the configuration, whichever of the authors' three forms it has."""
    name = "conf.json" if "conf.json" in files.names else "config.toml"
    source = files.describe(name)
    try:
        text = files.read(name).decode("utf-8")
        content = json.loads(text) if name == "conf.json" else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise WeightsError(
            f"{source} cannot be read as a configuration: {error}. {GET_ANEW}"
        ) from error
    if not isinstance(content, dict):
        raise WeightsError(f"{source} is no table of values. {GET_ANEW}")
    try:
        if content.get("use_leak"):
            raise ValueError("its blocks have residual connections, which are not supported")
        if name == "conf.json":
            return _first_astromer(content)
        if "astromer" in content:
            return _sectioned(content)
        return _second_astromer(content)
    except KeyError as error:
        raise WeightsError(
            f"{source} does not say what {error.args[0]!r} is. {GET_ANEW}"
        ) from error
    except (TypeError, ValueError, OverflowError) as error:
        raise WeightsError(
            f"{source} describes no network that can be built: {str(error).rstrip('.')}. {OTHERS}"
        ) from error


def _first_astromer(content: dict[str, Any]) -> NetworkConfig:
    # Here `head_dim` is the size of the whole embedding, not of one head.
    return NetworkConfig(
        embedding_size=content["head_dim"],
        n_blocks=content["layers"],
        n_heads=content["heads"],
        feedforward_size=content["dff"],
        window_size=content["max_obs"],
        dropout=content["dropout"],
        time_base=EFFECTIVE_TIME_BASE,
        attention="additive",
    )


def _sectioned(content: dict[str, Any]) -> NetworkConfig:
    astromer = content["astromer"]
    return NetworkConfig(
        embedding_size=_product(astromer["heads"], astromer["head_dim"]),
        n_blocks=astromer["layers"],
        n_heads=astromer["heads"],
        feedforward_size=astromer["dff"],
        window_size=astromer["window_size"],
        dropout=astromer["dropout"],
        time_base=EFFECTIVE_TIME_BASE,
        attention="exclude",
    )


def _second_astromer(content: dict[str, Any]) -> NetworkConfig:
    embedding_size = _product(content["num_heads"], content["head_dim"])
    if content.get("pe_dim", embedding_size) != embedding_size:
        raise ValueError("time encoding and embedding differ in size")
    if content.get("arch", "base") != "base" or content.get("temperature", 0):
        raise ValueError("only the architecture 'base' without temperature is supported")
    return NetworkConfig(
        embedding_size=embedding_size,
        n_blocks=content["num_layers"],
        n_heads=content["num_heads"],
        feedforward_size=content["mixer"],
        window_size=content["window_size"],
        dropout=content["dropout"],
        time_base=EFFECTIVE_TIME_BASE,
        attention=_attention(content.get("mask_format", "K"), content.get("m_alpha", -1e9)),
    )


def _product(n_heads: Any, head_size: Any) -> int:
    # A list or a text times a large number would fill the memory.
    if not isinstance(n_heads, int) or not isinstance(head_size, int):
        raise ValueError(f"{n_heads!r:.40} heads of the size {head_size!r:.40}")
    return n_heads * head_size


def _attention(marked: str, added: float) -> AttentionConvention:
    """Tell our name for what the authors add to which logits of padded and hidden positions."""
    if marked == "K" and added <= EXCLUDING_LOGIT:
        return "exclude"
    if marked == "QK" and added == 1:
        return "additive"
    raise ValueError(f"attention that adds {added} to the logits of {marked!r} is not supported")


def _to_state(
    arrays: Arrays, config: NetworkConfig, find: Callable[[str, int, str], str], source: str
) -> dict[str, Tensor]:
    """Give the arrays the names and the orientation of our network's parameters."""
    taken: set[str] = set()

    def get(layer: str, part: str, block: int) -> Tensor:
        name = find(layer, block, part)
        taken.add(name)
        if name not in arrays:
            raise WeightsError(
                f"{source} has no array {name!r}: the weights do not fit their configuration. Take "
                "both from the same checkpoint."
            )
        array = torch.from_numpy(np.array(arrays[name], dtype=np.float32))
        if not array.isfinite().all():
            raise WeightsError(
                f"{source} is damaged: the array {name!r} has values not finite. {GET_ANEW}"
            )
        # Keras keeps the transpose of what torch keeps.
        return array.T.contiguous() if part == "kernel" and array.ndim == 2 else array

    state: dict[str, Tensor] = {}

    def take(ours: str, theirs: str, block: int) -> None:
        parts = ("gamma", "beta") if theirs.endswith("norm") else ("kernel", "bias")
        for kind, part in zip(("weight", "bias"), parts, strict=True):
            state[f"{ours}.{kind}"] = get(theirs, part, block)

    take("encoder.magnitude_projection", "magnitude", 0)
    for block in range(config.n_blocks):
        prefix = f"encoder.blocks.{block}"
        for kind, part in (("weight", "kernel"), ("bias", "bias")):
            projections = [get(layer, part, block) for layer in ("query", "key", "value")]
            shapes = {tuple(projection.shape) for projection in projections}
            if len(shapes) != 1 or () in shapes:
                raise WeightsError(
                    f"{source}: query, key and value of block {block} do not have one shape: "
                    f"{sorted(shapes)}. {GET_ANEW}"
                )
            state[f"{prefix}.attention.query_key_value.{kind}"] = torch.cat(projections)
        take(f"{prefix}.attention.output", "output", block)
        take(f"{prefix}.attention_norm", "attention_norm", block)
        take(f"{prefix}.feedforward.0", "widen", block)
        take(f"{prefix}.feedforward.2", "narrow", block)
        take(f"{prefix}.feedforward_norm", "feedforward_norm", block)
    take("decoder.norm", "decoder_norm", config.n_blocks)
    take("decoder.linear", "decoder", config.n_blocks)
    left_over = [name for name in arrays if name not in taken and not _of_training(name)]
    if left_over:
        raise WeightsError(
            f"{source} has weights for which our network has no place: {', '.join(left_over[:4])}. "
            f"{OTHERS}"
        )
    return state


def _of_training(name: str) -> bool:
    """Tell whether an array only serves to go on with a training: optimizer state, counters."""
    beginnings = ("optimizer", "save_counter", "keras_api", "top_level_model_weights")
    return ".OPTIMIZER_SLOT" in name or name.startswith(beginnings)


def _bundle_name(layer: str, block: int, part: str) -> str:
    """Give the name of an array in a checkpoint bundle."""
    prefix = f"layer_with_weights-0/enc_layers/{block}"
    layers = {
        "magnitude": "layer_with_weights-0/inp_transform",
        "query": f"{prefix}/mha/wq",
        "key": f"{prefix}/mha/wk",
        "value": f"{prefix}/mha/wv",
        "output": f"{prefix}/mha/dense",
        "widen": f"{prefix}/ffn/layer_with_weights-0",
        "narrow": f"{prefix}/ffn/layer_with_weights-1",
        "attention_norm": f"{prefix}/layernorm1",
        "feedforward_norm": f"{prefix}/layernorm2",
        "decoder_norm": "layer_with_weights-1/bn_0",
        "decoder": "layer_with_weights-1/reg_layer",
    }
    return f"{layers[layer]}/{part}/.ATTRIBUTES/VARIABLE_VALUE"


def _keras_name(layer: str, block: int, part: str) -> str:
    """Give the path of an array in a Keras file.

    Keras numbers the layers of a kind in the order of their making, across blocks; the norm of the
    decoder is made after those of all blocks.
    """
    prefix = f"encoder/encoder/encoder_layer{_number(block)}"
    attention = f"{prefix}/multi_head_attention{_number(block)}"
    layers = {
        "magnitude": "encoder/encoder/dense",
        "query": f"{attention}/WQ",
        "key": f"{attention}/WK",
        "value": f"{attention}/WV",
        "output": f"{attention}/MixerDense",
        "widen": f"encoder/dense{_number(2 * block + 1)}",
        "narrow": f"encoder/dense{_number(2 * block + 2)}",
        "attention_norm": f"{prefix}/layer_normalization{_number(2 * block)}",
        "feedforward_norm": f"{prefix}/layer_normalization{_number(2 * block + 1)}",
        "decoder_norm": f"regression/regression/layer_normalization{_number(2 * block)}",
        "decoder": "regression/regression/RegLayer",
    }
    return f"{layers[layer]}/{part}:0"


def _number(number: int) -> str:
    """Give what Keras appends to the name of a layer: nothing for the first one."""
    return f"_{number}" if number else ""
