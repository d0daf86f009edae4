"""``LightCurves``: many light curves of one band in flat arrays, indexed like a list of curves."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from types import EllipsisType
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from sklearn_astromer.errors import LightCurveError, ParameterError
from sklearn_astromer.light_curves.arrays import (
    FlatColumns,
    as_numbers,
    checked_columns,
    checked_ids,
    columns_of_grid,
    joined_ids,
    offsets_of,
    read_only,
    selected_positions,
)
from sklearn_astromer.light_curves.ephemerides import Ephemerides, joined_ephemerides
from sklearn_astromer.light_curves.table_methods import TableMethods
from sklearn_astromer.light_curves.values import check_values, warn_of_one_curve

__all__ = ["LightCurves"]


class LightCurves(TableMethods):
    """Many light curves of one band in flat arrays.

    The observations of all curves follow each other; curve ``i`` owns those from ``offsets[i]``
    to ``offsets[i + 1]``. It is indexed along its only axis by whatever scikit-learn indexes
    with, so that splitters, ``Pipeline`` and ``GridSearchCV`` take it as it is.

    Parameters
    ----------
    time : array-like of shape (n_observations,)
        Times in days (MJD, HJD, ...). They need not be sorted.
    magnitude : array-like of shape (n_observations,)
        Magnitudes. NaN, here or in `time`, stands for an observation without a measurement.
    error : array-like of shape (n_observations,), default=None
        Errors of the magnitudes, in magnitudes. NaN means not known.
    offsets : array-like of shape (n_curves + 1,)
        Where each curve starts, and, last, where the last one ends.
    ids : array-like of shape (n_curves,), default=None
        Names of the curves; they go along when curves are selected.

    Attributes
    ----------
    time : ndarray of shape (n_observations,), float64
    magnitude : ndarray of shape (n_observations,), float32
    error : ndarray of shape (n_observations,), float32, or None
    offsets : ndarray of shape (n_curves + 1,), int64
    ids : ndarray of shape (n_curves,), or None
    ephemerides : Ephemerides or None
        Best periods, if `sklearn_astromer.periods.with_periods` has searched them.

    Raises
    ------
    LightCurveError
        If the shapes do not fit together or a value is infinite.
    TypeError
        If a column does not hold numbers.

    Warns
    -----
    LightCurveWarning
        If light curves are probably not what they should be: magnitudes are beyond +-40, time and
        magnitude seem to be swapped, times cannot be days, or Julian dates were cut to float32.

    Notes
    -----
    The arrays are read-only views. Arrays handed in with the right type are not copied. Light
    curves that are selected from others are not checked again, and of what is probably wrong they
    are not warned of a second time.

    Examples
    --------
    >>> from sklearn_astromer import LightCurves
    >>> curves = LightCurves([0.0, 1.5, 0.2], [15.1, 15.3, 12.0], offsets=[0, 2, 3])
    >>> curves
    LightCurves(2 light curves, 3 observations, median length 1.5, without errors)
    >>> curves[0].tolist()
    [[0.0, 15.100000381469727], [1.5, 15.300000190734863]]
    """

    time: npt.NDArray[np.float64]
    magnitude: npt.NDArray[np.float32]
    error: npt.NDArray[np.float32] | None
    offsets: npt.NDArray[np.int64]
    ids: npt.NDArray[Any] | None
    ephemerides: Ephemerides | None

    def __init__(
        self,
        time: npt.ArrayLike,
        magnitude: npt.ArrayLike,
        error: npt.ArrayLike | None = None,
        *,
        offsets: npt.ArrayLike,
        ids: npt.ArrayLike | None = None,
    ) -> None:
        columns = checked_columns(time, magnitude, error, offsets)
        names = None if ids is None else checked_ids(ids, len(columns.offsets) - 1)
        check_values(columns, names)
        self._assign(columns, names)

    def _assign(
        self,
        columns: FlatColumns,
        ids: npt.NDArray[Any] | None,
        ephemerides: Ephemerides | None = None,
    ) -> None:
        self.time = read_only(columns.time)
        self.magnitude = read_only(columns.magnitude)
        self.error = None if columns.error is None else read_only(columns.error)
        self.offsets = read_only(columns.offsets)
        self.ids = None if ids is None else read_only(ids)
        self.ephemerides = ephemerides

    @classmethod
    def _from_checked(
        cls,
        columns: FlatColumns,
        ids: npt.NDArray[Any] | None,
        ephemerides: Ephemerides | None = None,
    ) -> LightCurves:
        # Parts of what was checked once are not checked again.
        curves = cls.__new__(cls)
        curves._assign(columns, ids, ephemerides)
        return curves

    @property
    def _columns(self) -> FlatColumns:
        return FlatColumns(self.time, self.magnitude, self.error, self.offsets)

    def __reduce__(self) -> tuple[Any, ...]:
        # Arrays come writable out of a pickle, so the read-only views are made anew.
        return LightCurves._from_checked, (self._columns, self.ids, self.ephemerides)

    def with_ephemerides(self, ephemerides: Ephemerides | None) -> LightCurves:
        """Give the same light curves with other ephemerides, which go along when some are selected.

        Networks that fold light curves take them, and search no periods themselves.

        Parameters
        ----------
        ephemerides : Ephemerides or None
            One for each light curve. None: not known.

        Returns
        -------
        LightCurves
            Nothing is copied.

        Raises
        ------
        ParameterError
            If there are not as many as light curves.
        """
        if ephemerides is not None and len(ephemerides) != len(self):
            raise ParameterError(
                f"there are {len(self)} light curves and {len(ephemerides)} ephemerides; give one "
                "for each light curve, NaN where a star has no period."
            )
        return self._from_checked(self._columns, self.ids, ephemerides)

    def with_ids(self, ids: npt.ArrayLike) -> LightCurves:
        """Give the same light curves with other names.

        Parameters
        ----------
        ids : array-like of shape (n_curves,)
            One for each light curve.

        Returns
        -------
        LightCurves
            Nothing is copied.

        Raises
        ------
        LightCurveError
            If there are not as many as light curves.
        """
        return self._from_checked(self._columns, checked_ids(ids, len(self)), self.ephemerides)

    def _with_magnitude(self, magnitude: npt.NDArray[np.float32]) -> LightCurves:
        # Not checked: of the same magnitudes, some made NaN.
        columns = self._columns._replace(magnitude=magnitude)
        return self._from_checked(columns, self.ids, self.ephemerides)

    @classmethod
    def from_grid(cls, array: npt.ArrayLike) -> LightCurves:
        """Read each row of a 2-D array as magnitudes observed once a day.

        Parameters
        ----------
        array : array-like of shape (n_curves, n_days)
            Magnitudes; NaN where there is no measurement.

        Returns
        -------
        LightCurves
            Times are 0, 1, 2, ... days; there are no errors.

        Raises
        ------
        LightCurveError
            If the array has not two dimensions, or a value is infinite.
        TypeError
            If it does not hold numbers.

        Warns
        -----
        LightCurveWarning
            If the array looks like one single light curve: two or three columns (or rows), and
            times in the first that never stop increasing. And as `LightCurves` does.
        """
        grid = as_numbers(array, "the array of magnitudes")
        columns = columns_of_grid(grid)
        check_values(columns, None, warned=warn_of_one_curve(grid))
        return cls._from_checked(columns, None)

    @classmethod
    def concatenate(cls, parts: Iterable[LightCurves]) -> LightCurves:
        """Put the light curves of several parts one after another.

        Errors that a part lacks become NaN when another part has them. Ids are kept when all
        parts have them; ephemerides too.

        Parameters
        ----------
        parts : iterable of LightCurves
            At least one.

        Returns
        -------
        LightCurves

        Raises
        ------
        TypeError
            If a part is something else.
        LightCurveError
            If there is no part.
        """
        parts = list(parts)
        for position, part in enumerate(parts):
            if not isinstance(part, LightCurves):
                raise TypeError(f"part {position} is a {type(part).__name__}, not LightCurves.")
        if not parts:
            raise LightCurveError(
                "there is nothing to concatenate: the list of parts is empty; give at least one."
            )
        lengths = np.concatenate([part.lengths for part in parts])
        error = None
        if any(part.error is not None for part in parts):
            error = np.concatenate(
                [
                    np.full(len(part.time), np.nan) if part.error is None else part.error
                    for part in parts
                ],
                dtype=np.float32,
            )
        columns = FlatColumns(
            np.concatenate([part.time for part in parts]),
            np.concatenate([part.magnitude for part in parts]),
            error,
            offsets_of(lengths),
        )
        ephemerides = joined_ephemerides([part.ephemerides for part in parts])
        return cls._from_checked(columns, joined_ids([part.ids for part in parts]), ephemerides)

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Number of observations of each curve, those without a measurement included."""
        return np.diff(self.offsets)

    @property
    def n_finite(self) -> npt.NDArray[np.int64]:
        """Number of observations of each curve whose time and magnitude are both finite."""
        measured = np.isfinite(self.time) & np.isfinite(self.magnitude)
        counts = np.zeros(len(self), np.int64)
        filled = self.lengths > 0
        if filled.any():
            counts[filled] = np.add.reduceat(measured, self.offsets[:-1][filled], dtype=np.int64)
        return counts

    @property
    def shape(self) -> tuple[int]:
        """``(n_curves,)``: scikit-learn takes the number of samples from here."""
        return (len(self),)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __iter__(self) -> Iterator[npt.NDArray[np.float64]]:
        return (self[position] for position in range(len(self)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """Refuse: whoever wants one array of numbers, as most classifiers do, wants embeddings."""
        raise TypeError(
            f"{self!r} are no table of numbers. Turn them into one first, as in make_pipeline("
            "AstromerEmbedder.pretrained(), RandomForestClassifier()), or by transform before "
            "anything that looks at X itself. to_list() gives an array for each of them."
        )

    def __repr__(self) -> str:
        median = f", median length {np.median(self.lengths):g}" if len(self) else ""
        errors = "without" if self.error is None else "with"
        return (
            f"LightCurves({len(self):,} light curve{'s' * (len(self) != 1)}, "
            f"{len(self.time):,} observations{median}, {errors} errors)"
        )

    def to_list(self) -> list[npt.NDArray[np.float64]]:
        """Give the light curves one by one.

        Returns
        -------
        curves : list of ndarray of float64
            Each of shape (L, 2) or, with errors, (L, 3).
        """
        return list(self)

    @overload
    def __getitem__(self, key: int | np.integer[Any]) -> npt.NDArray[np.float64]: ...

    @overload
    def __getitem__(
        self, key: slice | npt.NDArray[Any] | list[Any] | tuple[Any, ...] | EllipsisType
    ) -> LightCurves: ...

    def __getitem__(self, key: Any) -> Any:
        """Return one curve as an array, or the curves of a slice, of positions or of booleans."""
        if isinstance(key, tuple):
            # scikit-learn asks for ``X[positions, ...]`` of everything that has a shape.
            axes = [part for part in key if part is not Ellipsis]
            if len(axes) > 1:
                raise IndexError(
                    f"light curves are indexed along one axis, but {len(axes)} indices were given."
                )
            key = axes[0] if axes else Ellipsis
        if key is Ellipsis:
            return self
        if isinstance(key, slice):
            return self._slice(key)
        if not isinstance(key, bool | np.bool_) and np.ndim(key) == 0:
            return self._one(key)
        return self._take(selected_positions(key, len(self)))

    def _one(self, key: Any) -> npt.NDArray[np.float64]:
        try:
            position = operator.index(key)
        except TypeError:
            raise TypeError(
                f"light curves are indexed by integers, slices, or arrays of integers or "
                f"booleans; got a {type(key).__name__}."
            ) from None
        if not -len(self) <= position < len(self):
            raise IndexError(f"light curve {position} is out of range: there are {len(self)}.")
        position %= len(self)
        part = slice(self.offsets[position], self.offsets[position + 1])
        columns: list[npt.NDArray[Any]] = [self.time[part], self.magnitude[part]]
        if self.error is not None:
            columns.append(self.error[part])
        return np.stack(columns, axis=1, dtype=np.float64)

    def _slice(self, key: slice) -> LightCurves:
        first, last, step = key.indices(len(self))
        if step != 1:
            return self._take(np.arange(first, last, step))
        # Neighbours stay views: nothing is copied.
        last = max(first, last)
        offsets = self.offsets[first : last + 1]
        return self._rows(slice(offsets[0], offsets[-1]), offsets - offsets[0], slice(first, last))

    def _take(self, positions: npt.NDArray[np.int64]) -> LightCurves:
        lengths = self.lengths[positions]
        offsets = offsets_of(lengths)
        rows = np.repeat(self.offsets[positions] - offsets[:-1], lengths)
        rows += np.arange(len(rows))
        return self._rows(rows, offsets, positions)

    def _rows(
        self,
        rows: slice | npt.NDArray[np.int64],
        offsets: npt.NDArray[np.int64],
        positions: slice | npt.NDArray[np.int64],
    ) -> LightCurves:
        error = None if self.error is None else self.error[rows]
        columns = FlatColumns(self.time[rows], self.magnitude[rows], error, offsets)
        ids = None if self.ids is None else self.ids[positions]
        ephemerides = None if self.ephemerides is None else self.ephemerides.of(positions)
        return self._from_checked(columns, ids, ephemerides)
