"""Time series of astropy and light curves of lightkurve."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from astropy import units as u
from astropy.table import MaskedColumn, QTable, Table
from astropy.time import Time, TimeDelta
from astropy.timeseries import TimeSeries
from astropy.utils.masked import Masked
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier

from sklearn_astromer.light_curves import LightCurves, as_light_curves, holds_light_curves

with warnings.catch_warnings():
    # It warns of parts of its own that cannot be loaded.
    warnings.simplefilter("ignore")
    lightkurve = pytest.importorskip("lightkurve")

DAYS = [55000.25, 55001.5, 55004.0]


def series(days=DAYS, meta=None, **columns):
    made = TimeSeries(time=Time(days, format="mjd"), data=columns)
    made.meta.update(meta or {})
    return made


# Times


@pytest.mark.parametrize(
    "time",
    [
        Time(DAYS, format="mjd"),
        Time(np.array(DAYS) + 2400000.5, format="jd"),
        Time(Time(DAYS, format="mjd").isot, format="isot"),
        Time(DAYS, format="mjd", scale="tdb"),
        Time(np.array(DAYS) - 56999.5, format="btjd", scale="tdb"),
    ],
    ids=lambda time: f"{time.format} {time.scale}",
)
def test__time_series__times_of_any_format__mjd_in_their_own_scale(time):
    curves = as_light_curves(TimeSeries(time=time, data={"mag": [1.0, 2.0, 3.0]}))
    np.testing.assert_allclose(curves.time, DAYS, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(curves.magnitude, [1, 2, 3])


def test__time_series__relative_times__days():
    relative = TimeDelta([0.0, 3600.0, 86400.0], format="sec")
    curves = as_light_curves(TimeSeries(time=relative, data={"mag": [1.0, 2.0, 3.0]}))
    np.testing.assert_allclose(curves.time, [0, 1 / 24, 1])


def test__time_series__masked_values__nan():
    time = Time(np.ma.masked_array(DAYS, [False, True, False]), format="mjd")
    made = TimeSeries(time=time)
    made["mag"] = MaskedColumn([1.0, 2.0, 3.0], mask=[False, False, True])
    made["magerr"] = Masked([0.1, 0.2, 0.3] * u.mag, mask=[True, False, False])
    curves = as_light_curves(made)
    np.testing.assert_array_equal(curves.time, [DAYS[0], np.nan, DAYS[2]])
    np.testing.assert_array_equal(curves.magnitude, [1, 2, np.nan])
    np.testing.assert_array_equal(curves.error, np.float32([np.nan, 0.2, 0.3]))


def test__time_series__phases_for_times__refused_with_position():
    whole = series(flux=[1.0, 2.0, 3.0])
    folded = whole.fold(period=2 * u.day, normalize_phase=True)
    with pytest.raises(ValueError, match=r"light curve 1: column 'time'.*phases"):
        as_light_curves([whole, folded])


# Magnitudes


@pytest.mark.parametrize("unit", [1, u.mag, u.ABmag, u.STmag, u.dimensionless_unscaled], ids=str)
def test__time_series__magnitudes_with_units__their_numbers(unit):
    curves = as_light_curves(series(mag=[15.0, 16.0, 14.5] * unit))
    np.testing.assert_array_equal(curves.magnitude, [15, 16, 14.5])


def test__time_series__thousandths_of_a_magnitude__magnitudes():
    columns = {"mag": [15000.0, 16000.0, 14500.0] * u.mmag, "e_mag": [10, 20, 30] * u.mmag}
    curves = as_light_curves(series(**columns))
    np.testing.assert_allclose(curves.magnitude, [15, 16, 14.5])
    np.testing.assert_allclose(curves.error, [0.01, 0.02, 0.03], rtol=1e-6)


def test__time_series__usual_or_given_names__found():
    made = series(MAG=[1.0, 2.0, 3.0], magerr=[0.1] * 3, flux=[9.0] * 3, other=[4.0, 5.0, 6.0])
    np.testing.assert_array_equal(as_light_curves(made).magnitude, [1, 2, 3])
    given = LightCurves.from_time_series(made, magnitude="other", error="flux")
    np.testing.assert_array_equal(given.magnitude, [4, 5, 6])
    np.testing.assert_array_equal(given.error, [9] * 3)
    of_flux = LightCurves.from_time_series(made, flux="flux")
    np.testing.assert_allclose(of_flux.magnitude, -2.5 * np.log10(9.0))


def test__time_series__lists_and_arrays_of_several__one_curve_each():
    first = series(mag=[1.0, 2.0, 3.0], err=[0.1, 0.2, 0.3])
    second = series([55009.0], mag=[4.0])
    array = np.empty(2, object)
    array[0], array[1] = first, second
    for X in ([first, second], (first, second), array):
        assert holds_light_curves(X)
        curves = as_light_curves(X)
        assert curves.lengths.tolist() == [3, 1]
        np.testing.assert_array_equal(curves.magnitude, [1, 2, 3, 4])
        np.testing.assert_array_equal(curves.error, np.float32([0.1, 0.2, 0.3, np.nan]))
    assert as_light_curves(second).error is None


def test__time_series__plain_tables_in_a_list__one_curve_each():
    table = Table({"HJD": [1.0, 2.0], "mag": [15.0, 16.0]})
    in_hours = QTable({"t": [24.0, 48.0] * u.hour, "mag": [15.0, 16.0] * u.mag})
    for X in ([table], [table, in_hours]):
        assert holds_light_curves(X)
        for curve in as_light_curves(X):
            np.testing.assert_array_equal(curve, [[1, 15], [2, 16]])
    one = LightCurves.from_time_series(table)
    np.testing.assert_array_equal(one[0], [[1, 15], [2, 16]])


# Fluxes


def test__time_series__fluxes_with_units__ab_magnitudes_of_astropy():
    flux, error = [1.0, 2.5, 0.1] * u.mJy, [10.0, 20.0, 5.0] * u.uJy
    curves = as_light_curves(series(flux=flux, flux_err=error))
    np.testing.assert_allclose(curves.magnitude, flux.to_value(u.ABmag), rtol=1e-6)
    # What a small change of the flux does to the magnitude.
    change = flux.to_value(u.ABmag) - (flux + error * 1e-4).to_value(u.ABmag)
    np.testing.assert_allclose(curves.error, change * 1e4, rtol=1e-4)


def test__time_series__fluxes_of_another_kind__zero_point():
    made = series(flux=[1.0, 100.0, 10.0] * u.electron / u.s)
    np.testing.assert_allclose(as_light_curves(made).magnitude, [0, -5, -2.5])
    curves = LightCurves.from_time_series(made, zero_point=20.44)
    np.testing.assert_allclose(curves.magnitude, [20.44, 15.44, 17.94], rtol=1e-6)
    in_jansky = LightCurves.from_time_series(series(flux=[1.0, 10, 100] * u.mJy), zero_point=1.0)
    np.testing.assert_allclose(in_jansky.magnitude, [1.0, -1.5, -4])


def test__time_series__fluxes_not_positive__nan_and_counted_in_a_warning():
    good = series(flux=[1.0, 10.0, 100.0], flux_err=[0.1, 0.1, 0.1])
    dark = series(flux=[0.0, 10.0, -1.0], flux_err=[0.1, 0.1, 0.1])
    unknown = series(flux=[np.nan, 10.0, -1.0])
    message = (
        r"2 of 3 light curves have fluxes that are zero or negative.*: 2 of 3 in light curve 1, "
        r"1 of 3 in light curve 2\."
    )
    with pytest.warns(UserWarning, match=message):
        curves = as_light_curves([good, dark, unknown])
    assert curves.n_finite.tolist() == [3, 1, 1]
    np.testing.assert_array_equal(curves[1][:, 1], [np.nan, -2.5, np.nan])
    assert np.isnan(curves[1][[0, 2], 2]).all()
    with pytest.warns(UserWarning, match=r"in light curve 9, and 2 in 2 others\."):
        as_light_curves([series(flux=[-1.0, 1.0, 1.0])] * 12)


# What cannot be


@pytest.mark.parametrize(
    ("columns", "given", "message"),
    [
        ({"colour": [1.0] * 3}, {}, r"no column of magnitudes or fluxes.*'colour'"),
        (
            {"mag": [1.0] * 3, "m": [1.0] * 3},
            {},
            "several columns may be the magnitude: 'mag', 'm'",
        ),
        ({"mag": [1.0] * 3}, {"magnitude": "magn"}, r"no column 'magn'. Did you mean 'mag'\?"),
        ({"flux": [1.0] * 3}, {"flux": "flux", "error": "flux"}, "not of both"),
        ({"flux": [1.0] * 3, "fluxerr": [1.0] * 3, "eflux": [1] * 3}, {}, "flux_error='fluxerr'"),
        ({"mag": ["a", "b", "c"]}, {}, "mag: holds strings"),
        ({"mag": np.ones((3, 2))}, {}, r"mag has shape \(3, 2\)"),
        ({"mag": [1.0] * 3, "band": ["g", "r", "g"]}, {}, r"several bands, 'g', 'r'.*== 'g'\]"),
        ({"flux": [1.0] * 3 * u.Jy, "fluxerr": [1.0] * 3 * u.m}, {}, "not convertible"),
    ],
)
def test__time_series__columns_not_clear__position_and_remedy(columns, given, message):
    good = series(mag=[1.0] * 3, flux=[1.0] * 3)
    at = 0 if given else 1
    with pytest.raises((ValueError, TypeError), match=f"light curve {at}: .*{message}"):
        LightCurves.from_time_series([good, series(**columns)], **given)


def test__time_series__infinite_flux__named_like_any_other():
    with pytest.raises(ValueError, match="light curve 0: magnitude is infinite"):
        as_light_curves(series(flux=[1.0, np.inf, 1.0]))


def test__time_series__something_else_among_them__position():
    with pytest.raises(TypeError, match=r"light curve 1 is a ndarray; expected a TimeSeries"):
        as_light_curves([series(mag=[1.0] * 3), np.ones((3, 2))])


def test__time_series__one_band_only__read():
    made = series(mag=[1.0] * 3, band=["g", "g", "g"])
    np.testing.assert_array_equal(as_light_curves(made).magnitude, [1] * 3)


# Names of the stars


def test__time_series__meta__ids_where_all_have_them():
    stars = [series(mag=[1.0] * 3, meta={"OBJECT": name}) for name in "ab"]
    assert as_light_curves(stars).ids.tolist() == ["a", "b"]
    stars[0].meta["TARGETID"] = 5
    assert as_light_curves(stars).ids.tolist() == ["a", "b"]
    stars[1].meta["TARGETID"] = 6
    assert as_light_curves(stars).ids.tolist() == [5, 6]
    assert as_light_curves([*stars, series(mag=[1.0] * 3)]).ids is None


# lightkurve


def spreads(X):
    return np.array([[np.std(curve[:, 1])] for curve in as_light_curves(X)])


def kepler(flux, error=None, **options):
    time = Time(DAYS, format="mjd", scale="tdb")
    return lightkurve.LightCurve(time=time, flux=flux, flux_err=error, **options)


def test__lightkurve__one_light_curve__magnitudes():
    curve = kepler([100.0, 1000.0, 10.0], [1.0, 5.0, 0.1])
    assert holds_light_curves(curve)
    curves = LightCurves.from_time_series(curve, zero_point=25.0)
    np.testing.assert_array_equal(curves.time, DAYS)
    np.testing.assert_allclose(curves.magnitude, [20, 17.5, 22.5])
    np.testing.assert_allclose(curves.error, np.array([0.01, 0.005, 0.01]) * 1.0857362, rtol=1e-6)


def test__lightkurve__missions_masks_and_bad_fluxes__nan_and_warning():
    flux = Masked([10.0, -3.0, 100.0] * u.electron / u.s, mask=[True, False, False])
    tess = lightkurve.TessLightCurve(time=Time(DAYS, format="mjd"), flux=flux, targetid=12)
    with pytest.warns(UserWarning, match="1 of 3 in light curve 0"):
        curves = as_light_curves(tess)
    np.testing.assert_array_equal(curves.magnitude, [np.nan, np.nan, -5])
    # lightkurve writes errors that it does not know as NaN.
    assert np.isnan(curves.error).all()
    assert curves.ids.tolist() == [12]


def test__lightkurve__other_columns_than_flux__not_in_the_way():
    curve = kepler([10.0, 100.0, 1.0])
    curve["sap_flux"], curve["timecorr"], curve["quality"] = [1.0] * 3, [0.0] * 3, [0] * 3
    np.testing.assert_array_equal(as_light_curves(curve).magnitude, [-2.5, -5, 0])
    of_aperture = LightCurves.from_time_series(curve, flux="sap_flux")
    np.testing.assert_array_equal(of_aperture.magnitude, [0, 0, 0])


def test__lightkurve__collection__one_curve_each_and_cross_validated():
    random = np.random.default_rng(0)
    collection = lightkurve.LightCurveCollection(
        [
            lightkurve.LightCurve(
                time=Time(np.sort(random.uniform(55000, 55030, 30)), format="mjd"),
                flux=random.lognormal(sigma=0.1 if kind else 1.0, size=30),
                label=f"star {position}",
            )
            for position, kind in enumerate([0, 1] * 6)
        ]
    )
    assert holds_light_curves(collection)
    curves = as_light_curves(collection)
    assert curves.ids.tolist() == [f"star {position}" for position in range(12)]
    np.testing.assert_allclose(
        curves[3][:, 1], -2.5 * np.log10(collection[3].flux.value), rtol=1e-6
    )
    model = make_pipeline(FunctionTransformer(spreads), DecisionTreeClassifier(random_state=0))
    of_collection = cross_val_score(model, collection, [0, 1] * 6, cv=2, error_score="raise")
    assert of_collection.tolist() == [1, 1]
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        as_light_curves(lightkurve.LightCurveCollection([]))
