"""What an estimator is given of the rows that were read: light curves, or tables with bands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.frozen import FrozenEstimator

from sklearn_astromer.bands import BandEmbedder
from sklearn_astromer.errors import ParameterError
from sklearn_astromer.light_curves import LightCurves
from sklearn_astromer.light_curves.frames import import_pyarrow
from sklearn_astromer.light_curves.table_columns import CurveColumns, GivenNames
from sklearn_astromer.light_curves.tables import split_table

COLUMNS = ("time", "magnitude", "error", "id", "nested", "band", "band_column")


class Form(Protocol):
    """One way to hand rows to an estimator."""

    given: GivenNames
    band_needed: bool

    def read(self, table: Any, columns: CurveColumns) -> Any:
        """Make of a table what the estimator takes."""

    def n_observations(self, rows: Any) -> NDArray[np.int64]:
        """Count the observations of each row that have a finite time and magnitude."""

    def join(self, parts: Sequence[Any]) -> Any:
        """Put what was read in parts one after another."""

    def select(self, rows: Any, positions: NDArray[np.int64]) -> Any:
        """Take some of the rows."""


class CurvesForm:
    """`LightCurves` of one band.

    Parameters
    ----------
    columns : mapping of str
        As `transform_parquet` takes it.
    """

    def __init__(self, columns: Mapping[str, Any]) -> None:
        names = {role: columns.get(role) for role in COLUMNS if not role.startswith("band")}
        self.given = GivenNames(**names, band=columns.get("band_column"))
        self.band = columns.get("band")
        self.band_needed = self.band is not None

    def read(self, table: Any, columns: CurveColumns) -> LightCurves:
        """Convert rows; with `band`, those without an observation in it are empty."""
        if columns.id is not None:
            table = table.drop_columns([columns.id])
        names: dict[str, Any] = {
            **{role: getattr(columns, role) for role in ("time", "magnitude", "error", "nested")},
            "band_column": columns.band or columns.band_of_curve,
        }
        if self.band is None:
            return LightCurves.from_table(table, **names)
        # Unlike from_table, since another piece may have what this one lacks.
        return split_table(table, [self.band], some_needed=False, **names)[self.band]

    def n_observations(self, rows: LightCurves) -> NDArray[np.int64]:
        """Count finite observations."""
        return rows.n_finite

    def join(self, parts: Sequence[LightCurves]) -> LightCurves:
        """Put light curves one after another."""
        return parts[0] if len(parts) == 1 else LightCurves.concatenate(parts)

    def select(self, rows: LightCurves, positions: NDArray[np.int64]) -> LightCurves:
        """Take some light curves."""
        return rows if len(positions) == len(rows) else rows[positions]


class BandsForm:
    """Arrow tables, as a `BandEmbedder` takes them.

    Parameters
    ----------
    embedder : BandEmbedder
        Knows the bands and the names of their columns.
    columns : mapping of str
        May name the ``id``, nothing else.
    """

    band_needed = True

    def __init__(self, embedder: BandEmbedder, columns: Mapping[str, Any]) -> None:
        others = sorted(set(columns) - {"id"})
        if others:
            raise ParameterError(
                f"with a BandEmbedder, columns may name the id alone; name {', '.join(others)} "
                "in BandEmbedder(columns=...)."
            )
        self.bands = list(getattr(embedder, "embedders_", embedder.bands))
        self.names = dict(embedder.columns or {})
        roles = {name: self.names.get(name) for name in ("time", "magnitude", "error", "nested")}
        self.given = GivenNames(**roles, id=columns.get("id"), band=self.names.get("band_column"))

    def read(self, table: Any, columns: CurveColumns) -> Any:
        """Leave the rows as they are, once they are known to be readable."""
        self.n_observations(table)
        return table

    def n_observations(self, rows: Any) -> NDArray[np.int64]:
        """Count finite observations in all of the bands."""
        split = split_table(rows, self.bands, some_needed=False, **self.names)
        return np.sum([curves.n_finite for curves in split.values()], axis=0, dtype=np.int64)

    def join(self, parts: Sequence[Any]) -> Any:
        """Put tables one after another, even if they differ in the precision of numbers."""
        return import_pyarrow().concat_tables(parts, promote_options="permissive")

    def select(self, rows: Any, positions: NDArray[np.int64]) -> Any:
        """Take some rows."""
        return rows if len(positions) == rows.num_rows else rows.take(positions)


def checked_columns(columns: Mapping[str, Any] | None) -> dict[str, Any]:
    """Check names of columns, and leave out those that are None.

    Parameters
    ----------
    columns : mapping of str or None
        As `transform_parquet` takes it.

    Returns
    -------
    columns : dict
        Fit for JSON.

    Raises
    ------
    ParameterError
        If it names what is not known.
    """
    columns = {role: name for role, name in (columns or {}).items() if name is not None}
    unknown = [role for role in columns if role not in COLUMNS]
    if unknown:
        raise ParameterError(
            f"columns may name {', '.join(COLUMNS)}; got {', '.join(map(repr, unknown))}."
        )
    # Bands that are numbers may be those of numpy.
    return {
        role: name.item() if isinstance(name, np.generic) else name
        for role, name in columns.items()
    }


def form_for(estimator: Any, columns: Mapping[str, Any]) -> Form:
    """Choose the form in which an estimator is given light curves.

    Parameters
    ----------
    estimator : transformer
    columns : mapping of str
        As `checked_columns` gives them.

    Returns
    -------
    form : Form

    Raises
    ------
    ParameterError
        If `columns` names what the estimator knows better.
    """
    first = _first_step(estimator)
    if isinstance(first, BandEmbedder):
        return BandsForm(first, columns)
    return CurvesForm(columns)


def _first_step(estimator: Any) -> Any:
    # What the light curves meet first, inside pipelines and unions.
    while True:
        if isinstance(estimator, FrozenEstimator):
            estimator = estimator.estimator
        elif hasattr(estimator, "steps"):
            estimator = estimator.steps[0][1]
        elif hasattr(estimator, "transformer_list"):
            estimator = estimator.transformer_list[0][1]
        else:
            return estimator
