"""Labelled windows: one of each curve per epoch, or all of them, with targets and weights."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from example_curves import Curve, random_curves
from example_heads import WINDOW_SIZE, observations_on_cpu
from torch import Tensor

from sklearn_astromer.training.labelled import (
    LabelledWindows,
    RawWindows,
    StoredFeatures,
    WindowInputs,
)
from sklearn_astromer.windows import Windows, consecutive_windows

LENGTHS = [30, 12, 5, 61, 20, 2, 40, 1, 18]
CURVES = random_curves(LENGTHS)
OFFSETS = np.concatenate(([0], np.cumsum(LENGTHS))).astype(np.int64)
EVERYTHING = np.arange(len(LENGTHS))
WEIGHT = torch.tensor([3.0, 1.0, 2.0, 1.0, 0.0, 5.0, 1.0, 1.0, 4.0])

Row = tuple[dict[str, Tensor], float, float]


def raw_source() -> RawWindows:
    return RawWindows(observations_on_cpu(CURVES))


def numbered_source(*, sequence: bool) -> StoredFeatures:
    """What is stored of each window, or observation, is its own number."""
    windows = consecutive_windows(OFFSETS, WINDOW_SIZE)
    n_rows = sum(LENGTHS) if sequence else len(windows)
    features = torch.arange(n_rows, dtype=torch.float32)[:, None] * torch.ones(4)
    return StoredFeatures(features, windows, sequence=sequence)


def labelled(
    source: WindowInputs,
    curves: np.ndarray = EVERYTHING,
    *,
    seed: int | None,
    batch_size: int = 4,
) -> LabelledWindows:
    """Windows whose target is 100 and the number of the curve."""
    return LabelledWindows(
        source,
        np.asarray(curves, dtype=np.int64),
        torch.arange(len(LENGTHS)) + 100,
        WEIGHT,
        batch_size=batch_size,
        random_state=None if seed is None else np.random.RandomState(seed),
    )


def rows_of(windows: LabelledWindows) -> Iterator[Row]:
    """Go through one epoch, window by window."""
    for inputs, (target, weight) in windows:
        assert len(target) == len(weight) == len(inputs["length"])
        for k in range(len(target)):
            yield {name: value[k] for name, value in inputs.items()}, target[k].item(), weight[k]


def place_of(inputs: dict[str, Tensor], curve: Curve) -> int:
    """Find where a window was cut from a curve, by its magnitudes and times."""
    n = int(inputs["length"])
    for first in range(len(curve) - n + 1):
        part = curve[first : first + n] - curve[first : first + n].mean(0)
        if np.allclose(inputs["magnitude"][:n], part[:, 1], rtol=0, atol=1e-5):
            np.testing.assert_allclose(inputs["time"][:n], part[:, 0], rtol=0, atol=1e-9)
            return first
    raise AssertionError("a window that is not from its curve")


def test__training__raw_windows__are_one_of_each_curve_and_lie_in_it() -> None:
    windows = labelled(raw_source(), seed=0)
    places = []
    for _ in range(20):
        of_epoch = {}
        for inputs, target, _ in rows_of(windows):
            curve = int(target) - 100
            assert int(inputs["length"]) == min(LENGTHS[curve], WINDOW_SIZE)
            of_epoch[curve] = place_of(inputs, CURVES[curve])
        assert sorted(of_epoch) == EVERYTHING.tolist()
        places.append([of_epoch[curve] for curve in EVERYTHING])
    n_places = np.array([len(set(column)) for column in zip(*places, strict=True)])
    short = np.array(LENGTHS) <= WINDOW_SIZE
    assert (n_places[short] == 1).all()
    # Of eleven places and more, twenty draws.
    assert (n_places[~short] >= 6).all()


def test__training__order__is_new_in_each_epoch_and_repeatable() -> None:
    first, again = labelled(raw_source(), seed=0), labelled(raw_source(), seed=0)
    epochs = [[target for _, target, _ in rows_of(windows)] for windows in (first, first, again)]
    assert epochs[0] != epochs[1]
    assert epochs[0] == epochs[2]
    assert epochs[0] != [target for _, target, _ in rows_of(labelled(raw_source(), seed=1))]


@pytest.mark.parametrize("sequence", [False, True])
def test__training__stored_features__are_those_of_one_consecutive_window_of_each_curve(
    sequence: bool,
) -> None:
    windows = labelled(numbered_source(sequence=sequence), seed=0)
    all_windows = consecutive_windows(OFFSETS, WINDOW_SIZE)
    seen = np.zeros(len(all_windows), dtype=int)
    n_epochs = 100
    for _ in range(n_epochs):
        curves = []
        for inputs, target, _ in rows_of(windows):
            curve, n = int(target) - 100, int(inputs["length"])
            curves.append(curve)
            features = inputs["features"].numpy()
            if sequence:
                start = int(features[0, 0])
                assert (start - OFFSETS[curve]) % WINDOW_SIZE == 0
                expected = np.arange(start, start + n)
                np.testing.assert_array_equal(features[:n], expected[:, None] * np.ones(4))
                window = np.flatnonzero(all_windows.start == start).item()
            else:
                window = int(features[0])
                np.testing.assert_array_equal(features, np.full(4, window))
            assert all_windows.curve[window] == curve
            assert all_windows.length[window] == n
            seen[window] += 1
        assert sorted(curves) == EVERYTHING.tolist()
    # Each window of a curve as often as the others: within five standard deviations.
    share = 1 / np.bincount(all_windows.curve)[all_windows.curve]
    spread = np.sqrt(n_epochs * share * (1 - share))
    assert (np.abs(seen - n_epochs * share) <= 5 * spread).all()


@pytest.mark.parametrize("kind", ["raw", "pooled", "sequence"])
def test__validation__windows__cover_each_observation_once_in_order(kind: str) -> None:
    source = raw_source() if kind == "raw" else numbered_source(sequence=kind == "sequence")
    windows = labelled(source, [6, 0, 3], seed=None)
    for _ in range(2):
        rows = list(rows_of(windows))
        assert len(rows) == len(windows) == 2 + 4 + 2
        assert [target for _, target, _ in rows] == [100] * 2 + [103] * 4 + [106] * 2
        assert [int(inputs["length"]) for inputs, _, _ in rows] == [20, 10, 20, 20, 20, 1, 20, 20]
        firsts = [0, 20, 0, 20, 40, 60, 0, 20]
        for (inputs, target, _), first in zip(rows, firsts, strict=True):
            curve = int(target) - 100
            if kind == "raw":
                # A single observation, minus its mean, could be anywhere.
                if first != 60:
                    assert place_of(inputs, CURVES[curve]) == first
            elif kind == "sequence":
                assert inputs["features"][0, 0] == OFFSETS[curve] + first
            else:
                n_before = sum(-(-n // WINDOW_SIZE) for n in LENGTHS[:curve])
                assert inputs["features"][0] == n_before + first // WINDOW_SIZE


@pytest.mark.parametrize("curves", [EVERYTHING, np.array([0, 3, 8])])
def test__training__weights__are_scaled_to_a_mean_of_one(curves: np.ndarray) -> None:
    windows = labelled(raw_source(), curves, seed=0)
    assert len(windows) == len(curves)
    weight = {int(target) - 100: float(weight) for _, target, weight in rows_of(windows)}
    assert sorted(weight) == curves.tolist()
    mean = WEIGHT[curves].mean()
    for curve, value in weight.items():
        assert value == pytest.approx(float(WEIGHT[curve] / mean))


def test__validation__weights__are_shared_by_the_windows_of_a_curve() -> None:
    curves = [0, 3, 5, 6]
    rows = list(rows_of(labelled(raw_source(), np.array(curves), seed=None)))
    weight = np.array([float(weight) for _, _, weight in rows])
    curve = np.array([int(target) - 100 for _, target, _ in rows])
    assert weight.mean() == pytest.approx(1)
    of_curve = np.bincount(curve, weights=weight)[curves]
    np.testing.assert_allclose(of_curve / of_curve.sum(), WEIGHT[curves] / WEIGHT[curves].sum())
    for number in curves:
        assert len(set(weight[curve == number])) == 1


def test__batches__sizes__are_what_was_asked() -> None:
    for batch_size, sizes in ((4, [4, 4, 1]), (9, [9]), (100, [9]), (1, [1] * 9)):
        batches = list(labelled(raw_source(), seed=0, batch_size=batch_size))
        assert [len(target) for _, (target, _) in batches] == sizes


def test__stored_features__last_window_of_all__does_not_read_beyond_the_end() -> None:
    source = numbered_source(sequence=True)
    windows = Windows(np.array([0, sum(LENGTHS) - 18]), np.array([20, 18]), np.array([0, 8]))
    features = source.inputs(windows)["features"]
    assert features.shape == (2, 20, 4)
    np.testing.assert_array_equal(features[1, :18, 0], np.arange(sum(LENGTHS) - 18, sum(LENGTHS)))
