"""Windows: every observation in exactly one, in order, and grouped by length."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_astromer.light_curves import Ephemerides, LightCurves
from sklearn_astromer.windows import (
    batches_of_like_length,
    chosen_curves,
    consecutive_windows,
    random_windows,
    usable_observations,
)

LENGTHS = st.lists(st.integers(1, 60), min_size=1, max_size=12)


def offsets_of(lengths: list[int]) -> np.ndarray:
    return np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)


@given(LENGTHS, st.integers(1, 25))
def test__consecutive_windows__any_lengths__cover_each_observation_once(
    lengths: list[int], window_size: int
) -> None:
    offsets = offsets_of(lengths)
    windows = consecutive_windows(offsets, window_size)
    covered = [np.arange(s, s + n) for s, n in zip(windows.start, windows.length, strict=True)]
    np.testing.assert_array_equal(np.concatenate(covered), np.arange(offsets[-1]))
    assert windows.length.min() >= 1
    assert windows.length.max() <= window_size
    assert (windows.start >= offsets[windows.curve]).all()
    assert (windows.start + windows.length <= offsets[windows.curve + 1]).all()
    np.testing.assert_array_equal(
        np.bincount(windows.curve), [-(-length // window_size) for length in lengths]
    )


def test__windows__slice__takes_the_same_of_every_column() -> None:
    windows = consecutive_windows(offsets_of([7, 2, 5]), 3)[1:4]
    assert len(windows) == 3
    assert windows.start.tolist() == [3, 6, 7]
    assert windows.length.tolist() == [3, 1, 2]
    assert windows.curve.tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("n_observations", "expected"),
    [(1, [1]), (200, [200]), (201, [200, 1]), (400, [200, 200]), (450, [200, 200, 50])],
)
def test__consecutive_windows__around_multiples__no_row_more_or_less(
    n_observations: int, expected: list[int]
) -> None:
    windows = consecutive_windows(offsets_of([n_observations]), 200)
    assert windows.length.tolist() == expected


def test__random_windows__long_curves__every_start_is_drawn_equally_often() -> None:
    lengths = np.full(20000, 13)
    windows = random_windows(offsets_of(list(lengths)), 10, np.random.RandomState(0))
    first = windows.start - offsets_of(list(lengths))[:-1]
    counts = np.bincount(first)
    assert len(counts) == 4
    assert np.abs(counts - 5000).max() < 5 * np.sqrt(5000)
    assert (windows.length == 10).all()
    np.testing.assert_array_equal(windows.curve, np.arange(20000))


def test__random_windows__short_curves__are_taken_whole() -> None:
    windows = random_windows(offsets_of([1, 9, 10]), 10, np.random.RandomState(0))
    assert windows.start.tolist() == [0, 1, 10]
    assert windows.length.tolist() == [1, 9, 10]


@given(LENGTHS, st.integers(1, 5))
def test__batches_of_like_length__any__hold_each_window_once_and_longest_first(
    lengths: list[int], batch_size: int
) -> None:
    batches = batches_of_like_length(np.array(lengths), batch_size)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    assert max(len(batch) for batch in batches) <= batch_size
    in_order = np.array(lengths)[np.concatenate(batches)]
    assert (np.diff(in_order) <= 0).all()


def test__usable_observations__nan__are_left_out_and_positions_are_kept() -> None:
    curves = LightCurves(
        [3.0, 1.0, np.nan, 2.0, 5.0, 4.0],
        [13.0, 11.0, 1.0, np.nan, 15.0, 14.0],
        offsets=[0, 4, 6],
    )
    observations = usable_observations(curves)
    assert observations.time.tolist() == [1.0, 3.0, 4.0, 5.0]
    assert observations.magnitude.tolist() == [11.0, 13.0, 14.0, 15.0]
    assert observations.position.tolist() == [1, 0, 5, 4]
    assert observations.offsets.tolist() == [0, 2, 4]


@given(st.lists(st.lists(st.integers(0, 6), min_size=1, max_size=8), min_size=1, max_size=6))
def test__usable_observations__any_times__each_curve_is_sorted_on_its_own(
    times: list[list[int]],
) -> None:
    flat = np.concatenate(times).astype(float)
    # At most 48, all different, and none that looks like a flux.
    magnitude = np.random.RandomState(0).permutation(len(flat)).astype(np.float32) / 2
    offsets = offsets_of([len(part) for part in times])
    observations = usable_observations(LightCurves(flat, magnitude, offsets=offsets))
    for i, (begin, end) in enumerate(itertools.pairwise(offsets)):
        order = begin + np.lexsort((magnitude[begin:end], flat[begin:end]))
        np.testing.assert_array_equal(observations.position[begin:end], order, err_msg=str(i))
    np.testing.assert_array_equal(observations.time, flat[observations.position])
    np.testing.assert_array_equal(observations.magnitude, magnitude[observations.position])


def test__usable_observations__sorted_curves__copy_nothing() -> None:
    # Equal times with rising and with equal magnitudes, small steps, and falling magnitudes.
    time = [5.0, 5.0, 5.5, 6.0, 6.0, 1.0, 2.0]
    magnitude = [1.0, 1.5, 1.25, 1.0, 1.0, 3.0, 4.0]
    curves = LightCurves(time, magnitude, offsets=[0, 5, 7])
    assert np.shares_memory(usable_observations(curves).time, curves.time)


def test__usable_observations__no_curves__as_scikit_learn_says_it() -> None:
    message = r"^Found array with 0 sample\(s\) \(shape=\(0,\)\) while a minimum of 1 is required"
    with pytest.raises(ValueError, match=message):
        usable_observations(LightCurves([], [], offsets=[0]))


def test__usable_observations__curve_without_measurement__error_names_it_and_the_remedy() -> None:
    curves = LightCurves([1.0, 2.0, 3.0], [1.0, np.nan, 3.0], offsets=[0, 1, 2, 3, 3])
    message = (
        r"^2 of 4 light curves \(position 1, 3\) have no observation with a finite time and "
        r"magnitude\. Leave them out: with curves = as_light_curves\(X\), take "
        r"curves\[curves\.n_finite > 0\]\.$"
    )
    with pytest.raises(ValueError, match=message):
        usable_observations(curves)
    usable_observations(curves[curves.n_finite > 0])


def test__usable_observations__errors__go_with_their_observations() -> None:
    curves = LightCurves(
        [3.0, 1.0, 2.0, 5.0], [13.0, 11.0, np.nan, 15.0], [0.3, 0.1, 0.2, 0.5], offsets=[0, 3, 4]
    )
    error = usable_observations(curves).error
    assert error is not None
    np.testing.assert_array_equal(error, np.array([0.1, 0.3, 0.5], np.float32))


def test__usable_observations__many_empty_curves__only_the_first_are_listed() -> None:
    five = LightCurves([1.0], [1.0], offsets=[0, 0, 0, 0, 0, 0, 1])
    with pytest.raises(ValueError, match=r"5 of 6 .* \(position 0, 1, 2, 3, 4\)"):
        usable_observations(five)
    six = LightCurves([1.0], [1.0], offsets=[0, 0, 0, 0, 0, 0, 0, 1])
    with pytest.raises(ValueError, match=r"6 of 7 .* \(position 0, 1, 2, 3, 4, \.\.\.\)"):
        usable_observations(six)


def test__usable_observations__one_curve_unsorted__the_others_keep_their_order() -> None:
    # Equal times in order of magnitude, a step back at the border of two curves, and one inside.
    curves = LightCurves([7.0, 7.0, 1.0, 3.0, 2.0], [1.0, 2.0, 5.0, 4.0, 6.0], offsets=[0, 2, 5])
    observations = usable_observations(curves)
    assert observations.position.tolist() == [0, 1, 2, 4, 3]
    assert observations.position.dtype == observations.offsets.dtype == np.int64


@pytest.mark.parametrize("known", [True, False])
def test__chosen_curves__any_order__all_that_belongs_to_them_and_no_more(known: bool) -> None:
    lengths = [2, 3, 1]
    random = np.random.RandomState(0)
    time, magnitude, error = random.randn(3, 6)
    curves = LightCurves(time, magnitude, error if known else None, offsets=offsets_of(lengths))
    observations = usable_observations(curves)
    if known:
        observations = replace(observations, ephemerides=Ephemerides(*random.rand(6, 3)))
    chosen = chosen_curves(observations, np.array([2, 0]))
    assert chosen.offsets.tolist() == [0, 1, 3]
    assert chosen.offsets.dtype == np.int64
    place = [5, 0, 1]
    for name in ("time", "magnitude", "position"):
        expected = getattr(observations, name)[place]
        np.testing.assert_array_equal(getattr(chosen, name), expected, err_msg=name)
    if not known:
        assert chosen.error is None
        assert chosen.ephemerides is None
        return
    np.testing.assert_array_equal(chosen.error, observations.error[place])
    assert chosen.ephemerides.period.tolist() == observations.ephemerides.period[[2, 0]].tolist()


def test__batches_of_like_length__equal_lengths__keep_their_order() -> None:
    lengths = np.random.RandomState(0).randint(1, 4, 5000)
    batches = batches_of_like_length(lengths, 1500)
    in_order = np.concatenate([np.flatnonzero(lengths == length) for length in (3, 2, 1)])
    np.testing.assert_array_equal(np.concatenate(batches), in_order)
    assert [len(batch) for batch in batches] == [1500, 1500, 1500, 500]
