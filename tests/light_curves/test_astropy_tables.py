"""astropy tables: long ones, and those with one row per light curve."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.table import Column, MaskedColumn, QTable, Table
from astropy.time import Time

from sklearn_astromer.light_curves import LightCurves, as_light_curves, holds_light_curves

ROWS = [[1.0, 2.0, 4.0], [5.0, 6.0]]


def of_objects(rows, **options):
    cells = np.empty(len(rows), object)
    cells[:] = [np.array(row) for row in rows]
    return Column(cells, **options)


def test__astropy_table__columns_of_arrays__one_curve_per_row():
    table = Table(
        {"id": [7, 8], "mjd": of_objects(ROWS), "mag": of_objects(ROWS), "ra": [1.0, 2.0]}
    )
    assert holds_light_curves(table)
    curves = as_light_curves(table)
    assert curves.lengths.tolist() == [3, 2]
    assert curves.ids.tolist() == [7, 8]
    np.testing.assert_array_equal(curves.time, [1, 2, 4, 5, 6])


def test__astropy_table__columns_of_two_dimensions__masked_is_nan():
    square = np.arange(6.0).reshape(2, 3)
    masked = MaskedColumn(square, mask=square == 4)
    curves = as_light_curves(Table({"time": square, "mag": masked}))
    np.testing.assert_array_equal(curves[1], [[3, 3], [4, np.nan], [5, 5]])


def test__astropy_table__units__days_and_magnitudes():
    table = QTable({"time": [[24.0, 48.0]] * u.hour, "mag": [[15.0, 16.0]] * u.ABmag})
    np.testing.assert_array_equal(as_light_curves(table)[0], [[1, 15], [2, 16]])
    cells = Table({"time": of_objects([[24.0, 48.0]], unit="h"), "mag": of_objects([[15.0, 16.0]])})
    np.testing.assert_array_equal(as_light_curves(cells)[0], [[1, 15], [2, 16]])


def test__astropy_table__variable_length_arrays_of_a_fits_file__read(tmp_path):
    columns = [
        fits.Column("NAME", "8A", array=["star 1", "star 2"]),
        fits.Column("MJD", "PD()", array=of_objects(ROWS).data),
        fits.Column("MAG", "PE()", array=of_objects(ROWS).data),
    ]
    fits.BinTableHDU.from_columns(columns).writeto(tmp_path / "curves.fits")
    table = Table.read(tmp_path / "curves.fits")
    curves = as_light_curves(table)
    assert curves.ids.tolist() == ["star 1", "star 2"]
    np.testing.assert_array_equal(curves.time, [1, 2, 4, 5, 6])


def test__astropy_table__bands__chosen():
    bands = of_objects([[b"g", b"r", b"g"], [b"r", b"r"]])
    table = Table({"mjd": of_objects(ROWS), "mag": of_objects(ROWS), "filter": bands})
    curves = LightCurves.from_table(table, band="g")
    assert curves.lengths.tolist() == [2, 0]
    np.testing.assert_array_equal(curves.magnitude, [1, 4])


@pytest.mark.parametrize("kind", [Table, QTable])
def test__astropy_table__long__grouped(kind):
    table = kind(
        {
            "star": np.array([b"b", b"a", b"b"]),
            "time": Time([55000.0, 55001.0, 55002.0], format="mjd"),
            "mag": MaskedColumn([15.0, 16.0, 17.0], mask=[False, False, True]),
            "err": [10.0, 20.0, 30.0] * u.mmag,
        }
    )
    assert holds_light_curves(table)
    curves = LightCurves.from_long(table, id="star")
    assert curves.ids.tolist() == ["b", "a"]
    np.testing.assert_array_equal(curves.time, [55000, 55002, 55001])
    np.testing.assert_array_equal(curves.magnitude, [15, np.nan, 16])
    np.testing.assert_allclose(curves.error, [0.01, 0.03, 0.02], rtol=1e-6)
    with pytest.raises(ValueError, match=r"each row is one observation.*from_long"):
        as_light_curves(table)


def test__astropy_table__long_with_a_masked_id__row_named():
    table = Table({"id": MaskedColumn(["a", "b"], mask=[0, 1]), "time": [1.0, 2], "mag": [1.0, 2]})
    with pytest.raises(ValueError, match="column 'id': row 1 has no id"):
        LightCurves.from_long(table)


def test__astropy_table__plain_numbers__a_grid_is_not_guessed():
    assert not holds_light_curves(Table({"a": [1.0, 2.0], "b": [3.0, 4.0]}))
