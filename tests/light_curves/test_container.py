"""The container itself: checks, indexing, and life inside scikit-learn."""

from __future__ import annotations

import pickle

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    StratifiedKFold,
    cross_val_score,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.utils import resample

from sklearn_astromer.errors import LightCurveError
from sklearn_astromer.light_curves import LightCurves


def make_curves(lengths, errors=True, ids=True, seed=0):
    random = np.random.default_rng(seed)
    total = sum(lengths)
    magnitude = random.normal(15, 1, total)
    if total:
        magnitude[random.integers(0, total)] = np.nan
    return LightCurves(
        random.uniform(50_000, 51_000, total),
        magnitude,
        random.uniform(0.01, 0.1, total) if errors else None,
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(int),
        ids=[f"star {i}" for i in range(len(lengths))] if ids else None,
    )


def assert_holds(curves, arrays, ids=None):
    assert len(curves) == len(arrays)
    for curve, array in zip(curves, arrays, strict=True):
        np.testing.assert_array_equal(curve, array)
    if ids is not None:
        assert list(curves.ids) == list(ids)


lengths_of_curves = st.lists(st.integers(0, 6), max_size=8)


class MeanMagnitude(TransformerMixin, BaseEstimator):
    """Stands for an embedder: takes light curves, gives a table."""

    def fit(self, X, y=None):
        assert isinstance(X, LightCurves)
        return self

    def transform(self, X):
        return np.array([[np.nanmean(curve[:, 1]), len(curve)] for curve in X])


class Recorder(ClassifierMixin, BaseEstimator):
    """Predicts the class that is written into the magnitudes."""

    def fit(self, X, y):
        assert isinstance(X, LightCurves)
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.array([int(curve[0, 1]) for curve in X])


# Making


def test__light_curves__lists__typed_flat_arrays():
    curves = LightCurves([1, 2, 3], [4, 5, 6], [7, 8, 9], offsets=[0, 1, 3], ids=[10, 20])
    assert (curves.time.dtype, curves.magnitude.dtype) == (np.float64, np.float32)
    assert (curves.error.dtype, curves.offsets.dtype) == (np.float32, np.int64)
    np.testing.assert_array_equal(curves.lengths, [1, 2])
    np.testing.assert_array_equal(curves[1], [[2, 5, 8], [3, 6, 9]])
    assert curves.shape == (2,)
    assert len(curves) == 2


