"""The bar of the training, and its record."""

from __future__ import annotations

import re

import pytest
from example_curves import random_curves, small_embedder
from skorch.history import History

from sklearn_astromer.training.progress import LOSS_NAMES, RMSE_NAMES, training_record


def test__fit__verbose__bar_shows_both_errors_and_all_epochs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    embedder = small_embedder(verbose=1, max_epochs=3).fit(random_curves([12] * 10))
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "training" in shown.err
    assert "3/3" in shown.err
    last = embedder.history_[-1]
    assert re.search(f"train_rmse={last['train_rmse']:.4f}", shown.err)
    assert re.search(f"valid_rmse={last['valid_rmse']:.4f}", shown.err)


def test__fit__not_verbose__prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    small_embedder(verbose=0).fit(random_curves([12] * 10))
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "")


def test__fit__verbose_without_validation__bar_shows_the_training_error_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    small_embedder(verbose=1, validation_fraction=None).fit(random_curves([12] * 4))
    shown = capsys.readouterr().err
    assert "train_rmse=" in shown
    assert "valid_rmse" not in shown


def test__fit__verbose_2__writes_a_line_for_each_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    embedder = small_embedder(verbose=2, max_epochs=3).fit(random_curves([12] * 10))
    lines = [line for line in capsys.readouterr().out.splitlines() if line]
    assert len(lines) == 3
    for row, line in zip(embedder.history_, lines, strict=True):
        errors = f"train_rmse {row['train_rmse']:.4f}, valid_rmse {row['valid_rmse']:.4f}"
        assert line.startswith(f"epoch {row['epoch']}: {errors} (")


def test__training_record__epoch_that_was_interrupted__is_left_out() -> None:
    history = History()
    for row in (
        {"epoch": 1, "train_rmse": 0.5, "valid_loss": 0.6, "dur": 2.0, "train_loss": 0.7},
        {"epoch": 2, "train_rmse": 0.4},
    ):
        history.new_epoch()
        for name, value in row.items():
            history.record(name, value)
    assert training_record(history, RMSE_NAMES) == [
        {"epoch": 1, "train_rmse": 0.5, "valid_rmse": 0.6, "seconds": 2.0}
    ]


def test__training_record__of_a_head__has_its_losses() -> None:
    history = History()
    history.new_epoch()
    for name, value in {"epoch": 1, "train_loss": 0.5, "dur": 2.0, "valid_acc": 1.0}.items():
        history.record(name, value)
    assert training_record(history, LOSS_NAMES) == [{"epoch": 1, "train_loss": 0.5, "seconds": 2.0}]
    history.record("valid_loss", 0.25)
    assert list(training_record(history, LOSS_NAMES)[0]) == [
        "epoch",
        "train_loss",
        "valid_loss",
        "seconds",
    ]
