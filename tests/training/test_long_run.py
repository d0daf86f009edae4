"""Long pre-training: it learns, and a run that was stopped goes on as if it had not been."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from example_heads import same_weights
from faulty_disk import full_disk
from faulty_training import happens_at, times
from long_runs import make_run
from safetensors.torch import load_file, save_file
from sklearn.exceptions import ConvergenceWarning
from torch import nn

from sklearn_astromer.errors import TrainingError
from sklearn_astromer.training.long_run import LOSSES, rate_factor, resume
from sklearn_astromer.training.mixture import MixtureSettings
from sklearn_astromer.training.window_net import Diverged


def test__run__to_the_end__learns() -> None:
    net, windows = make_run()
    net.partial_fit(windows, None, epochs=4)
    losses = net.history[:, "train_loss"]
    assert losses[-1] < 0.9 * losses[0]
    assert net.step_ == 40


def test__resume__stopped_run__ends_with_the_same_weights(tmp_path: Path) -> None:
    whole, windows = make_run()
    whole.partial_fit(windows, None, epochs=4)
    first, windows = make_run(tmp_path / "state")
    first.partial_fit(windows, None, epochs=2)
    torch.manual_seed(99)
    second, windows = make_run()
    torch.randn(7)
    resume(second, windows, tmp_path / "state")
    assert second.step_ == 20
    second.partial_fit(windows, None, epochs=2)
    for name, value in whole.module_.state_dict().items():
        assert torch.equal(value, second.module_.state_dict()[name]), name
    assert second.history[:, "train_loss"] == whole.history[:, "train_loss"]
    assert second.history[:, "epoch"] == [1, 2, 3, 4]


def test__resume__other_network__is_refused(tmp_path: Path) -> None:
    net, windows = make_run(tmp_path / "state")
    net.partial_fit(windows, None, epochs=1)
    net.module_.classes = nn.Linear(16, 5)
    with pytest.raises(ValueError, match="state of another network"):
        resume(net, windows, tmp_path / "state")


def test__resume__no_state__is_refused(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(1)}, tmp_path / "other")
    with pytest.raises(ValueError, match="no state of a run"):
        resume(*make_run(), tmp_path / "other")


def test__resume__other_settings__are_named(tmp_path: Path) -> None:
    net, windows = make_run(tmp_path / "state")
    net.partial_fit(windows, None, epochs=1)
    net.label_weight = 0.5
    windows.settings = MixtureSettings(batch_size=16, steps_per_epoch=10)
    with pytest.raises(ValueError, match="other settings: batch_size, label_weight"):
        resume(net, windows, tmp_path / "state")


def test__partial_fit__interrupted__says_so_and_leaves_the_last_whole_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net, windows = make_run(tmp_path / "state")
    net.partial_fit(windows, None, epochs=1)
    draw, drawn = windows.draw, []

    def interrupted() -> object:
        drawn.append(1)
        if len(drawn) == 4:
            raise KeyboardInterrupt
        return draw()

    monkeypatch.setattr(windows, "draw", interrupted)
    with pytest.raises(KeyboardInterrupt):
        net.partial_fit(windows, None, epochs=1)
    again, windows = make_run()
    resume(again, windows, tmp_path / "state")
    assert again.step_ == 10
    assert len(again.history) == 1


def test__get_loss__any__is_the_sum_of_what_is_recorded() -> None:
    net, windows = make_run()
    net.partial_fit(windows, None, epochs=1)
    row = net.history[-1]
    assert row["train_loss"] == pytest.approx(sum(row[name] for name in LOSSES))


def test__rate_factor__run__rises_and_falls() -> None:
    factors = [rate_factor(share) for share in np.linspace(0, 1, 101)]
    assert factors[0] == pytest.approx(1e-3)
    assert np.argmax(factors) in (2, 3)
    assert factors[-1] == 0
    assert np.diff(factors[3:]).max() < 0


def weights_in(state: Path) -> dict[str, torch.Tensor]:
    """Weights in the file of a run's state."""
    return {
        name.removeprefix("module."): value
        for name, value in load_file(state).items()
        if name.startswith("module.")
    }


@pytest.mark.parametrize("factor", [float("nan"), float("inf")])
def test__partial_fit__diverges__stops_keeps_the_best_and_the_last_good_state(
    factor: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net, windows = make_run(tmp_path / "state")
    # In the middle of the third epoch of ten steps, called epoch by epoch.
    batches = happens_at(monkeypatch, 24, times(factor), for_good=True)
    net.partial_fit(windows, None, epochs=1).partial_fit(windows, None, epochs=1)
    good = (tmp_path / "state").read_bytes()
    message = r"diverged: in epoch 3.*best weights before.*learning_rate is 0.01; try a tenth"
    with pytest.warns(ConvergenceWarning, match=message):
        net.partial_fit(windows, None, epochs=1)
    assert net.ended_by_ is Diverged
    assert len(batches) == 24
    monkeypatch.undo()
    assert (tmp_path / "state").read_bytes() == good
    losses = net.history[:2, "train_loss"]
    assert losses[1] < losses[0]
    # With which the second epoch, the better one, began.
    first, windows = make_run(tmp_path / "first")
    first.partial_fit(windows, None, epochs=1)
    assert same_weights(net.module_.state_dict(), weights_in(tmp_path / "first"))


def test__partial_fit__diverges_at_once__is_an_error_and_no_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net, windows = make_run(tmp_path / "state")
    happens_at(monkeypatch, 4, times(float("nan")), for_good=True)
    with pytest.raises(TrainingError, match="Nothing was learned"):
        net.partial_fit(windows, None, epochs=1)
    assert list(tmp_path.iterdir()) == []


def test__partial_fit__weights_spoiled_by_the_last_step__are_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net, windows = make_run(tmp_path / "state")
    net.partial_fit(windows, None, epochs=1)
    good = (tmp_path / "state").read_bytes()
    step = net.train_step

    def spoiling(batch: Any, **params: Any) -> Any:
        told = step(batch, **params)
        if net.step_ == 20:
            with torch.no_grad():
                net.module_.classes.bias[0] = float("nan")
        return told

    monkeypatch.setattr(net, "train_step", spoiling)
    with pytest.raises(TrainingError, match="Nothing was learned"):
        net.partial_fit(windows, None, epochs=1)
    assert (tmp_path / "state").read_bytes() == good


def test__partial_fit__diverges_after_it_was_resumed__keeps_what_it_was_resumed_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net, windows = make_run(tmp_path / "state")
    net.partial_fit(windows, None, epochs=1)
    again, windows = make_run()
    resume(again, windows, tmp_path / "state")
    happens_at(monkeypatch, 1, times(float("nan")), for_good=True)
    with pytest.warns(ConvergenceWarning, match="from which it started are kept"):
        again.partial_fit(windows, None, epochs=1)
    assert same_weights(again.module_.state_dict(), weights_in(tmp_path / "state"))


def test__keep_state__disk_full__leaves_the_last_good_state(tmp_path: Path) -> None:
    net, windows = make_run(tmp_path / "state")
    net.partial_fit(windows, None, epochs=1)
    good = (tmp_path / "state").read_bytes()
    with full_disk(10_000), pytest.raises(OSError, match="too large"):
        net.partial_fit(windows, None, epochs=1)
    assert [path.name for path in tmp_path.iterdir()] == ["state"]
    assert (tmp_path / "state").read_bytes() == good
