"""Ephemerides that light curves carry along: selected, joined and kept with them."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_astromer import LightCurves
from sklearn_astromer.light_curves import Ephemerides


def some_curves(n_curves: int) -> LightCurves:
    offsets = 3 * np.arange(n_curves + 1)
    return LightCurves(np.arange(3.0 * n_curves), np.ones(3 * n_curves), offsets=offsets)


def some_ephemerides(n_curves: int) -> Ephemerides:
    return Ephemerides(*(np.arange(n_curves) + 100.0 * row for row in range(6)))


@pytest.mark.parametrize(
    "key", [slice(1, 4), slice(None, None, 2), np.array([4, 0, 0]), np.arange(5) > 2, ...]
)
def test__getitem__light_curves_with_ephemerides__each_keeps_its_own(key: object) -> None:
    chosen = some_curves(5).with_ephemerides(some_ephemerides(5))[key]  # type: ignore[call-overload]
    positions = np.arange(5)[key]  # type: ignore[call-overload]
    assert_array_equal(chosen.ephemerides.period, positions)
    assert_array_equal(chosen.ephemerides.log_false_alarm, positions + 500.0)


def test__with_ephemerides__not_one_for_each__error_says_how_many() -> None:
    with pytest.raises(ValueError, match="there are 5 light curves and 4 ephemerides"):
        some_curves(5).with_ephemerides(some_ephemerides(4))


def test__with_ephemerides__none__are_gone_again_and_the_original_is_unchanged() -> None:
    with_them = some_curves(2).with_ephemerides(some_ephemerides(2))
    assert with_them.with_ephemerides(None).ephemerides is None
    assert with_them.ephemerides is not None
    assert np.shares_memory(with_them.time, with_them.with_ephemerides(None).time)


def test__concatenate__all_parts_know_them__joined_else_dropped() -> None:
    known = some_curves(2).with_ephemerides(some_ephemerides(2))
    joined = LightCurves.concatenate([known, known[1:]])
    assert joined.ephemerides is not None
    assert_array_equal(joined.ephemerides.epoch, [100, 101, 101])
    assert LightCurves.concatenate([known, some_curves(1)]).ephemerides is None


def test__pickle__light_curves_with_ephemerides__come_back() -> None:
    back = pickle.loads(pickle.dumps(some_curves(3).with_ephemerides(some_ephemerides(3))[1:]))
    assert_array_equal(back.ephemerides.scatter, [301, 302])
