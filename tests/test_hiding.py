"""Hiding: exact shares, fair chance, and never a window without anything visible."""

from __future__ import annotations

from math import floor

import numpy as np
import pytest
import torch

from sklearn_astromer.hiding import flat_hidden, hidden_at_random, hide, n_targets
from sklearn_astromer.windows import consecutive_windows

LENGTHS = torch.arange(1, 61)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def distinct_magnitudes(n_windows: int, n_positions: int) -> torch.Tensor:
    return torch.arange(n_windows * n_positions, dtype=torch.float32).view(n_windows, n_positions)


@pytest.mark.parametrize("fraction", [0.5, 0.1, 0.9, 0.999, 1 - 1e-12])
@pytest.mark.parametrize(("shown", "shuffled"), [(0.2, 0.2), (0.0, 0.0), (0.5, 0.1)])
def test__hide__lengths_1_to_60__shares_are_exact(
    fraction: float, shown: float, shuffled: float
) -> None:
    magnitude = distinct_magnitudes(60, 60)
    hiding = hide(
        magnitude,
        LENGTHS,
        fraction=fraction,
        shown=shown,
        shuffled=shuffled,
        generator=generator(),
    )
    for row, n in enumerate(LENGTHS.tolist()):
        targets = min(floor(n * fraction + 1e-9), n - 1)
        n_shown = floor(targets * shown + 1e-9)
        n_shuffled = floor(targets * shuffled + 1e-9)
        assert int(hiding.target[row].sum()) == targets, n
        assert int(hiding.hidden[row].sum()) == targets - n_shown - n_shuffled, n
        changed = hiding.magnitude[row] != magnitude[row]
        assert int(changed.sum()) <= n_shuffled, n
        # What is hidden or replaced is a target, and nothing is both.
        assert not bool((hiding.hidden[row] & ~hiding.target[row]).any())
        assert not bool((changed & ~hiding.target[row]).any())
        assert not bool((changed & hiding.hidden[row]).any())
        # Padding is never chosen, and something stays visible.
        assert not bool(hiding.target[row, n:].any())
        assert int((~hiding.target[row, :n]).sum()) >= 1


@pytest.mark.parametrize("n_positions", [15, 20])
def test__hide__shuffled__magnitudes_come_from_the_same_window(n_positions: int) -> None:
    magnitude = distinct_magnitudes(500, n_positions)
    length = torch.full((500,), 15)
    hiding = hide(magnitude, length, generator=generator())
    changed = hiding.magnitude != magnitude
    # Of 7 targets one is replaced; by itself now and then.
    assert 400 < int(changed.sum()) <= 500
    row, _ = changed.nonzero(as_tuple=True)
    source = hiding.magnitude[changed] - magnitude[row, 0]
    assert float(source.min()) == 0
    assert float(source.max()) == 14


def test__hide__many_windows__each_observation_is_equally_likely() -> None:
    n_windows = 6000
    magnitude = distinct_magnitudes(n_windows, 12)
    hiding = hide(magnitude, torch.full((n_windows,), 10), generator=generator())
    for chosen, expected in ((hiding.target, 0.5), (hiding.hidden, 0.3)):
        share = chosen[:, :10].double().mean(0)
        error = (expected * (1 - expected) / n_windows) ** 0.5
        assert float((share - expected).abs().max()) < 5 * error
        assert not bool(chosen[:, 10:].any())
    replaced = (hiding.magnitude != magnitude)[:, :10].double().mean(0)
    assert float((replaced - 0.09).abs().max()) < 5 * (0.09 / n_windows) ** 0.5


