"""What is written: a folder of part files, and a manifest that says what they were made with."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from sklearn_astromer.atomic import write_bytes
from sklearn_astromer.errors import ParameterError
from sklearn_astromer.format_version import check_format
from sklearn_astromer.light_curves.frames import import_pyarrow

logger = logging.getLogger(__name__)

# With an underscore, so that readers of Parquet folders pass it by.
MANIFEST = "_manifest.json"
FORMAT_VERSION = 1
# Of a reader nobody knows how many parts there will be.
DIGITS, DIGITS_OF_UNKNOWN = 5, 8


class Target:
    """A folder that embeddings are written to.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    arguments : dict
        All that the parts depend on, fit for JSON. A folder with parts that were made with other
        ones is refused.
    n_rows : int or None
        Rows of the source; None for a reader, with which nothing can be resumed.
    batch_rows : int
        Rows of a part.

    Raises
    ------
    FileExistsError
        If the folder holds something else, or any part and the source is a reader.
    NotADirectoryError
        If it is a file.
    ParameterError
        If its parts were made with other arguments, or its manifest is damaged or of a newer
        format.
    OSError
        If it cannot be written to.
    """

    def __init__(
        self, folder: Path, arguments: dict[str, Any], n_rows: int | None, batch_rows: int
    ) -> None:
        self.folder = folder
        # As JSON gives them back.
        self.arguments = json.loads(json.dumps({"format": FORMAT_VERSION} | arguments))
        self.batch_rows = batch_rows
        self.n_rows = n_rows
        if folder.exists() and not folder.is_dir():
            raise NotADirectoryError(f"target {folder} is a file; name a folder.")
        folder.mkdir(parents=True, exist_ok=True)
        if any(not file.name.startswith(".") for file in folder.iterdir()):
            self._check_begun()
        else:
            self._write_manifest(None)
        # A kill leaves the file that was being written.
        for leftover in (*folder.glob(".part-*.tmp"), *folder.glob(f".{MANIFEST}.*.tmp")):
            leftover.unlink(missing_ok=True)

    @property
    def n_parts(self) -> int | None:
        """How many parts there will be, if that is known."""
        return None if self.n_rows is None else -(-self.n_rows // self.batch_rows)

    def part(self, number: int) -> Path:
        """Name a part; in the order of these names the rows are in the order of the source."""
        digits = DIGITS_OF_UNKNOWN
        if self.n_parts is not None:
            digits = max(DIGITS, len(str(self.n_parts - 1)))
        return self.folder / f"part-{number:0{digits}d}.parquet"

    def done(self) -> dict[int, tuple[int, int]]:
        """Look which parts are there.

        Returns
        -------
        done : dict
            For each number of a part its rows, and those of them without any observation.
        """
        found = {}
        for number in range(self.n_parts or 0):
            if self.part(number).exists():
                counts = self._counts(number)
                if counts is None:
                    logger.warning("%s is damaged and will be made again.", self.part(number))
                else:
                    found[number] = counts
        return found

    def _counts(self, number: int) -> tuple[int, int] | None:
        pa = import_pyarrow()
        import pyarrow.parquet as pq

        assert self.n_rows is not None
        first = number * self.batch_rows
        last = min(first + self.batch_rows, self.n_rows)
        try:
            with pq.ParquetFile(self.part(number)) as file:
                table = file.read(columns=["row", "n_observations"])
        except (OSError, pa.ArrowException):
            return None
        rows, observations = (table.column(name).to_numpy() for name in table.column_names)
        if len(rows) != last - first or rows[0] != first or rows[-1] != last - 1:
            return None
        return len(rows), int((observations == 0).sum())

    def write(self, number: int, table: Any) -> None:
        """Write a part, completely or not at all.

        Parameters
        ----------
        number : int
        table : pyarrow.Table
        """
        pa = import_pyarrow()
        import pyarrow.parquet as pq

        sink = pa.BufferOutputStream()
        # Embeddings hardly repeat, so that a dictionary of their values is a waste.
        pq.write_table(table, sink, use_dictionary=False)
        write_bytes(self.part(number), sink.getvalue())

    def finish(self, n_rows: int, n_empty: int) -> None:
        """Write into the manifest that all parts are there."""
        self._write_manifest({"rows": n_rows, "without_observation": n_empty})

    def _write_manifest(self, finished: dict[str, int] | None) -> None:
        text = json.dumps(self.arguments | {"finished": finished}, indent=1)
        write_bytes(self.folder / MANIFEST, text.encode() + b"\n")

    def _check_begun(self) -> None:
        if not (self.folder / MANIFEST).exists():
            raise FileExistsError(
                f"target {self.folder} holds other files, and no {MANIFEST}; name a new folder."
            )
        if not any(self.folder.glob("part-*.parquet")):
            # The call that began it failed at once: this one may correct what was wrong.
            self._write_manifest(None)
            return
        if self.n_rows is None:
            raise FileExistsError(
                f"target {self.folder} was begun already, and a reader cannot be resumed: delete "
                "the folder and give a fresh reader, or give files rather than a reader."
            )
        differences = _differences(_read_manifest(self.folder / MANIFEST), self.arguments)
        if differences:
            raise ParameterError(
                f"target {self.folder} was begun otherwise: {'; '.join(differences)}. Call as "
                "before to go on, or name a new folder."
            )


def _read_manifest(path: Path) -> dict[str, Any]:
    """Give the arguments that a target was begun with."""
    remedy = "Delete the folder, or name a new one."
    try:
        begun = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as problem:
        raise ParameterError(f"{path} is damaged: {problem!r}. {remedy}") from problem
    version = begun.get("format") if isinstance(begun, dict) else None
    check_format(version, FORMAT_VERSION, path, remedy, ParameterError)
    begun.pop("finished", None)
    # The first targets were all made by transform, and do not say so.
    begun.setdefault("method", "transform")
    files = begun.get("files")
    known = {"path", "bytes", "rows", "footer"}
    if not isinstance(files, list | None) or not all(
        isinstance(file, dict) and known <= file.keys() for file in files or []
    ):
        raise ParameterError(f"{path} is damaged: it names no files of a source. {remedy}")
    return begun


def _differences(begun: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Say what differs between the arguments of two calls."""
    names = [name for name in {**begun, **now} if begun.get(name) != now.get(name)]
    if "estimator" in names:
        # All else about it follows from that.
        names = [name for name in names if name not in ("fingerprint", "features")]
    told = []
    for name in names:
        if name == "files":
            told.append(_other_files(begun.get(name) or [], now.get(name) or []))
        elif name == "estimator":
            told.append(f"the estimator was {begun.get(name)} and is {now.get(name)}")
        elif name == "fingerprint":
            told.append("the estimator has learned something else, or holds other values")
        else:
            told.append(f"{name} was {begun.get(name)!r} and is {now.get(name)!r}")
    return told


def _other_files(begun: list[dict[str, Any]], now: list[dict[str, Any]]) -> str:
    if len(begun) != len(now):
        return f"the source had {len(begun)} files and has {len(now)}"
    before, after = next(
        (one, other) for one, other in zip(begun, now, strict=True) if one != other
    )
    if before["path"] != after["path"]:
        return f"the source had the file {before['path']} where it has {after['path']}"
    return (
        f"the file {after['path']} was changed (it had {before['rows']} rows in "
        f"{before['bytes']} bytes, and has {after['rows']} in {after['bytes']})"
    )
