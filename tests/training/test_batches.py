"""Batches: zero means over real observations, padding marked, nothing else in the numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from example_curves import random_curves

from sklearn_astromer.light_curves import as_light_curves
from sklearn_astromer.network import NetworkConfig
from sklearn_astromer.training.batches import Batch, DeviceObservations
from sklearn_astromer.windows import Windows, consecutive_windows, usable_observations

CPU = torch.device("cpu")


def batch_of(
    lengths: list[int], *, shift: tuple[float, float] = (0.0, 0.0), **config: object
) -> tuple[Batch, list[np.ndarray], Windows]:
    curves = [curve + np.array(shift) for curve in random_curves(lengths)]
    observations = usable_observations(as_light_curves(curves))
    settings = NetworkConfig(embedding_size=8, window_size=10, **config)  # type: ignore[arg-type]
    windows = consecutive_windows(observations.offsets, settings.window_size)
    pieces = np.split(np.concatenate(curves), windows.start[1:])
    return DeviceObservations(observations, settings, CPU).batch(windows), pieces, windows


@pytest.mark.parametrize("attention", ["exclude", "additive"])
def test__batch__ragged_windows__hold_centred_observations_and_zeros(attention: str) -> None:
    batch, pieces, _ = batch_of([10, 3, 1, 7], attention=attention)
    assert batch.padding is not None
    assert batch.time.dtype == torch.float64
    assert batch.magnitude.dtype == torch.float32
    for row, piece in enumerate(pieces):
        n = len(piece)
        centred = piece - piece.mean(0)
        np.testing.assert_allclose(batch.time[row, :n], centred[:, 0], rtol=0, atol=1e-12)
        np.testing.assert_allclose(batch.magnitude[row, :n], centred[:, 1], rtol=0, atol=1e-7)
        assert not bool(batch.time[row, n:].any())
        assert not bool(batch.magnitude[row, n:].any())
        assert batch.padding[row].tolist() == [False] * n + [True] * (10 - n)
        assert float(batch.mean_magnitude[row]) == pytest.approx(piece[:, 1].mean(), abs=1e-12)
    assert batch.length.tolist() == [10, 3, 1, 7]


def test__batch__positions__point_at_the_observations() -> None:
    batch, pieces, windows = batch_of([4, 13, 2])
    assert batch.padding is not None
    for row, piece in enumerate(pieces):
        expected = windows.start[row] + np.arange(len(piece))
        np.testing.assert_array_equal(batch.position[row][~batch.padding[row]], expected)
    assert int(batch.position.max()) < 19


def test__batch__equal_lengths__has_no_padding() -> None:
    batch, _, _ = batch_of([6, 6])
    assert batch.padding is None
    assert batch.repeats is None
    assert batch.time.shape == (2, 6)
    assert sorted(batch.inputs()) == ["magnitude", "time"]


def test__batch__additive__one_position_stands_for_all_padding() -> None:
    batch, _, _ = batch_of([6, 4, 1], attention="additive")
    assert batch.time.shape == (3, 7)
    assert batch.repeats is not None
    assert batch.repeats.tolist() == [
        [0, 0, 0, 0, 0, 0, 4],
        [0, 0, 0, 0, 6, 0, 0],
        [0, 9, 0, 0, 0, 0, 0],
    ]


def test__batch__additive_full_windows__need_no_padding() -> None:
    batch, _, _ = batch_of([10, 20], attention="additive")
    assert batch.padding is None
    assert batch.repeats is None


def test__batch__additive_with_one_full_window__is_no_wider_than_the_window() -> None:
    batch, _, _ = batch_of([10, 9], attention="additive")
    assert batch.time.shape == (2, 10)
    assert batch.repeats is not None
    assert batch.repeats[1].tolist() == [0] * 9 + [1]


def test__batch__zero_points_far_away__lose_no_digits() -> None:
    here, _, _ = batch_of([10, 7])
    there, _, _ = batch_of([10, 7], shift=(2_450_000.0, 0.0))
    assert float((here.time - there.time).abs().max()) < 1e-9
    assert torch.equal(here.magnitude, there.magnitude)


def test__device_observations__read_only_memory__is_taken_without_a_warning() -> None:
    observations = usable_observations(as_light_curves(random_curves([5])))
    assert not observations.time.flags.writeable
    config = NetworkConfig(embedding_size=8)
    assert DeviceObservations(observations, config, CPU).time.tolist() == observations.time.tolist()