def test__light_curves__arrays_of_right_type__not_copied_and_left_writable():
    time, magnitude = np.arange(4.0), np.ones(4, np.float32)
    curves = LightCurves(time, magnitude, offsets=np.array([0, 4]))
    assert np.shares_memory(curves.time, time)
    assert np.shares_memory(curves.magnitude, magnitude)
    assert time.flags.writeable
    assert magnitude.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        curves.time[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        curves[0:1].magnitude[0] = 1


@pytest.mark.parametrize("kind", [">f8", ">f4", "<f4", "i2", "u1", "f2"])
def test__light_curves__other_number_types__same_values(kind):
    values = np.array([3, 1, 2], kind)[::-1]
    values.flags.writeable = False
    curves = LightCurves(values, values, values, offsets=[0, 3])
    np.testing.assert_array_equal(curves[0], np.array([[2.0] * 3, [1.0] * 3, [3.0] * 3]))


@pytest.mark.parametrize("name", ["time", "magnitude", "error"])
@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test__light_curves__infinite_value__named_with_curve_and_observation(name, value):
    columns = {column: np.ones(6) for column in ("time", "magnitude", "error")}
    columns[name][4] = value
    with pytest.raises(
        ValueError, match=rf"light curve 2: {name} is infinite.*observation 1; replace it by NaN"
    ):
        LightCurves(**columns, offsets=[0, 3, 3, 6])


def test__light_curves__magnitude_beyond_float32__refused():
    with pytest.raises(ValueError, match=r"light curve 0: magnitude is infinite \(or too large"):
        LightCurves([1.0], [1e300], offsets=[0, 1])


@pytest.mark.parametrize(
    ("offsets", "message"),
    [
        ([], "expected"),
        ([[0, 3]], "expected"),
        ([1, 3], "from 0 to the number of observations, 3"),
        ([0, 2], "go from 0 to 2"),
        ([0, 2, 1, 3], "light curve 1"),
    ],
)
def test__light_curves__wrong_offsets__value_error(offsets, message):
    with pytest.raises(ValueError, match=message):
        LightCurves(np.ones(3), np.ones(3), offsets=np.array(offsets, int))


def test__light_curves__offsets_not_integers__type_error():
    with pytest.raises(TypeError, match="integers"):
        LightCurves(np.ones(3), np.ones(3), offsets=[0.0, 3.0])


@pytest.mark.parametrize(
    ("columns", "problem", "message"),
    [
        ({"magnitude": np.ones(2)}, ValueError, "time has 3 observations but magnitude has 2"),
        ({"error": np.ones(4)}, ValueError, "error has 4"),
        ({"time": np.ones((3, 1))}, ValueError, r"time has shape \(3, 1\)"),
        ({"time": ["a", "b", "c"]}, TypeError, "time: holds strings"),
        ({"magnitude": np.ones(3, complex)}, TypeError, "magnitude: holds complex"),
        ({"magnitude": np.ones(3, bool)}, TypeError, "magnitude: holds booleans"),
        ({"time": np.zeros(3, "M8[s]")}, TypeError, "time: holds dates; convert them to days"),
        ({"ids": [1, 2]}, ValueError, r"ids has shape \(2,\)"),
    ],
)
def test__light_curves__columns_that_do_not_fit__named(columns, problem, message):
    given = {"time": np.ones(3), "magnitude": np.ones(3), "error": np.ones(3)} | columns
    with pytest.raises(problem, match=message):
        LightCurves(**given, offsets=[0, 3])


def test__n_finite__gaps_and_empty_curves__counted_per_curve():
    curves = LightCurves(
        [1, np.nan, 3, 4, 5, 6],
        [1, 2, np.nan, 4, np.nan, 6],
        [np.nan] * 6,
        offsets=[0, 0, 3, 4, 5, 5, 6, 6],
    )
    assert curves.n_finite.dtype == np.int64
    np.testing.assert_array_equal(curves.n_finite, [0, 1, 1, 0, 0, 1, 0])
    np.testing.assert_array_equal(curves[curves.n_finite > 0].lengths, [3, 1, 1])


def test__repr__errors_and_none__says_what_is_held():
    assert repr(make_curves([2, 4])) == (
        "LightCurves(2 light curves, 6 observations, median length 3, with errors)"
    )
    assert repr(make_curves([1200], errors=False)) == (
        "LightCurves(1 light curve, 1,200 observations, median length 1200, without errors)"
    )
    assert repr(make_curves([])) == "LightCurves(0 light curves, 0 observations, with errors)"


# Indexing


@pytest.mark.parametrize("lengths", [[3, 5, 2, 4], [3, 3, 3, 3]])
@pytest.mark.parametrize(
    "ask",
    [
        np.asarray,
        lambda curves: RandomForestClassifier().fit(curves, [0, 1, 0, 1]),
        lambda curves: BaggingClassifier(LogisticRegression()).fit(curves, [0, 1, 0, 1]),
    ],
    ids=["numpy", "forest", "bagging"],
)
def test__array__who_wants_a_table_of_numbers__told_to_embed(ask, lengths) -> None:
    with pytest.raises(TypeError, match=r"4 light curves, .* are no table of numbers.*pretrained"):
        ask(make_curves(lengths))


@settings(max_examples=60, deadline=None)
@given(lengths=lengths_of_curves, data=st.data(), errors=st.booleans())
def test__getitem__any_key__same_as_a_list(lengths, data, errors):
    curves = make_curves(lengths, errors=errors)
    arrays, n = curves.to_list(), len(lengths)
    limits = st.none() | st.integers(-10, 10)
    step = st.none() | st.integers(-3, 3).filter(bool)
    cut = slice(data.draw(limits), data.draw(limits), data.draw(step))
    assert_holds(curves[cut], arrays[cut], curves.ids[cut])

    chosen = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)), bool)
    expected = [array for array, take in zip(arrays, chosen, strict=True) if take]
    assert_holds(curves[chosen], expected, curves.ids[chosen])
    if n:
        positions = data.draw(st.lists(st.integers(-n, n - 1), max_size=12))
        expected = [arrays[position] for position in positions]
        kind = data.draw(st.sampled_from([np.int64, np.int8, list, tuple]))
        if kind is tuple:
            key = (np.array(positions, int), Ellipsis)
        elif kind is list:
            key = positions
        else:
            key = np.array(positions, kind)
        part = curves[key]
        assert_holds(part, expected, [curves.ids[position] for position in positions])
        # A selection of a selection must not remember the whole.
        assert_holds(part[::-1], expected[::-1])


def test__getitem__integer_of_any_kind__array_of_the_curve():
    curves = make_curves([3, 0, 2])
    for key in (2, -1, np.int8(2), np.array(2), (2,), (2, ...)):
        curve = curves[key]
        assert curve.dtype == np.float64
        assert curve.shape == (2, 3)
        np.testing.assert_array_equal(curve[:, 0], curves.time[3:])
    assert curves[1].shape == (0, 3)
    assert make_curves([4], errors=False)[0].shape == (4, 2)
    curves[0][:] = 0
    assert curves.time[0] > 0


def test__getitem__list_of_booleans__selects():
    np.testing.assert_array_equal(make_curves([3, 1, 2])[[True, False, True]].lengths, [3, 2])


def test__with_ids__as_many__go_along_and_nothing_is_copied():
    curves = make_curves([3, 0, 2])
    named = curves.with_ids([7, 8, 9])
    assert named[1:].ids.tolist() == [8, 9]
    assert np.shares_memory(named.time, curves.time)
    with pytest.raises(LightCurveError, match=r"ids has shape \(2,\)"):
        curves.with_ids([7, 8])


def test__getitem__ellipsis_and_neighbours__no_copy():
    curves = make_curves([3, 1, 2])
    assert curves[...] is curves
    assert np.shares_memory(curves[1:].time, curves.time)


