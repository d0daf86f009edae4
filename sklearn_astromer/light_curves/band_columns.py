"""Choosing the observations of one band where a table holds those of several."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sklearn_astromer.errors import LightCurveError
from sklearn_astromer.light_curves.container import LightCurves
from sklearn_astromer.light_curves.table_columns import plain_values
from sklearn_astromer.light_curves.values import curve_name

__all__ = ["Bands", "only_band", "refuse_unknown_bands"]


class Bands:
    """The band of each observation, as Arrow keeps it.

    Parameters
    ----------
    chunks : sequence of pyarrow.Array
        Strings, bytes or integers, plain or in dictionaries; null is a band that is not known.
    rows : ndarray of int, shape (n_observations,), default=None
        Which of these values belongs to each observation. By default they are in order.
    """

    def __init__(
        self, chunks: Sequence[Any], rows: npt.NDArray[np.integer[Any]] | None = None
    ) -> None:
        import pyarrow as pa

        values = pa.chunked_array(chunks) if chunks else pa.chunked_array([], pa.string())
        values = plain_values(values)
        if pa.types.is_string_view(values.type):
            # Arrow cannot yet compare them.
            values = values.cast(pa.large_string())
        self.values = values
        self.rows = rows

    def present(self) -> list[Any]:
        """Return the names of all bands, sorted."""
        names = self.values.unique().drop_null().to_pylist()
        names = [name.decode() if isinstance(name, bytes) else name for name in names]
        return sorted(names, key=str)

    def select(self, curves: LightCurves, band: Any) -> LightCurves:
        """Keep the observations of one band; there may be none.

        Parameters
        ----------
        curves : LightCurves
            With the observations of all bands.
        band : str or int

        Returns
        -------
        LightCurves
            As many as before: those without an observation in the band are empty.
        """
        kept = np.flatnonzero(self._are(band))
        return curves._rows(kept, np.searchsorted(kept, curves.offsets), slice(None))

    def _are(self, band: Any) -> npt.NDArray[np.bool_]:
        import pyarrow.compute as pc

        wanted = _scalar(band, self.values.type)
        if wanted is None:
            same = np.zeros(len(self.values), np.bool_)
        else:
            same = pc.equal(self.values, wanted).fill_null(False).to_numpy()
        return np.asarray(same if self.rows is None else same[self.rows])

    def refuse_mixed(self, curves: LightCurves) -> None:
        """Raise a LightCurveError that names the first light curve that has several bands."""
        changes = self._changes()
        # From the last observation of one curve to the first of the next it may change.
        borders = curves.offsets[1:-1]
        changes[borders[(borders > 0) & (borders <= len(changes))] - 1] = False
        if not changes.any():
            return
        at = int(changes.argmax())
        curve = int(np.searchsorted(curves.offsets, at, side="right")) - 1
        rows = [at, at + 1] if self.rows is None else self.rows[at : at + 2]
        pair = [self.values[int(row)].as_py() for row in rows]
        known = next(name for name in pair if name is not None)
        raise LightCurveError(
            f"{curve_name(curve, curves.ids)} has observations of several bands, {pair[0]!r} and "
            f"{pair[1]!r}. Choose one with band={known!r} in LightCurves.from_table, from_long or "
            "read_parquet; or embed each of them by itself, with BandEmbedder. If they are all one "
            "to you, leave the column of bands out."
        )

    def _changes(self) -> npt.NDArray[np.bool_]:
        # Whether the band of each observation differs from that of the one before.
        import pyarrow as pa
        import pyarrow.compute as pc

        if self.rows is not None:
            codes = self.values.combine_chunks().dictionary_encode().indices.fill_null(-1)
            return np.diff(codes.to_numpy()[self.rows]) != 0
        if pa.types.is_null(self.values.type) or len(self.values) < 2:
            return np.zeros(max(len(self.values) - 1, 0), np.bool_)
        values = self.values.combine_chunks()
        same = pc.equal(values[1:], values[:-1]).fill_null(False)
        if values.null_count:
            same = pc.or_(same, pc.and_(values[1:].is_null(), values[:-1].is_null()))
        return ~same.to_numpy(zero_copy_only=False)


def _scalar(band: Any, kind: Any) -> Any:
    # The band as a value of an Arrow type, or None where no value of that type can be meant.
    import pyarrow as pa

    text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if isinstance(band, str) and not text:
        band = band.encode()
    try:
        return None if text and not isinstance(band, str) else pa.scalar(band).cast(kind)
    except pa.ArrowException:
        return None


def only_band(curves: LightCurves, bands: Bands | None, band: Any) -> LightCurves:
    """Keep the observations of one band, or see to it that no light curve has several.

    Parameters
    ----------
    curves : LightCurves
        With the observations of all bands.
    bands : Bands or None
        None where nothing is known of bands.
    band : str, int or None
        None: no light curve may have observations of several bands.

    Returns
    -------
    LightCurves
        As many as before: those without an observation in the band are empty.

    Raises
    ------
    LightCurveError
        If there is no observation of the band, or a light curve has several bands of which none
        is chosen.
    """
    if bands is None:
        return curves
    if band is None:
        bands.refuse_mixed(curves)
        return curves
    chosen = bands.select(curves, band)
    if len(chosen.time) == 0:
        refuse_unknown_bands([band], bands.present())
    return chosen


def refuse_unknown_bands(bands: Sequence[Any], present: Iterable[Any]) -> None:
    """Raise a LightCurveError if none of the bands is among those that there are."""
    names = sorted(set(present), key=str)
    if not any(band in names for band in bands):
        raise LightCurveError(
            f"there is no observation of band {' or '.join(map(repr, bands))}; the bands are: "
            f"{', '.join(map(repr, names)) or 'none at all'}."
        )
