"""Embedders on disk: a folder with a safetensors and a JSON file, and nothing to execute."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sklearn_astromer.errors import ParameterError, WeightsError
from sklearn_astromer.format_version import check_format
from sklearn_astromer.network import AstromerNetwork
from sklearn_astromer.weights import (
    NETWORK_FILE,
    Checkpoint,
    read_checkpoint,
    write_checkpoint,
)

if TYPE_CHECKING:
    from sklearn_astromer.embedder import AstromerEmbedder

FORMAT_VERSION = 1
EMBEDDER_FILE = "embedder.json"
# Parsed, JSON takes many times its size: a large file would fill the memory. One epoch of the
# history takes a hundred bytes.
LARGEST_FILE = 1 << 23
SAVE_ANEW = "Copy the folder again, or save the embedder again."


def save_embedder(
    embedder: AstromerEmbedder, network: AstromerNetwork, folder: str | Path, *, overwrite: bool
) -> Path:
    """Write an embedder to a folder, completely or not at all.

    Parameters
    ----------
    embedder : AstromerEmbedder
        Its parameters, and what it has learned.
    network : AstromerNetwork
        Its network.
    folder : str or Path
        Folder to make.
    overwrite : bool
        Whether an embedder saved there before is replaced.

    Returns
    -------
    folder : Path

    Raises
    ------
    FileExistsError
        If the folder exists, and `overwrite` is False or it is no saved embedder.
    ParameterError
        If a parameter cannot be written as JSON.
    """
    folder = Path(folder)
    if folder.exists() and not (overwrite and (folder / EMBEDDER_FILE).is_file()):
        remedy = "it holds no saved embedder" if overwrite else "pass overwrite=True to replace it"
        raise FileExistsError(f"{folder} exists already; {remedy}.")
    try:
        text = json.dumps(_content(embedder), indent=1)
    except TypeError as error:
        raise ParameterError(
            f"A parameter of the embedder cannot be saved to {folder}: {error}. Give it as a plain "
            "number or text."
        ) from error
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Beside the target, so that moving it there is a single step.
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        (temporary / EMBEDDER_FILE).write_text(text + "\n", encoding="utf-8")
        write_checkpoint(temporary / NETWORK_FILE, Checkpoint(network.config, network.state_dict()))
        temporary.chmod(0o755)
        if folder.exists():
            _replace_folder(folder, temporary)
        else:
            temporary.rename(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return folder


def _replace_folder(folder: Path, new: Path) -> None:
    old = Path(tempfile.mkdtemp(prefix=f".{folder.name}.old.", dir=folder.parent))
    try:
        folder.rename(old / folder.name)
        new.rename(folder)
    except BaseException:
        if (old / folder.name).exists():
            (old / folder.name).rename(folder)
        old.rmdir()
        raise
    shutil.rmtree(old, ignore_errors=True)


def _content(embedder: AstromerEmbedder) -> dict[str, Any]:
    params = embedder.get_params(deep=False)
    if isinstance(params["weights"], os.PathLike):
        params["weights"] = os.fspath(params["weights"])
    params["device"] = str(params["device"])
    if not isinstance(params["random_state"], (int, np.integer, type(None))):
        raise ParameterError(
            "random_state is a generator, which a saved embedder cannot hold; set it to an "
            "integer or None first: embedder.set_params(random_state=0)."
        )
    fitted = {
        name: to_json(getattr(embedder, name))
        for name, (to_json, _) in FITTED.items()
        if hasattr(embedder, name)
    }
    return {
        "format": FORMAT_VERSION,
        "estimator": type(embedder).__name__,
        "parameters": {name: _plain(value) for name, value in params.items()},
        "fitted": fitted,
    }


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def load_embedder(
    folder: str | Path, known: Sequence[str]
) -> tuple[dict[str, Any], dict[str, Any], AstromerNetwork]:
    """Read what `save_embedder` wrote.

    Parameters
    ----------
    folder : str or Path
        The folder.
    known : sequence of str
        Names of the parameters that the estimator has.

    Returns
    -------
    parameters : dict
        Parameters of the estimator.
    fitted : dict
        What it has learned beside the network.
    network : AstromerNetwork
        Its network.

    Raises
    ------
    FileNotFoundError
        If there is no such folder, or a file is missing in it.
    WeightsError
        If a file is damaged, or comes from a newer version.
    """
    folder = Path(folder)
    path = folder / EMBEDDER_FILE
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no {EMBEDDER_FILE} in {folder}; it is not a folder that "
            "AstromerEmbedder.save wrote."
        )
    content = _read_json(path)
    try:
        params = dict(content["parameters"])
        fitted = {name: FITTED[name][1](value) for name, value in content["fitted"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"{path} is damaged: {error!r}. {SAVE_ANEW}") from error
    unknown = sorted(set(params) - set(known))
    if unknown:
        raise WeightsError(
            f"{path} has parameters that are not known: {', '.join(unknown[:8])}. If a newer "
            "sklearn_astromer wrote it, install that: pip install --upgrade sklearn-astromer."
        )
    return params, fitted, read_checkpoint(folder / NETWORK_FILE).build()


def _read_json(path: Path) -> dict[str, Any]:
    """Read the JSON file, and check its version before anything else in it."""
    size = path.stat().st_size
    if size > LARGEST_FILE:
        raise WeightsError(f"{path} is damaged: it has {size} bytes, too many. {SAVE_ANEW}")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{path} is damaged: {error!r}. {SAVE_ANEW}") from error
    version = content.get("format") if isinstance(content, dict) else None
    check_format(version, FORMAT_VERSION, path, SAVE_ANEW)
    return content


def _history(rows: Any) -> list[dict[str, float]]:
    plain = (int, float, type(None))
    if not isinstance(rows, list) or not all(
        isinstance(row, dict) and all(isinstance(value, plain) for value in row.values())
        for row in rows
    ):
        raise ValueError("history_ is no list of epochs")
    return rows


def _n_features(number: Any) -> int:
    if not isinstance(number, int):
        raise ValueError("n_features_in_ is no whole number")
    return number


def _names(names: Any) -> NDArray[Any]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("feature_names_in_ is no list of names")
    return np.asarray(names, dtype=object)


# What `fit` learns beside the network, and how to make it fit for JSON and back.
FITTED: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "history_": (list, _history),
    "n_features_in_": (int, _n_features),
    "feature_names_in_": (list, _names),
}