def test__hide__same_generator__same_choice_and_other_seed_another() -> None:
    magnitude = distinct_magnitudes(8, 30)
    length = torch.full((8,), 30)
    first = hide(magnitude, length, generator=generator(1))
    again = hide(magnitude, length, generator=generator(1))
    other = hide(magnitude, length, generator=generator(2))
    for a, b in zip(first, again, strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(first.target, other.target)


def test__hide__generator_given__global_generator_is_not_used() -> None:
    before = torch.get_rng_state()
    hide(distinct_magnitudes(2, 8), torch.tensor([8, 5]), generator=generator())
    assert torch.equal(before, torch.get_rng_state())


def test__hide__input__is_not_changed() -> None:
    magnitude = distinct_magnitudes(4, 20)
    hide(magnitude, torch.full((4,), 20), generator=generator())
    assert torch.equal(magnitude, distinct_magnitudes(4, 20))


def test__hide__defaults_of_the_user__play_no_part() -> None:
    # A default device without memory stands for a GPU.
    magnitude, length = distinct_magnitudes(8, 30), torch.full((8,), 30)
    usual = hide(magnitude, length, generator=generator())
    torch.set_default_dtype(torch.float64)
    try:
        with torch.device("meta"):
            found = hide(magnitude, length, generator=generator())
    finally:
        torch.set_default_dtype(torch.float32)
    for a, b in zip(found, usual, strict=True):
        assert torch.equal(a, b)


def test__n_targets__small_fraction__may_be_none() -> None:
    assert n_targets(torch.tensor([1, 2, 9, 10]), 0.1).tolist() == [0, 0, 0, 1]
    assert n_targets(torch.tensor([1, 2, 3]), 0.999).tolist() == [0, 1, 2]


@pytest.mark.parametrize("fraction", [0.5, 0.2, 0.999, 1 - 1e-12])
def test__hidden_at_random__each_window__exact_share_and_never_all(fraction: float) -> None:
    lengths = np.concatenate((np.arange(1, 61), [450]))
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    windows = consecutive_windows(offsets, 50)
    hidden = hidden_at_random(windows, int(offsets[-1]), fraction, np.random.RandomState(0))
    for start, n in zip(windows.start, windows.length, strict=True):
        expected = min(floor(n * fraction + 1e-9), n - 1)
        assert hidden[start : start + n].sum() == expected


def test__hidden_at_random__windows_out_of_order__the_right_observations_are_hidden() -> None:
    windows = consecutive_windows(np.array([0, 4, 24]), 20)[np.array([1, 0])]
    hidden = hidden_at_random(windows, 30, 0.5, np.random.RandomState(0))
    assert [hidden[:4].sum(), hidden[4:24].sum(), hidden[24:].sum()] == [2, 10, 0]
    assert hidden.dtype == bool


def test__hidden_at_random__many_windows__each_observation_is_equally_likely() -> None:
    windows = consecutive_windows(np.arange(0, 50001, 10), 10)
    hidden = hidden_at_random(windows, 50000, 0.3, np.random.RandomState(0)).reshape(-1, 10)
    assert np.abs(hidden.mean(0) - 0.3).max() < 5 * (0.21 / 5000) ** 0.5


def test__flat_hidden__good_arrays__follow_each_other() -> None:
    flat = flat_hidden([np.array([True]), np.array([False, True])], np.array([1, 2]))
    assert flat.tolist() == [True, False, True]
    nothing_masked = np.ma.masked_array([True], [False])
    assert type(flat_hidden([nothing_masked], np.array([1]))) is np.ndarray


@pytest.mark.parametrize(
    ("hidden", "message"),
    [
        (
            [[True]],
            r"hidden has 1 entries for 2 light curves; give one array of bool per light curve\.$",
        ),
        ([[True], [True]], "light curve 1: hidden must be 2 values of bool"),
        ([[True], [0, 1]], "light curve 1: .*got int64 of shape"),
        ([[[True]], [True, False]], "light curve 0: hidden must be 1 values"),
        (
            [[True], np.ma.masked_array([True, False], [False, True])],
            "light curve 1: hidden is masked at observation 1; say True or False",
        ),
    ],
)
def test__flat_hidden__wrong_form__error_names_the_curve(hidden: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        flat_hidden(hidden, np.array([1, 2]))
