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
# What `fit` learns beside the network, and how to make it fit for JSON and back.
FITTED: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "history_": (list, list),
    "n_features_in_": (int, int),
    "feature_names_in_": (list, lambda names: np.asarray(names, dtype=object)),
}


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
    ValueError
        If a parameter cannot be written as JSON.
    """
    folder = Path(folder)
    if folder.exists() and not (overwrite and (folder / EMBEDDER_FILE).is_file()):
        remedy = "it holds no saved embedder" if overwrite else "pass overwrite=True to replace it"
        raise FileExistsError(f"{folder} exists already; {remedy}.")
    try:
        text = json.dumps(_content(embedder), indent=1)
    except TypeError as error:
        raise ValueError(f"A parameter of the embedder cannot be saved: {error}.") from error
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
        raise ValueError(
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
    ValueError
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
        raise ValueError(f"{path} is damaged: {error!r}. Save the embedder again.") from error
    unknown = sorted(set(params) - set(known))
    if unknown:
        raise ValueError(f"{path} has parameters that are not known: {', '.join(unknown)}.")
    return params, fitted, read_checkpoint(folder / NETWORK_FILE).build()


def _read_json(path: Path) -> dict[str, Any]:
    """Read the JSON file, and check its version before anything else in it."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: {error!r}. Save the embedder again.") from error
    version = content.get("format") if isinstance(content, dict) else None
    if not isinstance(version, int):
        raise ValueError(f"{path} is damaged: it has no format number. Save the embedder again.")
    if version > FORMAT_VERSION:
        raise ValueError(
            f"{path} has format {version}; this version of sklearn_astromer reads formats up to "
            f"{FORMAT_VERSION}. Install a newer version: pip install --upgrade sklearn-astromer."
        )
    return content