@pytest.mark.parametrize(
    ("key", "problem", "message"),
    [
        (3, IndexError, "light curve 3 is out of range: there are 3"),
        (-4, IndexError, "light curve -4 is out of range"),
        ([0, 3], IndexError, "light curve 3 is out of range"),
        ([-4], IndexError, "light curve -4 is out of range"),
        ([True, False], IndexError, "2 entries but there are 3"),
        ([0.0, 1.0], IndexError, "integers or booleans"),
        (["a"], IndexError, "integers or booleans"),
        ([[0]], IndexError, "one axis"),
        ((0, 1), IndexError, "one axis"),
        (True, IndexError, "one axis"),
        (1.0, TypeError, "got a float"),
        ("a", TypeError, "got a str"),
        (None, TypeError, "got a NoneType"),
    ],
)
def test__getitem__wrong_key__says_why(key, problem, message):
    with pytest.raises(problem, match=message):
        make_curves([3, 1, 2])[key]


# Joining and storing


@settings(max_examples=30, deadline=None)
@given(parts=st.lists(lengths_of_curves, min_size=1, max_size=4))
def test__concatenate__parts__one_after_another(parts):
    curves = [make_curves(lengths, seed=seed) for seed, lengths in enumerate(parts)]
    arrays = [array for part in curves for array in part]
    ids = [name for part in curves for name in part.ids]
    assert_holds(LightCurves.concatenate(iter(curves)), arrays, ids)


def test__concatenate__errors_and_ids_in_some_parts__nan_and_dropped():
    with_errors, without = make_curves([2]), make_curves([1, 2], errors=False, ids=False)
    joined = LightCurves.concatenate([without, with_errors])
    assert np.isnan(joined.error[:3]).all()
    np.testing.assert_array_equal(joined.error[3:], with_errors.error)
    assert joined.ids is None
    assert LightCurves.concatenate([without, without]).error is None


def test__concatenate__ids_of_different_kinds__kept_as_they_are():
    parts = [LightCurves([1], [1], offsets=[0, 1], ids=ids) for ids in ([7], ["a"])]
    assert LightCurves.concatenate(parts).ids.tolist() == [7, "a"]


def test__concatenate__nothing_or_no_light_curves__says_so():
    with pytest.raises(ValueError, match="empty"):
        LightCurves.concatenate([])
    with pytest.raises(TypeError, match="part 1 is a list"):
        LightCurves.concatenate([make_curves([1]), [1]])


def test__pickle__whole_and_part__same_and_read_only(tmp_path):
    curves = make_curves([3, 0, 5])
    joblib.dump(curves, tmp_path / "curves.joblib")
    for again in (
        pickle.loads(pickle.dumps(curves)),
        joblib.load(tmp_path / "curves.joblib"),
        joblib.load(tmp_path / "curves.joblib", mmap_mode="r"),
    ):
        assert_holds(again, curves.to_list(), curves.ids)
        assert not again.time.flags.writeable
    assert len(pickle.dumps(make_curves([10_000, 1])[1:])) < 2000


# scikit-learn


def test__train_test_split__stratified__curves_follow_their_labels():
    curves = make_curves([5] * 20)
    labels = np.arange(20) % 2
    train, test, y_train, y_test, ids_train, _ = train_test_split(
        curves, labels, curves.ids, test_size=0.25, stratify=labels, random_state=0
    )
    assert isinstance(train, LightCurves)
    assert (len(train), len(test)) == (15, 5)
    assert train.ids.tolist() == ids_train.tolist()
    position = {name: i for i, name in enumerate(curves.ids)}
    for part, y in ((train, y_train), (test, y_test)):
        assert [position[name] % 2 for name in part.ids] == y.tolist()
        np.testing.assert_array_equal(part[0], curves[position[part.ids[0]]])


def test__resample__with_replacement__repeated_curves():
    curves = make_curves([1, 2, 3])
    drawn = resample(curves, n_samples=10, random_state=0)
    lengths = {name: i + 1 for i, name in enumerate(curves.ids)}
    assert drawn.lengths.tolist() == [lengths[name] for name in drawn.ids]


def test__kfold__split__every_curve_tested_once():
    curves = make_curves([2] * 7)
    tested = [name for _, test in KFold(3).split(curves) for name in curves[test].ids]
    assert sorted(tested) == sorted(curves.ids)


def test__cross_val_score__class_written_in_the_magnitudes__all_right():
    labels = np.arange(12) % 3
    curves = LightCurves(np.arange(24), np.repeat(labels, 2), offsets=np.arange(13) * 2)
    scores = cross_val_score(Recorder(), curves, labels, cv=StratifiedKFold(2), error_score="raise")
    assert scores.tolist() == [1.0, 1.0]


def test__grid_search__pipeline__fits_and_scores():
    curves = make_curves([3] * 10 + [30] * 10)
    labels = np.repeat([0, 1], 10)
    pipe = make_pipeline(MeanMagnitude(), LogisticRegression())
    search = GridSearchCV(pipe, {"logisticregression__C": [0.1, 1.0]}, cv=2, error_score="raise")
    assert search.fit(curves, labels).best_score_ == 1.0
