"""Columns of numbers out of text files, quickly where a file is sound and exactly where not."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sklearn_astromer.errors import LightCurveError, ParameterError
from sklearn_astromer.light_curves.table_columns import usually_called

__all__ = ["Layout", "files_of", "parse_columns", "star_name", "text_lines"]

GZIP_MAGIC = b"\x1f\x8b"
ENDINGS = re.compile(r"\.(asc|csv|dat|lc|tbl|tsv|txt)$", re.IGNORECASE)
ROLES = ("time", "magnitude", "error")
# Upper and lower limits, as ASAS-SN writes them: nothing was measured.
LIMITS = ("<", ">")


@dataclass(frozen=True)
class Layout:
    """How a text file is laid out.

    Parameters
    ----------
    columns : tuple of int or str
        Positions, counted from 0, or names in the header of the columns to read.
    delimiter : str or None
        What stands between columns. None: commas if the first line of data has some, else blanks.
    comment : str
        What follows it in a line is no data; in the header, it may stand before the names.
    skip_header : int
        Number of lines to skip at the top.
    words : frozenset of str
        Texts, in lower case, that stand for no value.
    known_header : bool, default=False
        Whether a header with the usual names of time, magnitude and error goes before positions.
    """

    columns: tuple[int | str, ...]
    delimiter: str | None = None
    comment: str = "#"
    skip_header: int = 0
    words: frozenset[str] = frozenset()
    known_header: bool = False


def files_of(
    path: str | PathLike[str] | Sequence[str | PathLike[str]], patterns: Sequence[str]
) -> list[Path]:
    """List the files that a path stands for.

    Parameters
    ----------
    path : path or list of paths
        A file, or a folder: its files, not those of folders in it, that match a pattern, in the
        natural order of their names (2 before 10).
    patterns : sequence of str
        As in a shell, ``*.dat``. Hidden files never match.

    Returns
    -------
    files : list of Path

    Raises
    ------
    FileNotFoundError
        If there is no such file or folder.
    LightCurveError, ParameterError
        If nothing in a folder matches, or the list is empty.
    """
    if not isinstance(path, str | PathLike):
        files = [file for one in path for file in files_of(one, patterns)]
        if not files:
            raise ParameterError(
                "there is nothing to read: the list of paths is empty; give at least one."
            )
        return files
    path = Path(path).expanduser()
    if not path.is_dir():
        if not path.exists():
            raise FileNotFoundError(f"there is no file or folder {path}.")
        return [path]
    found = {
        file
        for pattern in patterns
        for file in path.glob(pattern)
        if file.is_file() and not file.name.startswith(".")
    }
    if not found:
        wanted = " or ".join(patterns)
        raise LightCurveError(
            f"the folder {path} has no file that matches {wanted}; name another one."
        )
    return sorted(found, key=_natural_order)


def _natural_order(file: Path) -> list[int | str]:
    parts = re.split(r"(\d+)", file.name)
    return [int(part) if odd % 2 else part for odd, part in enumerate(parts)]


def star_name(file_name: str) -> str:
    """Return the name of a file without the endings of text and compressed files."""
    return ENDINGS.sub("", file_name.removesuffix(".gz"))


def text_lines(content: bytes, name: str) -> list[str]:
    """Split a text, compressed with gzip perhaps, into lines.

    Parameters
    ----------
    content : bytes
        All of the file.
    name : str
        What to call it in messages.

    Returns
    -------
    lines : list of str

    Raises
    ------
    LightCurveError
        If it is damaged or no text.
    """
    if content.startswith(GZIP_MAGIC):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as problem:
            raise LightCurveError(
                f"{name} is cut off or damaged: {problem}. Get it again."
            ) from problem
    if b"\0" in content:
        raise LightCurveError(
            f"{name} is not a text file (which may be compressed, by gzip alone)."
        )
    # Names in comments may be in any encoding; numbers are the same in all that are in use.
    return content.decode("utf-8-sig", errors="replace").splitlines()


def parse_columns(lines: Sequence[str], layout: Layout, name: str) -> npt.NDArray[np.float64]:
    """Read columns of numbers.

    Parameters
    ----------
    lines : sequence of str
        All lines of the file.
    layout : Layout
        Where the columns are.
    name : str
        What to call the file in messages.

    Returns
    -------
    values : ndarray of shape (n_rows, n_columns), float64
        NaN where a text of ``layout.words`` stands, or a limit such as ``>16.5``.

    Raises
    ------
    LightCurveError
        If a column is missing or a value is no finite number; the message names the line.
    """
    first, positions = _place(lines, layout, name)
    line = next(filter(None, (_data(line, layout) for line in lines[first:])), None)
    if line is None:
        return np.empty((0, len(positions)))
    delimiter = layout.delimiter or ("," if "," in line else None)
    try:
        values = np.loadtxt(
            lines[first:],
            delimiter=delimiter,
            comments=layout.comment,
            usecols=positions,
            quotechar='"',
            ndmin=2,
        )
    except ValueError:
        return _parse_exactly(lines, first, positions, delimiter, layout, name)
    if np.isinf(values).any():
        return _parse_exactly(lines, first, positions, delimiter, layout, name)
    return values


def _data(line: str, layout: Layout) -> str:
    return line.split(layout.comment, 1)[0].strip()


def _place(lines: Sequence[str], layout: Layout, name: str) -> tuple[int, list[int]]:
    """Find the first line after the header, and the positions of the columns."""
    positions = [column for column in layout.columns if isinstance(column, int)]
    if len(positions) == len(layout.columns):
        header = _known_header(lines, layout, name) if layout.known_header else None
        return header or (layout.skip_header, positions)
    wanted = [column for column in layout.columns if isinstance(column, str)]
    for number, line in enumerate(lines):
        text = line.strip().lstrip(layout.comment)
        fields = _fields(text, layout.delimiter or ("," if "," in text else None))
        if set(wanted) <= set(fields):
            places = [
                fields.index(column) if isinstance(column, str) else column
                for column in layout.columns
            ]
            return max(number + 1, layout.skip_header), places
    begins = f"; it begins with {_short(lines[0])}" if lines else ": it is empty"
    raise LightCurveError(f"{name} has no line with the column names {', '.join(wanted)}{begins}.")


def _known_header(lines: Sequence[str], layout: Layout, name: str) -> tuple[int, list[int]] | None:
    """Find the columns by their usual names, if the first line of data holds names."""
    texts = ((number, _data(line, layout)) for number, line in enumerate(lines))
    number, text = next(
        (pair for pair in texts if pair[0] >= layout.skip_header and pair[1]), (0, "")
    )
    fields = _fields(text, layout.delimiter or ("," if "," in text else None))
    places = []
    for role in ROLES[: len(layout.columns)]:
        found = usually_called(role, fields)
        if role == "error" and not found:
            raise LightCurveError(
                f"{name}, line {number + 1}: no column of errors has a usual name in {text!r}. "
                "Name all columns (time=..., magnitude=..., error=...), or give error=None if "
                "there are no errors."
            )
        if len(found) != 1:
            return None
        places.append(fields.index(found[0]))
    return number + 1, places


def _parse_exactly(
    lines: Sequence[str],
    first: int,
    positions: Sequence[int],
    delimiter: str | None,
    layout: Layout,
    name: str,
) -> npt.NDArray[np.float64]:
    rows = []
    for number, line in enumerate(lines[first:], start=first + 1):
        text = _data(line, layout)
        if text:
            fields = _fields(text, delimiter)
            where = f"{name}, line {number}"
            if max(positions) >= len(fields):
                raise LightCurveError(
                    f"{where} has no column {max(positions)}, counted from 0; the last one is "
                    f"{len(fields) - 1}. Is the line cut off, or the delimiter another one?"
                )
            rows.append([_value(fields, place, layout.words, where) for place in positions])
    return np.array(rows, dtype=np.float64).reshape(-1, len(positions))


def _fields(text: str, delimiter: str | None) -> list[str]:
    return [field.strip().strip('"') for field in text.split(delimiter)]


def _value(fields: Sequence[str], position: int, words: frozenset[str], where: str) -> float:
    field = fields[position]
    if field.lower() in words or field.startswith(LIMITS):
        return np.nan
    try:
        value = float(field)
    except ValueError:
        raise LightCurveError(
            f"{where}: {_short(field)} in column {position}, counted from 0, is not a number. If "
            "it belongs to a header, skip that or choose columns by name; if it means that "
            "there is no value, add it to missing."
        ) from None
    if np.isinf(value):
        raise LightCurveError(
            f"{where}: the value in column {position}, counted from 0, is infinite; if it means "
            "that there is no value, write NaN, or add it to missing."
        )
    return value


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}...")
