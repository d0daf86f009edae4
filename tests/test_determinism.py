"""The same seed gives the same numbers, in every process; threads change the last digits alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

TESTS = Path(__file__).resolve().parent
# How far threads may move numbers: sums in another order, and what training makes of them. What is
# drawn at random does not depend on them at all.
TOLERANCE = {"simulated": 0.0, "chosen": 0.0, "embedded": 1e-5, "trained": 1e-5}

Numbers = dict[str, np.ndarray]


def numbers(file: Path, n_threads: int, hash_seed: int) -> Numbers:
    """Compute all in a new process, whose sets and dicts of strings have an order of their own."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(n_threads))
    # Threads that wait for each other sleep, where there are fewer cores than work.
    threads["OMP_WAIT_POLICY"] = "PASSIVE"
    path = os.pathsep.join([str(TESTS), str(TESTS.parent)])
    done = subprocess.run(
        [sys.executable, "-W", "error", str(TESTS / "all_numbers.py"), str(file), str(n_threads)],
        env=os.environ | threads | {"PYTHONPATH": path, "PYTHONHASHSEED": str(hash_seed)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return dict(np.load(file))


@pytest.fixture(scope="module")
def one_thread(tmp_path_factory: pytest.TempPathFactory) -> Numbers:
    return numbers(tmp_path_factory.mktemp("numbers") / "first.npz", 1, 1)


def test__everything__in_another_process__is_the_same_bit_by_bit(
    one_thread: Numbers, tmp_path: Path
) -> None:
    again = numbers(tmp_path / "again.npz", 1, 2)
    assert list(again) == list(one_thread)
    for name, values in one_thread.items():
        np.testing.assert_array_equal(again[name], values, err_msg=name)


def test__everything__two_threads__is_nearly_the_same(one_thread: Numbers, tmp_path: Path) -> None:
    two = numbers(tmp_path / "two.npz", 2, 1)
    for name, values in one_thread.items():
        group = name.partition(":")[0]
        if TOLERANCE[group] == 0:
            np.testing.assert_array_equal(two[name], values, err_msg=name)
        else:
            np.testing.assert_allclose(
                two[name], values, rtol=1e-5, atol=TOLERANCE[group], err_msg=name
            )
