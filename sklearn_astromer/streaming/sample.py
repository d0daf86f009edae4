"""`sample_curves`: as many light curves of a large source as training can take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from sklearn_astromer import parameters
from sklearn_astromer.errors import LightCurveError
from sklearn_astromer.light_curves import LightCurves
from sklearn_astromer.light_curves.frames import import_pyarrow
from sklearn_astromer.light_curves.table_columns import CurveColumns, ids_of
from sklearn_astromer.progress import progress_bar
from sklearn_astromer.streaming.embedding import told
from sklearn_astromer.streaming.forms import CurvesForm, checked_columns
from sklearn_astromer.streaming.sources import Piece, open_source
from sklearn_astromer.streaming.strange import StrangeRows


def sample_curves(
    source: Any,
    n_curves: int,
    *,
    columns: Mapping[str, Any] | None = None,
    batch_rows: int = 10_000,
    random_state: int | np.random.RandomState | None = None,
    verbose: int = 1,
) -> LightCurves:
    """Draw light curves at random from more than fit in memory, to train on them.

    The source is read once, `batch_rows` at a time. Each of its light curves that has an
    observation of finite time and magnitude (in the band) is as likely to be drawn as any other.

    Parameters
    ----------
    source : path, list of paths, pyarrow.dataset.Dataset or Arrow reader
        As `transform_parquet` takes it.
    n_curves : int
        How many are drawn; if the source has no more than these, all are.
    columns : dict, default=None
        As `transform_parquet` takes it.
    batch_rows : int, default=10_000
        Rows that are read at once. What is drawn does not depend on it.
    random_state : int, RandomState or None, default=None
        Decides what is drawn.
    verbose : int, default=1
        1 shows a progress bar of the rows that were read, 0 none; see `sklearn_astromer.progress`.

    Returns
    -------
    curves : LightCurves
        In the order of the source, with its ids, if it has some: so those that were trained on can
        be left out of an evaluation.

    Raises
    ------
    ParameterError
        If a parameter is not valid.
    LightCurveError
        If a file, a column or a light curve that was drawn is not valid (the message names file,
        row group and row), or there are no light curves with observations.
    TypeError
        If `source` is not of a kind that can be streamed.
    FileNotFoundError, OSError
        If there is nothing at a path, or a file cannot be read.
    ImportError
        If pyarrow is not installed.

    Notes
    -----
    Each light curve gets a random number, and those with the `n_curves` lowest are kept. At most
    twice as many light curves as are drawn are in memory, besides those that are being read.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from sklearn_astromer.streaming import sample_curves
    >>> stars = pa.table({"id": [1, 2, 3], "mjd": [[0.0, 1.2]] * 3, "mag": [[15.1, 15.3]] * 3})
    >>> sample_curves(stars, 2, random_state=0)
    LightCurves(2 light curves, 4 observations, median length 2, without errors)
    """
    import_pyarrow()
    parameters.whole("n_curves", n_curves)
    parameters.whole("batch_rows", batch_rows)
    random = check_random_state(random_state)
    form = CurvesForm(checked_columns(columns))
    opened = open_source(source, form.given, band_needed=form.band_needed)
    kept = _Lowest(int(n_curves))
    strange = StrangeRows()
    with progress_bar(
        total=opened.n_rows, desc="sample_curves", unit="curve", verbose=verbose
    ) as bar:
        for piece in opened.pieces(0, int(batch_rows)):
            numbers = random.random_sample(len(piece))
            chosen = np.flatnonzero(numbers < kept.below)
            if len(chosen):
                with strange.watched(piece.name(0)):
                    curves = _read(piece, chosen, form, opened.columns)
                measured = np.flatnonzero(curves.n_finite > 0)
                kept.add(curves[measured], numbers[chosen[measured]])
            bar.update(len(piece))
    if not len(kept):
        where = "" if form.band is None else f" in band {form.band!r}"
        raise LightCurveError(
            "the source holds no light curve that has an observation with a finite time and "
            f"magnitude{where}; look into the files, or name other columns: columns={{...}}."
        )
    return kept.drawn()


def _read(
    piece: Piece, chosen: NDArray[np.int64], form: CurvesForm, columns: CurveColumns
) -> LightCurves:
    def attempt(first: int, last: int) -> LightCurves:
        rows = piece.table.take(chosen[first:last])
        curves = form.read(rows, columns)
        if columns.id is not None:
            ids = ids_of(rows.column(columns.id), columns.id)
            curves = curves.with_ids(ids)
        return curves

    curves: LightCurves = told(attempt, len(chosen), lambda at: piece.name(int(chosen[at])))
    return curves


class _Lowest:
    """The light curves with the lowest numbers so far."""

    def __init__(self, n_curves: int) -> None:
        self.n_curves = n_curves
        # A light curve whose number is not below cannot be among them any more.
        self.below = np.inf
        self.parts: list[LightCurves] = []
        self.numbers = np.empty(0)

    def __len__(self) -> int:
        return len(self.numbers)

    def add(self, curves: LightCurves, numbers: NDArray[np.float64]) -> None:
        """Take more light curves in; those that are too many go when they are many."""
        if len(curves):
            self.parts.append(curves)
            self.numbers = np.concatenate([self.numbers, numbers])
        if len(self) >= 2 * self.n_curves:
            self.drawn()

    def drawn(self) -> LightCurves:
        """Let go of all but the lowest, and give these in the order in which they came."""
        curves = LightCurves.concatenate(self.parts)
        if len(self) > self.n_curves:
            lowest = np.sort(np.argpartition(self.numbers, self.n_curves)[: self.n_curves])
            curves, self.numbers = curves[lowest], self.numbers[lowest]
            self.below = self.numbers.max()
        self.parts = [curves]
        return curves
