"""Lists and arrays at the door: what is taken for light curves, and what becomes of it."""

from __future__ import annotations

import warnings

import dask.dataframe
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from example_curves import random_embedder
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_strategies
from scipy import sparse

from sklearn_astromer.light_curves import LightCurves, as_light_curves, holds_light_curves

CURVE = np.array([[1.0, 15.0], [2.0, 16.0], [4.0, 14.0]])
CURVE_WITH_ERRORS = np.array([[1.0, 15.0, 0.1], [2.0, 16.0, 0.2]])


@st.composite
def lists_of_curves(draw):
    n_columns = draw(st.sampled_from([2, 3]))
    kind = draw(st.sampled_from(["<f8", ">f8", "<f4", "<i4", "u1"]))
    lengths = draw(st.lists(st.integers(0, 5), min_size=1, max_size=6))
    elements = st.integers(0, 40) if kind[-2] in "iu" else st.floats(-40, 40, width=16)
    return [
        draw(numpy_strategies.arrays(kind, (length, n_columns), elements=elements))
        for length in lengths
    ]


def object_array(curves):
    array = np.empty(len(curves), object)
    array[:] = curves
    return array


def assert_holds(curves, arrays):
    assert isinstance(curves, LightCurves)
    assert len(curves) == len(arrays)
    for curve, array in zip(curves, arrays, strict=True):
        np.testing.assert_array_equal(curve, array)


# Taking in


@settings(max_examples=60, deadline=None)
@given(curves=lists_of_curves())
def test__as_light_curves__list_tuple_object_array__same_values(curves):
    for X in (curves, tuple(curves), object_array(curves)):
        assert holds_light_curves(X)
        assert_holds(as_light_curves(X), curves)
    assert_holds(as_light_curves(as_light_curves(curves).to_list()), curves)


@settings(max_examples=60, deadline=None)
@given(curves=lists_of_curves())
def test__as_light_curves__padded_array__padding_cut_off(curves):
    curves = [curve.astype(float) for curve in curves]
    padded = np.full((len(curves), 7, curves[0].shape[1]), np.nan)
    for row, curve in zip(padded, curves, strict=True):
        row[: len(curve)] = curve
    assert holds_light_curves(padded)
    assert_holds(as_light_curves(padded), curves)


def test__as_light_curves__padded_array_with_gaps__only_the_end_is_cut():
    nan = np.nan
    padded = np.array(
        [
            [[nan, nan], [1, 15], [nan, nan], [3, nan], [nan, nan]],
            [[nan, nan]] * 5,
            [[1, 2], [3, 4], [5, 6], [7, 8], [nan, 9]],
        ]
    )
    assert_holds(as_light_curves(padded), [padded[0, :4], padded[1, :0], padded[2]])


def test__as_light_curves__padded_integers__nothing_is_cut():
    assert_holds(as_light_curves(np.zeros((2, 3, 2), int)), [np.zeros((3, 2))] * 2)


def test__as_light_curves__many_curves__every_chunk_in_its_place():
    random = np.random.default_rng(0)
    curves = [random.normal(size=(length, 3)) for length in random.integers(0, 4, 1000)]
    result = as_light_curves(curves)
    np.testing.assert_array_equal(result.time, np.concatenate(curves)[:, 0])
    np.testing.assert_array_equal(result.error, np.concatenate(curves)[:, 2].astype(np.float32))
    np.testing.assert_array_equal(result.lengths, [len(curve) for curve in curves])


def test__as_light_curves__light_curves__returned_as_they_are():
    curves = as_light_curves([CURVE])
    assert holds_light_curves(curves)
    assert as_light_curves(curves) is curves


def test__as_light_curves__nested_lists_and_mixed_types__same_values():
    X = [CURVE.tolist(), CURVE.astype(int), CURVE[::2], np.asfortranarray(CURVE), tuple(CURVE)]
    assert holds_light_curves(X)
    assert_holds(as_light_curves(X), [CURVE, CURVE, CURVE[::2], CURVE, CURVE])


def test__as_light_curves__equal_lengths_made_objects_by_numpy__read_as_numbers():
    X = np.array([CURVE, CURVE + 1], dtype=object)
    assert X.ndim == 3
    assert_holds(as_light_curves(X), [CURVE, CURVE + 1])
    assert_holds(as_light_curves([CURVE.astype(object)]), [CURVE])


def test__as_light_curves__masked_arrays__masked_is_nan():
    masked = np.ma.masked_array(CURVE, mask=[[0, 0], [0, 1], [1, 0]])
    expected = np.array([[1, 15], [2, np.nan], [np.nan, 14]])
    assert_holds(as_light_curves([CURVE, masked]), [CURVE, expected])
    integers = np.ma.masked_array(CURVE.astype(int), mask=masked.mask)
    assert_holds(as_light_curves([integers]), [expected])
    assert_holds(as_light_curves(np.ma.stack([masked, masked])), [expected, expected])


