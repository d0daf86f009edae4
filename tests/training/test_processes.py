"""Two processes train as one does: to the same losses and weights, stopped or not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from long_runs import make_run
from safetensors.torch import load_file
from torch import Tensor

from sklearn_astromer.training import processes
from sklearn_astromer.training.long_run import LOSSES, LongRunNet, resume
from sklearn_astromer.training.processes import device_of_process, share_of

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes leave behind; see `long_runs.main`."""
    folder = tmp_path_factory.mktemp("processes")
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    script = Path(__file__).with_name("long_runs.py")
    path = os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, *command, str(script), str(folder)],
        env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


def losses(net: LongRunNet) -> Tensor:
    rows = [[row[name] for name in ("train_loss", *LOSSES)] for row in net.history]
    return torch.tensor(rows, dtype=torch.float64)


def test__two_processes__without_dropout__get_the_losses_and_weights_of_one(folder: Path) -> None:
    alone, windows = make_run(dropout=0.0, batch_size=33)
    alone.partial_fit(windows, None, epochs=4)
    together, windows = make_run(dropout=0.0, batch_size=33)
    resume(together, windows, folder / "whole")
    assert len(together.history) == 4
    torch.testing.assert_close(losses(together), losses(alone), rtol=0, atol=1e-5)
    ours, theirs = alone.module_.state_dict(), together.module_.state_dict()
    # Sums in another order, over 40 steps; weights are of the order of one tenth.
    torch.testing.assert_close(theirs, ours, rtol=0, atol=1e-5)


def test__two_processes__stopped_and_gone_on__end_with_the_same_weights(folder: Path) -> None:
    whole, went_on = load_file(folder / "dropout"), load_file(folder / "went_on")
    assert set(whole) == set(went_on)
    for name, value in whole.items():
        assert torch.equal(value, went_on[name]), name


def test__two_processes__dropout__is_of_each_its_own(folder: Path) -> None:
    first, second = load_file(folder / "dropout")["dropout"]
    assert not torch.equal(first, second)


def test__resume__one_process_after_two__goes_on_with_the_same_batches(folder: Path) -> None:
    net, windows = make_run()
    resume(net, windows, folder / "stopped")
    assert net.step_ == 20
    net.partial_fit(windows, None, epochs=2)
    assert torch.equal(windows.state, load_file(folder / "dropout")["windows"])


@pytest.mark.parametrize("n_processes", [1, 2, 3])
def test__shares__of_all_processes__are_the_batch_of_one(
    n_processes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, truth = make_run()[1].draw()
    monkeypatch.setattr(processes, "n_processes", lambda: n_processes)
    inputs, truths = [], []
    for rank in range(n_processes):
        monkeypatch.setattr(processes, "rank", lambda rank=rank: rank)
        share = next(iter(make_run()[1]))
        inputs.append(share[0])
        truths.append(share[1])
    for name, value in whole.items():
        joined = torch.cat([share[name] for share in inputs])
        torch.testing.assert_close(joined, value, rtol=0, atol=0, equal_nan=True)
    for place, value in enumerate(truth):
        joined = torch.cat([share[place] for share in truths])
        torch.testing.assert_close(joined, value, rtol=0, atol=0, equal_nan=True)


def test__share_of__fewer_windows_than_processes__is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(processes, "n_processes", lambda: 4)
    with pytest.raises(ValueError, match="3 windows cannot be shared by 4 processes"):
        share_of(3)


def test__device_of_process__one_gpu_for_several__is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(processes, "n_processes", lambda: 2)
    monkeypatch.setattr(processes, "resolve_device", torch.device)
    with pytest.raises(ValueError, match="is one GPU, but there are 2 processes"):
        device_of_process("cuda:1")
    assert device_of_process("cpu") == torch.device("cpu")
