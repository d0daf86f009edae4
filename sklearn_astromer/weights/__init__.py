"""Pre-trained weights: names, files, downloads, and the authors' own formats."""

from __future__ import annotations

import difflib
import os
from dataclasses import replace
from pathlib import Path

from sklearn_astromer.errors import WeightsError
from sklearn_astromer.weights.checkpoint import (
    ENDING,
    Checkpoint,
    read_checkpoint,
    write_checkpoint,
)
from sklearn_astromer.weights.registry import (
    DEFAULT_WEIGHTS,
    WeightsEntry,
    WeightsTable,
    available,
)

# Name of the weights in the folder that `AstromerEmbedder.save` writes.
NETWORK_FILE = "network.safetensors"

__all__ = [
    "DEFAULT_WEIGHTS",
    "NETWORK_FILE",
    "Checkpoint",
    "WeightsEntry",
    "WeightsTable",
    "available",
    "load",
    "read_checkpoint",
    "write_checkpoint",
]


def load(name_or_path: str | os.PathLike[str]) -> Checkpoint:
    """Load weights by name or from a file.

    Parameters
    ----------
    name_or_path : str or path-like
        One of the names that `available` lists; they go before files of the same name. Or a path:
        of a ``.safetensors`` file, of a folder written by ``AstromerEmbedder.save``, or of a zip or
        folder in one of the forms in which the authors of ASTROMER release weights. The latter get
        the authors' own attention convention, while names get the one that works best.

    Returns
    -------
    checkpoint : Checkpoint
        Configuration, weights and metadata; ``checkpoint.build()`` makes the network.

    Raises
    ------
    WeightsError
        If the name is unknown, or a file is damaged or does not fit.
    FileNotFoundError
        If the path does not exist.
    DownloadError
        If the weights have to be downloaded and there is no network.
    TypeError
        If the argument is neither a string nor a path.

    Examples
    --------
    >>> from sklearn_astromer import weights
    >>> weights.load("no-such-survey")
    Traceback (most recent call last):
    ...
    sklearn_astromer.errors.WeightsError: There are no weights 'no-such-survey'; ...
    """
    if not isinstance(name_or_path, str | os.PathLike):
        raise TypeError(
            f"weights must be a name or a path, got {type(name_or_path).__name__}; the names are "
            f"{', '.join(available().names)}."
        )
    if isinstance(name_or_path, str) and name_or_path in available():
        return _load_entry(available()[name_or_path])
    path = Path(name_or_path).expanduser()
    if path.exists():
        return _load_path(path)
    raise _unknown(name_or_path)


def _load_entry(entry: WeightsEntry) -> Checkpoint:
    if entry.path is not None:
        checkpoint = read_checkpoint(entry.path)
    else:
        from sklearn_astromer.weights.download import load_official

        checkpoint = load_official(entry)
    known = {
        "name": entry.name,
        "description": entry.description,
        "survey": entry.survey,
        "band": entry.band,
        "licence": entry.licence,
        "citation": entry.citation,
    }
    return replace(checkpoint, metadata=checkpoint.metadata | known)


def _load_path(path: Path) -> Checkpoint:
    if path.is_dir() and (path / NETWORK_FILE).is_file():
        return read_checkpoint(path / NETWORK_FILE)
    if path.suffix == ENDING:
        return read_checkpoint(path)
    from sklearn_astromer.weights.official import read_official

    return read_official(path)


def _unknown(name_or_path: str | os.PathLike[str]) -> Exception:
    """Make the error for something that is neither a name nor a path."""
    names = available().names
    text = os.fspath(name_or_path)
    listed = f"the names are {', '.join(names)}"
    if not isinstance(name_or_path, str) or Path(text).name != text or Path(text).suffix:
        return FileNotFoundError(
            f"There is no file or folder {text}, and no weights have that name; {listed}."
        )
    close = difflib.get_close_matches(text.lower(), names, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return WeightsError(
        f"There are no weights {text!r}; {listed}.{hint} A path would have to exist, and {text!r} "
        "does not."
    )
