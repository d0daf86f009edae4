"""Download of the official weights, and the cache folder in which they stay."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import replace
from pathlib import Path

from sklearn_astromer.errors import DownloadError, WeightsError
from sklearn_astromer.settings import CACHE_VARIABLE, cache_folder
from sklearn_astromer.weights.checkpoint import (
    ENDING,
    Checkpoint,
    read_checkpoint,
    write_checkpoint,
)
from sklearn_astromer.weights.official import read_official
from sklearn_astromer.weights.registry import WeightsEntry, available

# To be raised when the conversion of official files changes, so that older ones are made anew.
CONVERSION_VERSION = 1
TIMEOUT_SECONDS = 30


def fetch(entry: WeightsEntry) -> Path:
    """Get the original file of weights: from the cache folder, or from the network.

    Parameters
    ----------
    entry : WeightsEntry
        An entry of the registry that is to be downloaded.

    Returns
    -------
    path : Path
        The file in the cache folder; its hash is right.

    Raises
    ------
    WeightsError
        If a file of that name in the cache folder, or the downloaded one, has another hash.
    DownloadError
        If the file is not in the cache folder and cannot be downloaded to it.
    """
    folder = cache_folder()
    path = folder / entry.download_name
    if path.is_file():
        found = _sha256(path)
        if found != entry.sha256:
            raise WeightsError(
                f"{path} is not the file of the weights {entry.name!r}, or is damaged.\n"
                f"  expected SHA-256: {entry.sha256}\n"
                f"  found SHA-256:    {found}\n"
                f"Move it away and try again, or put there the file of {entry.address}."
            )
        return path
    _download(entry, folder)
    return path


def load_official(entry: WeightsEntry) -> Checkpoint:
    """Load official weights, with the conventions of the registry.

    What was converted once is kept beside the original as a safetensors file.

    Parameters
    ----------
    entry : WeightsEntry
        An entry of the registry that is to be downloaded.

    Returns
    -------
    checkpoint : Checkpoint

    Raises
    ------
    WeightsError, DownloadError
        See `fetch`.
    """
    assert entry.sha256 is not None
    converted = cache_folder() / f"{entry.name}-{entry.sha256[:12]}{ENDING}"
    checkpoint = _read_converted(converted, entry)
    if checkpoint is None:
        checkpoint = read_official(fetch(entry))
        origin = {"sha256": entry.sha256, "conversion": CONVERSION_VERSION}
        checkpoint = replace(checkpoint, metadata=checkpoint.metadata | origin)
        # A folder that others filled may be closed to us: then it is converted each time.
        with contextlib.suppress(OSError):
            write_checkpoint(converted, checkpoint)
    return replace(checkpoint, config=replace(checkpoint.config, attention=entry.attention))


def _read_converted(path: Path, entry: WeightsEntry) -> Checkpoint | None:
    """Read an earlier conversion; None if there is none, or none that can be trusted."""
    try:
        checkpoint = read_checkpoint(path)
    except (OSError, ValueError):
        return None
    origin = (checkpoint.metadata.get("sha256"), checkpoint.metadata.get("conversion"))
    return checkpoint if origin == (entry.sha256, CONVERSION_VERSION) else None


def _download(entry: WeightsEntry, folder: Path) -> None:
    """Download to the cache folder, completely or not at all."""
    import pooch

    address = entry.address or ""
    if not address.startswith("https://"):
        raise WeightsError(
            f"The weights {entry.name!r} are downloaded by https only, and not from {address!r}; "
            "name an address that begins with https://."
        )
    if not entry.sha256:
        raise WeightsError(
            f"The weights {entry.name!r} have no SHA-256 that what comes from {address} could be "
            "compared with; name it in their entry."
        )
    new_folder = not folder.exists()
    try:
        pooch.retrieve(
            url=address,
            known_hash=f"sha256:{entry.sha256}",
            fname=entry.download_name,
            path=folder,
            downloader=pooch.HTTPDownloader(progressbar=True, timeout=TIMEOUT_SECONDS),
        )
    except ValueError as error:
        raise WeightsError(
            f"What {address} gives is not the file of the weights {entry.name!r}; it was not kept. "
            f"A proxy or a login page may stand in between: open the address in a browser. {error}"
        ) from error
    except OSError as error:
        raise DownloadError(_offline_message(entry, folder, error)) from error
    finally:
        if new_folder and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _offline_message(entry: WeightsEntry, folder: Path, error: Exception) -> str:
    shipped = ", ".join(repr(other.name) for other in available() if other.ships)
    return (
        f"The weights {entry.name!r} are not in the cache folder and could not be downloaded: "
        f"{error}\n"
        f"  address: {entry.address}\n"
        f"  SHA-256: {entry.sha256}\n"
        f"  folder:  {folder}\n"
        f"Without a network: get the file elsewhere and put it into that folder as "
        f"{entry.download_name} (the environment variable {CACHE_VARIABLE} sets another folder), "
        f"or use weights that ship in the package: {shipped}."
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
