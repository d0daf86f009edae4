"""Running over windows: memory that runs out costs time and nothing else."""

from __future__ import annotations

import logging
import threading

import numpy as np
import pytest
import torch
from example_curves import random_curves
from torch import Tensor

from sklearn_astromer.light_curves import as_light_curves
from sklearn_astromer.network import NetworkConfig
from sklearn_astromer.training import inference
from sklearn_astromer.training.batches import Batch, DeviceObservations
from sklearn_astromer.training.inference import WindowRunner
from sklearn_astromer.windows import Windows, consecutive_windows, usable_observations

LENGTHS = [5, 2, 9, 9, 1, 7, 3, 8, 6, 4, 9]


def runner_of(batch_size: int, **params: object) -> tuple[WindowRunner, Windows]:
    observations = usable_observations(as_light_curves(random_curves(LENGTHS)))
    on_device = DeviceObservations(
        observations, NetworkConfig(embedding_size=8), torch.device("cpu")
    )
    runner = WindowRunner(on_device, precision="float32", batch_size=batch_size, **params)  # type: ignore[arg-type]
    return runner, consecutive_windows(observations.offsets, 200)


def largest_magnitude(batch: Batch) -> Tensor:
    return batch.magnitude.amax(1)


def by_window(runner: WindowRunner, windows: Windows, function: object) -> np.ndarray:
    out = np.full(len(windows), np.nan)
    for chosen, batch, result in runner.run(windows, function):  # type: ignore[arg-type]
        assert len(batch.length) == len(chosen) == len(result)
        np.testing.assert_array_equal(batch.length, windows.length[chosen])
        assert np.isnan(out[chosen]).all(), "a window came twice"
        out[chosen] = result
    return out


@pytest.mark.parametrize("batch_size", [1, 2, 5, 100])
def test__run__any_batch_size__every_window_once_with_its_own_result(batch_size: int) -> None:
    runner, windows = runner_of(batch_size)
    expected = [curve[:, 1].max() - curve[:, 1].mean() for curve in random_curves(LENGTHS)]
    np.testing.assert_allclose(by_window(runner, windows, largest_magnitude), expected, atol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 2, 100])
def test__run__several_threads__work_side_by_side_with_the_same_results(
    batch_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inference, "WORTH_A_THREAD", 1)
    before, names = torch.get_num_threads(), set()
    at_once = threading.Barrier(2)

    def together(batch: Batch) -> Tensor:
        # The first two batches wait for each other.
        if len(names) < 2:
            names.add(threading.current_thread().name)
            at_once.wait(timeout=60)
        return largest_magnitude(batch)

    torch.set_num_threads(2)
    try:
        got = by_window(*runner_of(batch_size), together)
    finally:
        torch.set_num_threads(before)
    assert len(names) == 2
    np.testing.assert_array_equal(got, by_window(*runner_of(1), largest_magnitude))


def test__run__one_thread__next_batch_begun_before_the_results_of_one_are_asked_for() -> None:
    # A GPU works on it meanwhile.
    runner, windows = runner_of(batch_size=2)
    n_begun = 0

    def count(batch: Batch) -> Tensor:
        nonlocal n_begun
        n_begun += 1
        return largest_magnitude(batch)

    begun = [n_begun for _ in runner.run(windows, count)]
    assert begun == [2, 3, 4, 5, 6, 6]


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate"),
        MemoryError(),
    ],
)
@pytest.mark.parametrize("fits", [1, 3])
def test__run__memory_runs_out__halves_and_goes_on_with_the_same_results(
    error: BaseException, fits: int, caplog: pytest.LogCaptureFixture
) -> None:
    tried = []

    def greedy(batch: Batch) -> Tensor:
        tried.append(len(batch.length))
        if len(batch.length) > fits:
            raise error
        return largest_magnitude(batch)

    runner, windows = runner_of(8)
    with caplog.at_level(logging.WARNING):
        got = by_window(runner, windows, greedy)
    np.testing.assert_array_equal(got, by_window(*runner_of(1), largest_magnitude))
    # 11 windows are 6 and 5 rather than 8 and 3; the second is begun before the first is asked for.
    assert tried[:3] == [6, 5, 3]
    assert runner.batch_size <= fits
    assert "trying half" in caplog.text


def test__run__memory_runs_out_in_gathering__halves_as_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gather = DeviceObservations.batch

    def greedy(self: DeviceObservations, windows: Windows) -> Batch:
        if len(windows) > 2:
            raise MemoryError
        return gather(self, windows)

    monkeypatch.setattr(DeviceObservations, "batch", greedy)
    got = by_window(*runner_of(8), largest_magnitude)
    monkeypatch.undo()
    np.testing.assert_array_equal(got, by_window(*runner_of(8), largest_magnitude))


def test__run__not_even_one_window_fits__the_error_comes_through() -> None:
    def greedy(batch: Batch) -> Tensor:
        raise MemoryError("none left")

    with pytest.raises(MemoryError, match="none left"):
        by_window(*runner_of(4), greedy)


@pytest.mark.parametrize("error", [RuntimeError("shapes do not match"), ValueError("wrong")])
def test__run__other_errors__come_through_at_once(error: Exception) -> None:
    calls = []

    def broken(batch: Batch) -> Tensor:
        calls.append(len(batch.length))
        raise error

    with pytest.raises(type(error), match=str(error)):
        by_window(*runner_of(4), broken)
    # The second batch was begun before the result of the first was asked for.
    assert calls == [4, 4]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (torch.bfloat16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
    ],
)
def test__run__result__is_not_of_half_precision_and_without_gradients(
    given: torch.dtype, expected: torch.dtype
) -> None:
    weight = torch.ones(1, requires_grad=True)
    runner, windows = runner_of(4)
    for _, _, result in runner.run(windows, lambda batch: (batch.time.sum(1) * weight).to(given)):
        assert result.dtype == expected
        assert not result.requires_grad


def test__run__verbose__shows_a_bar(capsys: pytest.CaptureFixture[str]) -> None:
    by_window(*runner_of(4, verbose=1), largest_magnitude)
    assert "11/11" in capsys.readouterr().err
    by_window(*runner_of(4, verbose=0), largest_magnitude)
    assert capsys.readouterr().err == ""