def test__as_light_curves__input__left_as_it_was():
    X = [CURVE.copy(), CURVE.copy()]
    curves = as_light_curves(X)
    assert all(curve.flags.writeable for curve in X)
    X[0][:] = 0
    np.testing.assert_array_equal(curves[0], CURVE)


# A regular grid


def test__as_light_curves__two_dimensions__a_curve_per_row_and_a_day_per_column():
    grid = np.array([[15.0, np.nan, 16.0, 17.0], [1, 2, 3, 4]])
    for X in (grid, grid.tolist(), grid.astype(">f4"), np.asfortranarray(grid)):
        assert not holds_light_curves(X)
        curves = as_light_curves(X)
        days = np.arange(4)
        assert_holds(curves, [np.stack([days, row], axis=1) for row in grid])
        assert curves.error is None


def test__from_grid__one_curve_without_a_list__warns():
    for array in (CURVE, np.column_stack([CURVE, CURVE[:, 1]])):
        with pytest.warns(UserWarning, match=r"3 light curves of \d magnitudes.*pass.*\[X\]"):
            curves = LightCurves.from_grid(array)
        assert len(curves) == 3


@pytest.mark.parametrize(
    "array",
    [
        np.random.default_rng(0).normal(size=(50, 2)),
        CURVE[:2],
        CURVE[::-1],
        CURVE[[0, 1, 1, 2]],
        np.column_stack([CURVE, CURVE]),
        CURVE[:, :1],
        np.where(CURVE == 2, np.nan, CURVE),
    ],
)
def test__from_grid__other_arrays__no_warning(array):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(LightCurves.from_grid(array)) == len(array)


def test__from_grid__wrong_shape_or_infinite__says_so():
    with pytest.raises(ValueError, match=r"two dimensions.*\(3,\)"):
        LightCurves.from_grid(np.ones(3))
    with pytest.raises(ValueError, match=r"light curve 1: magnitude is infinite.*observation 2"):
        LightCurves.from_grid([[1, 2, 3], [4, 5, np.inf]])


# What is light curves and what is not


@pytest.mark.parametrize(
    "X",
    [
        [1.0, 2.0],
        [[1.0, 2.0], [3.0, 4.0]],
        [(1, 2), [3, 4]],
        [np.ones(3), np.ones(3)],
        np.ones(3),
        np.ones((3, 4)),
        np.ones((3, 4)).astype(object),
        np.ones((2, 2, 2, 2)),
        np.array(["a", "b"]),
        np.array(["a", "b"], dtype=object),
        np.array(1.0),
        [],
        ["ab", "c"],
        "light curves",
        {"time": [1, 2]},
        None,
        3.0,
        sparse.csr_array(np.eye(3)),
        object(),
        LightCurves,
    ],
    ids=repr,
)
def test__holds_light_curves__numbers_and_other_things__false(X):
    assert holds_light_curves(X) is False


@pytest.mark.parametrize(
    "X",
    [
        [CURVE],
        [CURVE.tolist()],
        [[], CURVE],
        [None, CURVE],
        [np.ones(3), CURVE],
        [np.ones(3), np.ones(4)],
        [[1.0, 2.0], [3.0]],
        (np.ones((0, 2)),),
        np.ones((2, 3, 4)),
    ],
    ids=repr,
)
def test__holds_light_curves__curves_perhaps_faulty__true(X):
    assert holds_light_curves(X) is True


# Faults are named


