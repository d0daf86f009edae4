"""Files of public archives: downloaded once, completely, and checked against what came first."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sklearn_astromer.atomic import write_bytes
from sklearn_astromer.errors import DownloadError, LightCurveError, ParameterError
from sklearn_astromer.progress import progress_bar
from sklearn_astromer.settings import CACHE_VARIABLE

if TYPE_CHECKING:
    import requests

TIMEOUT_SECONDS = 30
CHUNK_BYTES = 1 << 18
THIS_MACHINE = ("127.0.0.1", "localhost")
PARTIAL_CONTENT = 206
RANGE_NOT_SATISFIABLE = 416


def fetch_file(
    address: str, name: str, folder: Path, *, download_if_missing: bool = True, verbose: int = 1
) -> Path:
    """Get a file of an archive: from a folder, or from the network into that folder.

    Archives that may change publish no hash that could be written down here. So the first file
    that comes is trusted: its size and SHA-256 are kept beside it, in a file that ends in
    ``.json``, and checked each time. A file that was put there by hand is trusted in the same way.

    Parameters
    ----------
    address : str
        Where the archive begins: https, or http on this machine.
    name : str
        The file's path below `address`, and below `folder`, with slashes.
    folder : Path
        Where files are kept. It need not exist.
    download_if_missing : bool, default=True
        Whether the network may be used.
    verbose : int, default=1
        0: no progress bar; see `sklearn_astromer.progress`.

    Returns
    -------
    path : Path
        The file, complete.

    Raises
    ------
    LightCurveError, ParameterError
        If the file is not the one that came first, or the address is neither https nor here.
    DownloadError
        If the file is not in the folder and cannot be downloaded to it. What came is kept, and
        the next call goes on from there if the server can.
    FileNotFoundError
        If the file is not in the folder and may not be downloaded.
    """
    path = folder / name
    record_path = path.with_name(f"{path.name}.json")
    source = f"{address.rstrip('/')}/{name}"
    if path.is_file():
        _check_or_record(path, record_path, source)
        return path
    if not download_if_missing:
        raise FileNotFoundError(
            f"{path} is not there, and download_if_missing=False. Allow the download, or put the "
            f"file of {source} there."
        )
    if not is_safe(source):
        raise ParameterError(f"Survey data are downloaded by https only, and not from {address!r}.")
    _download(source, name, folder, _recorded(record_path), verbose)
    _check_or_record(path, record_path, source)
    return path


def is_safe(address: str) -> bool:
    """Tell whether an address begins with https, or with http and is on this machine."""
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in THIS_MACHINE)


def _download(
    source: str, name: str, folder: Path, recorded: Mapping[str, Any] | None, verbose: int
) -> None:
    import pooch

    known_hash = None if recorded is None else f"sha256:{recorded['sha256']}"
    archive = pooch.create(
        path=folder, base_url=source.removesuffix(name), registry={name: known_hash}
    )
    try:
        archive.fetch(name, downloader=ResumingDownloader(folder / name, verbose))
    except OSError as error:
        raise DownloadError(
            f"{name} is not in the cache folder and could not be downloaded: {error}\n"
            f"  address: {source}\n"
            f"  folder:  {folder}\n"
            f"Without a network: get the file elsewhere and put it into that folder as {name} "
            f"(the environment variable {CACHE_VARIABLE} sets another folder). If a part of it has "
            "come, that is kept: call again to go on."
        ) from error
    except ValueError as error:
        raise LightCurveError(
            f"What {source} gives now is not what it gave before; it was not kept. To accept what "
            f"is new, remove {folder / name}.json. {error}"
        ) from error


class ResumingDownloader:
    """Downloader for pooch that goes on where an earlier one was cut off.

    What has come is kept in ``<name>.<version>.part`` beside the file that it shall become. The
    version, from what the server says of its file, makes sure that no two files are joined.

    Parameters
    ----------
    path : Path
        The file that is to be made.
    verbose : int
        0: no progress bar; see `sklearn_astromer.progress`.
    """

    def __init__(self, path: Path, verbose: int) -> None:
        self.path = path
        self.verbose = verbose

    def __call__(self, url: str, output_file: str, pooch: Any) -> None:
        """Download to the temporary file that pooch names."""
        target = Path(output_file)
        with self._open(url, target) as response:
            response.raise_for_status()
            for hop in (*response.history, response):
                if not is_safe(hop.url):
                    raise OSError(f"it is redirected to {hop.url}, which is not https.")
            try:
                self._receive(response, target)
            except BaseException:
                version = _version(response)
                if version is not None and target.stat().st_size:
                    target.replace(self.path.with_name(f"{self.path.name}.{version}.part"))
                raise

    def _open(self, url: str, target: Path) -> requests.Response:
        """Ask for the rest of what an earlier call began, or for all; the former into `target`."""
        for part in sorted(self.path.parent.glob(f"{self.path.name}.*.part")):
            received = part.stat().st_size
            response = _get(url, {"Range": f"bytes={received}-"})
            if response.status_code == PARTIAL_CONTENT and _continues(response, received, part):
                # Moved first: of two processes that want to go on with it, only one can.
                part.replace(target)
                return response
            if response.ok or response.status_code == RANGE_NOT_SATISFIABLE:
                part.unlink(missing_ok=True)
            response.close()
        return _get(url, {})

    def _receive(self, response: requests.Response, target: Path) -> None:
        total = _total(response)
        with (
            target.open("ab" if response.status_code == PARTIAL_CONTENT else "wb") as file,
            progress_bar(
                total=total,
                initial=file.tell(),
                unit="B",
                unit_scale=True,
                desc=self.path.name,
                verbose=self.verbose,
            ) as bar,
        ):
            for chunk in response.iter_content(CHUNK_BYTES):
                file.write(chunk)
                bar.update(len(chunk))
        size = target.stat().st_size
        if total is not None and size != total:
            raise OSError(f"{size} bytes came, but the file has {total}.")


def _get(url: str, headers: Mapping[str, str]) -> requests.Response:
    import requests

    # Uncompressed on the way, so that the bytes counted are those of the file.
    headers = {"Accept-Encoding": "identity", **headers}
    return requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_SECONDS)


def _total(response: requests.Response) -> int | None:
    """Size of the whole file in bytes; None where the server does not tell."""
    if "Content-Encoding" in response.headers:
        return None
    if response.status_code == PARTIAL_CONTENT:
        text = response.headers.get("Content-Range", "").rpartition("/")[2]
    else:
        text = response.headers.get("Content-Length", "")
    return int(text) if text.isdecimal() else None


def _version(response: requests.Response) -> str | None:
    """Short name of the state of the server's file; None where it cannot be told from others."""
    mark = response.headers.get("ETag") or response.headers.get("Last-Modified")
    total = _total(response)
    if mark is None or total is None:
        return None
    return hashlib.sha256(f"{mark} {total}".encode()).hexdigest()[:12]


