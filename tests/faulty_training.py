"""Trainings to which something happens: Ctrl-C, or numbers that are not finite."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import pytest

from sklearn_astromer.training.window_net import WindowNet


def happens_at(
    monkeypatch: pytest.MonkeyPatch, number: int, what: Callable[[Any], Any], *, for_good: bool
) -> list[int]:
    """Let something happen to what the network gives for a batch, counted from 1.

    Parameters
    ----------
    monkeypatch : pytest.MonkeyPatch
        Undoes it.
    number : int
        Of the batch, of training or validation.
    what : callable
        Is given what the network has computed, and gives something else.
    for_good : bool
        Whether it happens to all later batches too.

    Returns
    -------
    batches : list of int
        One entry for each batch that the network was given.
    """
    infer = WindowNet.infer
    batches: list[int] = []

    def infer_and_more(self: WindowNet, x: Any, **params: Any) -> Any:
        batches.append(len(batches) + 1)
        given = infer(self, x, **params)
        happens = len(batches) >= number if for_good else len(batches) == number
        return what(given) if happens else given

    monkeypatch.setattr(WindowNet, "infer", infer_and_more)
    return batches


def press_ctrl_c(given: Any) -> Any:
    """Interrupt, as the key does."""
    # A shell that starts the tests in the background has them ignore it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    return given


def times(factor: float) -> Callable[[Any], Any]:
    """Multiply all that a network tells."""

    def multiplied(given: Any) -> Any:
        if isinstance(given, tuple):
            return type(given)(*(value * factor for value in given))
        return given * factor

    return multiplied
