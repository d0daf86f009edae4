"""Light curves from the text files of surveys, one star in each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from os import PathLike
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sklearn_astromer.datasets.text_files import (
    Layout,
    files_of,
    parse_columns,
    star_name,
    text_lines,
)
from sklearn_astromer.errors import LightCurveError, ParameterError
from sklearn_astromer.light_curves import LightCurves
from sklearn_astromer.parameters import one_of
from sklearn_astromer.progress import progress_bar

__all__ = ["MISSING", "read_macho", "read_ogle", "read_text"]

Paths = str | PathLike[str] | Sequence[str | PathLike[str]]
Column = int | str

MISSING: tuple[float | str, ...] = (
    *(-99.0, -99.9, -99.99, -99.999, 99.0, 99.9, 99.99, 99.999),
    *(-999.0, 999.0, -9999.0, 9999.0),
    29.999,  # ASAS
    *("", "-", "--", "null", "none", "na", "n/a", "indef"),
)
"""What stands for no measurement in the files of surveys."""

OGLE_ZERO_POINT = 2_450_000.0
# No survey has observed for a million days, and no Julian date of our time is below it.
LARGEST_REDUCED_DATE = 1_000_000.0
OGLE_LAYOUT = Layout(columns=(0, 1, 2))
MACHO_COLUMNS = {"red": ("dateobs", "rmag", "rerr"), "blue": ("dateobs", "bmag", "berr")}


def read_text(
    path: Paths,
    time: Column = 0,
    magnitude: Column = 1,
    error: Column | None = 2,
    *,
    delimiter: str | None = None,
    comment: str = "#",
    skip_header: int = 0,
    missing: Sequence[float | str] = MISSING,
    zero_point: float = 0.0,
    pattern: str = "*",
    verbose: int = 0,
) -> LightCurves:
    r"""Read light curves from text files, one star in each, one observation per line.

    Parameters
    ----------
    path : path or list of paths
        A file, or a folder: all of its files that match `pattern`, in the natural order of their
        names (2 before 10). Files may be compressed with gzip.
    time, magnitude : int or str, default=0 and 1
        Columns: positions, counted from 0, or names. Names are looked up in the header, which is
        the first line that has all of them; a comment sign may stand before it. If no column is
        given and the first line holds the usual names (``mjd``, ``mag``, ``magerr``, ...), columns
        are chosen by them.
    error : int, str or None, default=2
        Column of the errors of the magnitudes. None: there are none.
    delimiter : str, default=None
        What stands between columns. By default commas if the first line of data has some, and
        else blanks.
    comment : str, default="#"
        Begins a comment, which ends with the line.
    skip_header : int, default=0
        Number of lines to skip at the top. Comments and a header with names need not be skipped.
    missing : sequence of float or str, default=MISSING
        What stands for no measurement where a magnitude or error should be: numbers, and texts in
        any case. ``MISSING`` holds the usual ones, such as -99, 99.999, 29.999 and an empty field.
    zero_point : float, default=0.0
        Days that are added to all times. ASAS, for one, writes HJD - 2450000.
    pattern : str, default="*"
        Which files of a folder to read, such as ``*.txt``.
    verbose : int, default=0
        1 shows a progress bar; see `sklearn_astromer.progress`.

    Returns
    -------
    LightCurves
        In the order of the files; the observations in the order of the lines, none left out.
        ``ids`` are the names of the files without endings such as ``.dat``, ``.csv`` and ``.gz``.
        The magnitude is NaN where it is missing, or a limit such as ``>16.5``. The error is NaN
        where it is missing or not above 0, or where the magnitude is missing.

    Raises
    ------
    LightCurveError, ParameterError
        If a file cannot be read, or holds no observation; the message names file and line.
    FileNotFoundError
        If there is no such file or folder.

    See Also
    --------
    read_ogle : Files of OGLE.
    read_macho : Files of MACHO.
    LightCurves.read_parquet : Many light curves in one file.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn_astromer.datasets import read_text
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "V Sge.csv"
    ...     _ = file.write_text("mjd,band,mag\n59000.1,V,12.5\n59001.2,V,99.99\n")
    ...     curves = read_text(file, time="mjd", magnitude="mag", error=None)
    >>> curves.ids.tolist(), curves[0].tolist()
    (['V Sge'], [[59000.1, 12.5], [59001.2, nan]])
    """
    chosen = (time, magnitude) if error is None else (time, magnitude, error)
    if delimiter is not None and len(delimiter) != 1:
        raise ParameterError(
            f"delimiter must be one character, or None for blanks; got {delimiter!r}."
        )
    if not comment:
        raise ParameterError(
            "comment is empty; give a sign that the files do not have, such as '#'."
        )
    marks = Marks.of(missing)
    layout = Layout(
        tuple(map(_checked_column, chosen)),
        delimiter,
        comment,
        _checked_count(skip_header),
        marks.words,
        known_header=chosen in ((0, 1), (0, 1, 2)),
    )
    table = read_files(path, (pattern,), layout, verbose)
    return table.light_curves(marks, time=table.time + zero_point)


def read_ogle(path: Paths, *, zero_point: float = OGLE_ZERO_POINT, verbose: int = 0) -> LightCurves:
    r"""Read light curves from files of OGLE, one star in each.

    These have no header, and the columns time, magnitude and error; others behind them are not
    read.

    Parameters
    ----------
    path : path or list of paths
        A file, or a folder such as ``phot/I``: all of its files ``*.dat`` and ``*.dat.gz``, in
        the natural order of their names. One band is one folder; do not mix them.
    zero_point : float, default=2450000.0
        Days that are added to times below 1,000,000. Most files of OGLE have HJD - 2450000, but
        some, in the same archive, have the full HJD; by default all become the full HJD
        (heliocentric Julian date). With 0 the times are those of the files.
    verbose : int, default=0
        1 shows a progress bar; see `sklearn_astromer.progress`.

    Returns
    -------
    LightCurves
        ``ids`` are the names of the files without ``.dat``, such as ``OGLE-LMC-CEP-0001``.
        Magnitudes that stand for no measurement (see ``MISSING``) are NaN; errors that are
        missing or not above 0 are NaN. Nothing is left out.

    Raises
    ------
    LightCurveError, ParameterError
        If a file cannot be read, or holds no observation; the message names file and line.
    FileNotFoundError
        If there is no such file or folder.

    See Also
    --------
    fetch_ogle_variables : Download variable stars of OGLE, with labels.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn_astromer.datasets import read_ogle
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "OGLE-LMC-CEP-9999.dat"
    ...     _ = file.write_text("2171.5 15.25 0.125\n2183.75 15.5 0.125\n")
    ...     curves = read_ogle(folder)
    >>> curves.ids.tolist(), curves.time.tolist()
    (['OGLE-LMC-CEP-9999'], [2452171.5, 2452183.75])
    """
    table = read_files(path, ("*.dat", "*.dat.gz"), OGLE_LAYOUT, verbose)
    return table.light_curves(Marks.of(MISSING), time=full_dates(table.time, zero_point))


def read_macho(path: Paths, band: str = "red", *, verbose: int = 0) -> LightCurves:
    r"""Read light curves from files of MACHO, one star in each, with a header and two bands.

    Parameters
    ----------
    path : path or list of paths
        A file, or a folder: all of its files ``*.csv`` and ``*.csv.gz``, in the natural order of
        their names.
    band : {"red", "blue"}, default="red"
        Which band to read; the paper's (Sect. 5.1) is the red one.
    verbose : int, default=0
        1 shows a progress bar; see `sklearn_astromer.progress`.

    Returns
    -------
    LightCurves
        Times are those of the files, MJD (Julian date - 2400000.5), not heliocentric. Magnitudes
        are instrumental; Alcock et al. 1999, PASP 111, 1539 tell how to calibrate them. ``ids``
        are the names of the files without ``LC_`` and ``.csv``, such as ``1.3441.15`` for
        field, tile and number of the star.

        Magnitude and error are NaN where there is no measurement: the magnitude is -99, or the
        error is 29.999 or not above 0. That can be almost half of the observations in the red
        band; they keep their places.

    Raises
    ------
    LightCurveError, ParameterError
        If a file cannot be read, or holds no observation; the message names file and line.
    FileNotFoundError
        If there is no such file or folder.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn_astromer.datasets import read_macho
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "LC_1.3441.15.csv"
    ...     header = "dateobs,rmag,rerr,bmag,berr"
    ...     _ = file.write_text(header + "\n48823.5,-9.75,0.25,-99.0,-99.0\n")
    ...     red, blue = read_macho(folder), read_macho(folder, band="blue")
    >>> red.ids.tolist(), red[0].tolist(), blue[0].tolist()
    (['1.3441.15'], [[48823.5, -9.75, 0.25]], [[48823.5, nan, nan]])
    """
    one_of("band", band, tuple(MACHO_COLUMNS))
    marks = Marks.of(MISSING)
    layout = Layout(MACHO_COLUMNS[band], delimiter=",", words=marks.words)
    table = read_files(path, ("*.csv", "*.csv.gz"), layout, verbose)
    table = table._replace(ids=[name.removeprefix("LC_") for name in table.ids])
    return table.light_curves(marks, time=table.time, bad_error_is_missing=True)


class Marks(NamedTuple):
    """What stands for no measurement: numbers, and texts in lower case."""

    numbers: npt.NDArray[np.float64]
    words: frozenset[str]

    @classmethod
    def of(cls, missing: Iterable[float | str]) -> Marks:
        """Tell numbers and texts apart."""
        if isinstance(missing, str) or not isinstance(missing, Iterable):
            raise TypeError(f"missing must be a list of numbers and strings, got {missing!r}.")
        marks = list(missing)
        for mark in marks:
            if not isinstance(mark, Real | str) or isinstance(mark, bool):
                raise TypeError(f"missing must hold numbers and strings, got {mark!r}.")
        numbers = [float(mark) for mark in marks if not isinstance(mark, str)]
        words = frozenset(mark.strip().lower() for mark in marks if isinstance(mark, str))
        return cls(np.array(numbers, dtype=np.float64), words)


class Table(NamedTuple):
    """Columns of many files, one after another."""

    ids: list[str]
    values: npt.NDArray[np.float64]
    lengths: list[int]

    @property
    def time(self) -> npt.NDArray[np.float64]:
        """Times as they stand in the files, in days."""
        return self.values[:, 0]

    def light_curves(
        self,
        marks: Marks,
        *,
        time: npt.NDArray[np.float64],
        bad_error_is_missing: bool = False,
    ) -> LightCurves:
        """Make light curves, NaN where a mark stands.

        Parameters
        ----------
        marks : Marks
            What stands for no measurement.
        time : ndarray of shape (n_observations,)
            Times in days.
        bad_error_is_missing : bool, default=False
            Whether a mark, or a number that is not above 0, in place of the error says that the
            magnitude is none either.
        """
        offsets = np.concatenate([[0], np.cumsum(self.lengths, dtype=np.int64)])
        missing = np.isin(self.values[:, 1], marks.numbers) | np.isnan(self.values[:, 1])
        error = None
        if self.values.shape[1] == 3:
            error = self.values[:, 2]
            # Written so that NaN is bad as well.
            bad = ~(error > 0) | np.isin(error, marks.numbers)
            if bad_error_is_missing:
                missing |= bad
            error = np.where(bad | missing, np.nan, error)
        magnitude = np.where(missing, np.nan, self.values[:, 1])
        return LightCurves(time, magnitude, error, offsets=offsets, ids=self.ids)


def read_files(path: Paths, patterns: Sequence[str], layout: Layout, verbose: int) -> Table:
    """Read the columns of all files that a path stands for.

    Parameters
    ----------
    path : path or list of paths
        See `files_of`.
    patterns : sequence of str
        Which files of a folder to read.
    layout : Layout
        Where the columns are.
    verbose : int
        1 shows a progress bar; see `sklearn_astromer.progress`.

    Returns
    -------
    Table
    """
    files = files_of(path, patterns)
    parts = []
    for file in progress_bar(files, unit="file", verbose=verbose):
        values = parse_columns(text_lines(file.read_bytes(), str(file)), layout, str(file))
        if len(values) == 0:
            raise LightCurveError(f"{file} holds no observation; leave it out.")
        parts.append(values)
    ids = [star_name(file.name) for file in files]
    return Table(ids, np.concatenate(parts), [len(part) for part in parts])


def full_dates(
    time: npt.NDArray[np.float64], zero_point: float = OGLE_ZERO_POINT
) -> npt.NDArray[np.float64]:
    """Add the zero point of OGLE's times where they are not full Julian dates already.

    Parameters
    ----------
    time : ndarray
        Days; HJD - 2450000, or HJD.
    zero_point : float, default=2450000.0
        Days to add to times below 1,000,000.

    Returns
    -------
    ndarray
    """
    return np.where(time < LARGEST_REDUCED_DATE, time + zero_point, time)


def _checked_column(column: Column) -> Column:
    if isinstance(column, str):
        return column
    if not isinstance(column, Integral) or isinstance(column, bool) or column < 0:
        raise ParameterError(
            f"a column is a position, counted from 0, or a name in the header; got {column!r}."
        )
    return int(column)


def _checked_count(skip_header: int) -> int:
    if not isinstance(skip_header, Integral) or isinstance(skip_header, bool) or skip_header < 0:
        raise ParameterError(f"skip_header must be a number of lines, got {skip_header!r}.")
    return int(skip_header)