@pytest.mark.parametrize(
    ("curve", "problem", "message"),
    [
        (np.ones((4, 4)), ValueError, r"has shape \(4, 4\); expected \(L, 2\) = time, magnitude"),
        (np.ones((4, 1)), ValueError, r"has shape \(4, 1\)"),
        (CURVE_WITH_ERRORS.T[:, [0, 0, 0, 0]], ValueError, "Transpose"),
        (np.ones(3), ValueError, r"has shape \(3,\).*2-D array"),
        (np.ones((1, 3, 2)), ValueError, r"has shape \(1, 3, 2\)"),
        ([[1, 2], [3]], ValueError, "rows are not all of the same length"),
        (CURVE_WITH_ERRORS, ValueError, "has 3 columns but those before it have 2; give all"),
        (np.array([[1, np.inf]]), ValueError, "magnitude is infinite"),
        (np.array([[-np.inf, 1]]), ValueError, "time is infinite"),
        (np.array([[1, 1e39]]), ValueError, "too large for float32"),
        ([["1", "2"]], TypeError, "holds strings"),
        ([[b"1", b"2"]], TypeError, "holds strings"),
        (np.ones((3, 2), complex), TypeError, "holds complex numbers"),
        (np.ones((3, 2), bool), TypeError, "holds booleans"),
        (np.ones((3, 2), "M8[D]"), TypeError, "holds dates; convert them to days, as MJD"),
        (np.ones((3, 2), "m8[D]"), TypeError, "holds time differences"),
        (np.zeros(3, [("time", float), ("mag", float)]), TypeError, "named fields"),
        ([[1.0, None]], TypeError, "NaN where one is missing"),
        (np.array([[1.0, True]], object), TypeError, "Python objects"),
        (np.array([["1", "2"]], object), TypeError, "Python objects"),
        (None, TypeError, "is a NoneType; expected"),
        ("curve", TypeError, "is a str"),
        ({"time": [1]}, TypeError, "is a dict"),
        (1.0, TypeError, "is a float"),
    ],
)
def test__as_light_curves__one_wrong_curve__position_and_remedy(curve, problem, message):
    X = [CURVE, CURVE, curve]
    assert holds_light_curves(X)
    with pytest.raises(problem, match=f"light curve 2.*{message}"):
        as_light_curves(X)


def test__as_light_curves__infinite_error_in_padded_array__named():
    padded = np.ones((3, 4, 3))
    padded[1, 2, 2] = np.inf
    with pytest.raises(ValueError, match=r"light curve 1: error is infinite.*observation 2"):
        as_light_curves(padded)


@pytest.mark.parametrize("kind", [float, object])
def test__as_light_curves__padded_array_of_wrong_width__says_what_is_expected(kind):
    with pytest.raises(ValueError, match=r"shape \(2, 3, 4\); expected \(n_curves, L, 2\)"):
        as_light_curves(np.ones((2, 3, 4), kind))
    with pytest.raises(TypeError, match="padded array: holds strings"):
        as_light_curves(np.full((2, 3, 2), "a"))


@pytest.mark.parametrize(
    ("X", "shape"),
    [
        ([], r"\(0,\)"),
        (np.empty(0, object), r"\(0,\)"),
        (np.empty((0, 5)), r"\(0, 5\)"),
        (np.empty((0, 5, 2)), r"\(0, 5, 2\)"),
        (as_light_curves([CURVE])[:0], r"\(0,\)"),
    ],
)
def test__as_light_curves__no_curves__zero_samples(X, shape):
    message = rf"Found array with 0 sample\(s\) \(shape={shape}\) while a minimum of 1 is required"
    with pytest.raises(ValueError, match=message):
        as_light_curves(X)


@pytest.mark.parametrize("X", [None, sparse.csr_array(np.eye(3))])
def test__as_light_curves__something_else__type_error(X):
    with pytest.raises(TypeError, match="the array of magnitudes: holds"):
        as_light_curves(X)


@pytest.mark.parametrize(
    "X",
    [
        iter([CURVE]),
        {"time": [CURVE[:, 0]], "mag": [CURVE[:, 1]]},
        pl.LazyFrame({"time": [CURVE[:, 0]], "mag": [CURVE[:, 1]]}),
        pd.DataFrame(CURVE, columns=["time", "mag"]).assign(id=1).groupby("id"),
        dask.dataframe.from_pandas(pd.DataFrame({"time": [CURVE[:, 0]]}), npartitions=1),
    ],
    ids=lambda X: type(X).__name__,
)
def test__as_light_curves__not_there_yet__says_how_to_get_it(X):
    for read in (as_light_curves, random_embedder().transform):
        with pytest.raises(TypeError, match=f"from a {type(X).__name__} .*Make a list.*collect"):
            read(X)


@pytest.mark.parametrize("row", [(7, CURVE), [7, CURVE[:, 0], CURVE[:, 1]]], ids=["group", "row"])
def test__as_light_curves__rows_or_groups_of_a_table__position(row):
    with pytest.raises(ValueError, match="light curve 0: its rows are not all of the same length"):
        as_light_curves([row, row])


def test__as_light_curves__list_of_dicts__position():
    with pytest.raises(TypeError, match="light curve 0 is a dict; expected"):
        as_light_curves([{"time": [1.0], "mag": [15.0]}])


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
def test__as_light_curves__list_of_tables__columns_by_name(make):
    tables = [
        make({"flag": [1.0] * len(curve), "mag": curve[:, 1], "mjd": curve[:, 0]})
        for curve in (CURVE, CURVE_WITH_ERRORS)
    ]
    assert holds_light_curves(tables)
    assert_holds(as_light_curves(tables), [CURVE, CURVE_WITH_ERRORS[:, :2]])