def _continues(response: requests.Response, received: int, part: Path) -> bool:
    begins = response.headers.get("Content-Range", "").startswith(f"bytes {received}-")
    return begins and part.suffixes[-2:] == [f".{_version(response)}", ".part"]


def _recorded(record_path: Path) -> dict[str, Any] | None:
    """Read what was noted when the file first came; None if nothing was."""
    try:
        record = json.loads(record_path.read_text(encoding="utf-8"))
        return {"size": int(record["size"]), "sha256": str(record["sha256"])}
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as problem:
        raise LightCurveError(
            f"{record_path} is damaged ({problem!r}). Remove it; the file beside it is then taken "
            "as it is."
        ) from problem


def _check_or_record(path: Path, record_path: Path, source: str) -> None:
    with path.open("rb") as file:
        found = {
            "size": path.stat().st_size,
            "sha256": hashlib.file_digest(file, "sha256").hexdigest(),
        }
    expected = _recorded(record_path)
    if expected is None:
        text = json.dumps({"address": source, **found}, indent=1)
        # A folder that others filled may be closed to us: then there is nothing to check against.
        with contextlib.suppress(OSError):
            write_bytes(record_path, text.encode())
    elif found != expected:
        raise LightCurveError(
            f"{path} is not the file that came first, or is damaged.\n"
            f"  expected: {expected['size']} bytes, SHA-256 {expected['sha256']}\n"
            f"  found:    {found['size']} bytes, SHA-256 {found['sha256']}\n"
            f"Move it away and try again; if it is meant to be new, remove {record_path} too."
        )
