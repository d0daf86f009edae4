"""The methods of ``LightCurves`` that read tables, files and time series, and make tables.

What does the work is imported when it is called: light curves come first, tables second.
"""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, cast

from sklearn_astromer.light_curves.table_columns import GivenNames

if TYPE_CHECKING:
    from sklearn_astromer.light_curves.container import LightCurves

__all__ = ["TableMethods"]

Paths = str | PathLike[str] | Sequence[str | PathLike[str]]


class TableMethods:
    """Methods that make light curves of what other packages hold, and the other way round."""

    @classmethod
    def from_table(
        cls,
        table: Any,
        time: str | None = None,
        magnitude: str | None = None,
        error: str | None = None,
        id: str | None = None,  # noqa: A002 - everybody calls the column so
        nested: str | None = None,
        band: str | int | None = None,
        band_column: str | None = None,
    ) -> LightCurves:
        """Read a table with one row per light curve.

        Parameters
        ----------
        table : data frame (pandas, nested-pandas, polars), astropy table or Arrow table
            With columns of lists, or with one nested column of observations.
        time, magnitude, error, id : str, default=None
            Names of the columns, or of the fields of the nested column (`id` is a column in both
            cases). By default they are found by their usual spellings: ``mjd``, ``mag``,
            ``magerr``, ...
        nested : str, default=None
            Name of the nested column. By default it is the only one.
        band : str or int, default=None
            Keep the observations of this band. By default all are kept, and no light curve may
            have several bands.
        band_column : str, default=None
            Name of what holds the bands: one for each observation, beside its time, or else one
            for each light curve. By default it is found by its usual spellings: ``band``,
            ``filter``, ``fid``, ...

        Returns
        -------
        LightCurves
            One curve per row; a null in a list is NaN, a null list is a curve without observations,
            and so is one without an observation in `band`.

        Raises
        ------
        LightCurveError
            If columns are not found, are not clear or do not fit together; if a light curve has
            several bands and `band` is not given; if no light curve has any observation in `band`.
        TypeError
            If a column does not hold numbers.
        ImportError
            If pyarrow is not installed.

        Warns
        -----
        LightCurveWarning
            If light curves are probably not what they should be: see `LightCurves`.
        """
        from sklearn_astromer.light_curves import tables

        given = GivenNames(time, magnitude, error, id, nested, band_column)
        return tables.from_table(table, given, band)

    @classmethod
    def read_parquet(
        cls,
        path: Paths,
        time: str | None = None,
        magnitude: str | None = None,
        error: str | None = None,
        id: str | None = None,  # noqa: A002
        nested: str | None = None,
        band: str | int | None = None,
        band_column: str | None = None,
    ) -> LightCurves:
        """Read parquet files with one row per light curve; only the needed columns are read.

        Parameters
        ----------
        path : path or list of paths
            A file, or a folder of files (read in the order of their names).
        time, magnitude, error, id, nested, band, band_column : str, default=None
            As in :meth:`from_table`.

        Returns
        -------
        LightCurves
            As of :meth:`from_table`.
        """
        from sklearn_astromer.light_curves import tables

        given = GivenNames(time, magnitude, error, id, nested, band_column)
        return tables.read_parquet(path, given, band)

    @classmethod
    def from_long(
        cls,
        table: Any,
        id: str | None = None,  # noqa: A002
        time: str | None = None,
        magnitude: str | None = None,
        error: str | None = None,
        band: str | int | None = None,
        band_column: str | None = None,
    ) -> LightCurves:
        """Group a long table, one row per observation, into light curves.

        Parameters
        ----------
        table : data frame (pandas, polars), astropy table, Arrow table or dict of arrays
            The rows of a curve need not be sorted nor stand together.
        id, time, magnitude, error : str, default=None
            Names of the columns; times in days, errors in magnitudes. By default they are found by
            their usual spellings; there need not be errors.
        band : str or int, default=None
            Keep the observations of this band. By default all are kept, and no light curve may
            have several bands.
        band_column : str, default=None
            Name of the column of bands. By default it is found by its usual spellings.

        Returns
        -------
        LightCurves
            In order of first appearance of the ids, which are in `ids`; the observations of a
            curve keep the order of their rows. With `band`, those without an observation in it are
            empty.

        Raises
        ------
        LightCurveError, TypeError, ImportError
            As in :meth:`from_table`.
        """
        from sklearn_astromer.light_curves import long_tables

        given = GivenNames(time, magnitude, error, id, band=band_column)
        return long_tables.from_long(table, given, band)

    @classmethod
    def from_time_series(
        cls,
        series: Any,
        time: str | None = None,
        magnitude: str | None = None,
        error: str | None = None,
        flux: str | None = None,
        flux_error: str | None = None,
        zero_point: float | None = None,
    ) -> LightCurves:
        """Read one or several astropy ``TimeSeries``, or ``LightCurve`` of lightkurve.

        Parameters
        ----------
        series : TimeSeries, LightCurve, Table, or a sequence or LightCurveCollection of them
            One each for a light curve. What is masked is NaN.
        time : str, default=None
            Name of the column of times. By default it is ``time`` and, in a plain astropy
            ``Table``, found by its usual spellings. A ``Time`` becomes MJD, in its own scale, and a
            ``TimeDelta`` days.
        magnitude, error : str, default=None
            Names of the columns of magnitudes and their errors. By default they are found by
            their usual spellings; there need not be errors.
        flux, flux_error : str, default=None
            Names of the columns of fluxes and their errors, to be used instead of magnitudes. By
            default they are found by their usual spellings where there are no magnitudes.
        zero_point : float, default=None
            Magnitude of a flux of one, in whatever unit the fluxes have. By default magnitudes are
            AB magnitudes where the fluxes have a unit like Jy, and 0 otherwise. Embeddings do not
            depend on it.

        Returns
        -------
        LightCurves
            `ids` are taken from ``LABEL``, ``TARGETID`` or ``OBJECT`` of ``series.meta``, the first
            that all of them have.

        Raises
        ------
        LightCurveError, TypeError
            If columns are not found, are not clear or cannot be converted; the message names the
            position of the light curve.

        Warns
        -----
        LightCurveWarning
            If fluxes are zero or negative: they have no magnitude and become NaN. The warning says
            how many, and in which light curves.

        Notes
        -----
        ``magnitude = zero_point - 2.5 log10(flux)`` and, to first order,
        ``error = 2.5 / ln(10) * flux_error / flux``. A flux of 1 Jy is of AB magnitude 8.90 (Oke &
        Gunn 1983, ApJ 266, 713).
        """
        from sklearn_astromer.light_curves import time_series

        given = time_series.SeriesNames(time, magnitude, error, flux, flux_error)
        return time_series.from_time_series(series, given, zero_point)

    def to_arrow(self) -> Any:
        """Give a table with one row per light curve, which `from_table` reads.

        Returns
        -------
        table : pyarrow.Table
            Columns ``time``, ``magnitude`` and, where there are errors, ``error``: lists of numbers
            that are not copied, NaN where there is no measurement. Before them ``id``, if the
            light curves have ids. Ephemerides are left out.

        Raises
        ------
        LightCurveError
            If the ids are not all of one type.
        ImportError
            If pyarrow is not installed.

        Examples
        --------
        >>> from sklearn_astromer import LightCurves
        >>> curves = LightCurves([0.0, 1.5, 0.2], [15.1, 15.3, 12.0], offsets=[0, 2, 3])
        >>> table = curves.with_ids(["A", "B"]).to_arrow()
        >>> table.column_names
        ['id', 'time', 'magnitude']
        >>> LightCurves.from_table(table).ids.tolist()
        ['A', 'B']
        """
        from sklearn_astromer.light_curves import tables

        return tables.to_arrow(cast("LightCurves", self))
