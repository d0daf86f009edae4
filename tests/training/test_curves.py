"""Whole curves: windows put together again, in order, and nothing of what is hidden."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from example_curves import Curve, random_curves, random_network
from hypothesis import given
from hypothesis import strategies as st

from sklearn_astromer.light_curves import as_light_curves
from sklearn_astromer.network import AstromerNetwork
from sklearn_astromer.training import curves as curves_module
from sklearn_astromer.training.curves import CurveRunner, parts_of_whole_curves
from sklearn_astromer.windows import consecutive_windows, usable_observations

LENGTHS = [1, 3, 20, 21, 40, 45, 2, 7]


def runner_of(curves: list[Curve], network: AstromerNetwork, **params: object) -> CurveRunner:
    held = as_light_curves(curves)
    settings = {"precision": "auto", "batch_size": 3, "verbose": 0} | params
    device = torch.device("cpu")
    return CurveRunner(
        network,
        usable_observations(held),
        held.offsets,
        device=device,
        **settings,  # type: ignore[arg-type]
    )


def run_one_window(
    network: AstromerNetwork, window: Curve, hidden: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The plain way: one window, centred by numpy, no padding."""
    time, magnitude = (torch.from_numpy(window - window.mean(0))[None, :, k] for k in (0, 1))
    marker = None if hidden is None else torch.from_numpy(hidden)[None]
    with torch.no_grad():
        embedding = network.encoder(time, magnitude.float(), hidden=marker)
        prediction = network.decoder(embedding)
    return embedding[0].numpy(), prediction[0].numpy() + window[:, 1].mean()


def windows_of(curve: Curve) -> list[Curve]:
    return [curve[i : i + 20] for i in range(0, len(curve), 20)]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=20), st.integers(1, 12))
def test__parts_of_whole_curves__any__hold_every_window_and_split_no_curve(
    lengths: list[int], at_once: int
) -> None:
    windows = consecutive_windows(np.concatenate(([0], np.cumsum(lengths))), 2)
    parts = list(parts_of_whole_curves(windows, at_once))
    np.testing.assert_array_equal(np.concatenate([p.start for p in parts]), windows.start)
    np.testing.assert_array_equal(np.concatenate([p.length for p in parts]), windows.length)
    curves = [set(part.curve.tolist()) for part in parts]
    assert sum(map(len, curves)) == len(set().union(*curves)) == len(lengths)
    for part in parts:
        assert len(part) <= at_once or len(set(part.curve.tolist())) == 1


@pytest.mark.parametrize("kind", ["mean", "max"])
def test__embed__curves_of_several_windows__pool_all_observations_alike(kind: str) -> None:
    network, curves = random_network(), random_curves(LENGTHS)
    got = runner_of(curves, network).embed(kind)
    for row, curve in zip(got, curves, strict=True):
        rows = np.concatenate([run_one_window(network, window)[0] for window in windows_of(curve)])
        expected = rows.mean(0) if kind == "mean" else rows.max(0)
        np.testing.assert_allclose(row, expected, rtol=0, atol=5e-6)


def test__embed_observations__curves_of_several_windows__are_those_of_each_window() -> None:
    network, curves = random_network(), random_curves(LENGTHS)
    for rows, curve in zip(runner_of(curves, network).embed_observations(), curves, strict=True):
        expected = [run_one_window(network, window)[0] for window in windows_of(curve)]
        np.testing.assert_allclose(rows, np.concatenate(expected), rtol=0, atol=5e-6)


@pytest.mark.parametrize("with_hidden", [False, True])
def test__reconstruct__curves_of_several_windows__are_those_of_each_window(
    with_hidden: bool,
) -> None:
    network, curves = random_network(), random_curves(LENGTHS)
    random = np.random.RandomState(0)
    hidden = [random.rand(len(curve)) < 0.4 for curve in curves]
    for part in hidden:
        part[::20] = False
    flat = np.concatenate(hidden) if with_hidden else None
    got = runner_of(curves, network).reconstruct(flat)
    for predicted, curve, marker in zip(got, curves, hidden, strict=True):
        parts = [marker[i : i + 20] if with_hidden else None for i in range(0, len(curve), 20)]
        expected = [
            run_one_window(network, window, part)[1]
            for window, part in zip(windows_of(curve), parts, strict=True)
        ]
        np.testing.assert_allclose(predicted, np.concatenate(expected), rtol=0, atol=5e-6)


def test__reconstruct__observations_in_any_order_and_nan__hidden_goes_with_them() -> None:
    network, (curve,) = random_network(), random_curves([35])
    random = np.random.RandomState(0)
    hidden, order = random.rand(35) < 0.4, random.permutation(35)
    (expected,) = runner_of([curve], network).reconstruct(hidden)
    longer = np.insert(curve[order], 3, [np.nan, 14.0], axis=0)
    marker = np.insert(hidden[order], 3, True)
    (got,) = runner_of([longer], network).reconstruct(marker)
    np.testing.assert_allclose(np.delete(got, 3), expected[order], rtol=0, atol=5e-6)
    assert np.isnan(got[3])


def test__everything__few_windows_at_once__gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    network, curves = random_network(), random_curves(LENGTHS)
    runner = runner_of(curves, network, batch_size=1)
    mean, rows, predicted = runner.embed("mean"), runner.embed_observations(), runner.reconstruct()
    monkeypatch.setattr(
        curves_module, "parts_of_whole_curves", partial(parts_of_whole_curves, at_once=2)
    )
    np.testing.assert_array_equal(runner.embed("mean"), mean)
    np.testing.assert_array_equal(np.concatenate(runner.embed_observations()), np.concatenate(rows))
    np.testing.assert_array_equal(np.concatenate(runner.reconstruct()), np.concatenate(predicted))


@pytest.mark.parametrize("method", ["embed", "embed_observations", "reconstruct"])
def test__everything__few_windows_at_once__shows_one_bar(
    method: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        curves_module, "parts_of_whole_curves", partial(parts_of_whole_curves, at_once=2)
    )
    # One window that is not short, which is computed apart.
    network = random_network(window_size=70)
    runner = runner_of(random_curves([65, *LENGTHS]), network, verbose=1)
    for _ in range(2):
        getattr(runner, method)(*["mean"] if method == "embed" else [])
        shown = capsys.readouterr().err
        n = len(runner.windows)
        # Only a bar that stays ends its line.
        assert (shown.count("\n"), shown.count(f" 0/{n} ")) == (1, 1)
        assert f" {n}/{n} " in shown


def test__reconstruct__a_window_wholly_hidden__error_names_curve_and_observations() -> None:
    runner = runner_of(random_curves([5, 45]), random_network())
    hidden = np.zeros(50, dtype=bool)
    hidden[25:46] = True
    with pytest.raises(ValueError, match=r"light curve 1: all of its .* observations 20 to 39"):
        runner.reconstruct(hidden)


def test__hidden_error__any_network__equals_the_plain_computation() -> None:
    network, curves = random_network(), random_curves(LENGTHS)
    runner = runner_of(curves, network)
    chosen = np.random.RandomState(3).random_sample(sum(LENGTHS)) < 0.5
    hidden = np.split(chosen, np.cumsum(LENGTHS)[:-1])
    errors, magnitudes = [], []
    for curve, marker in zip(curves, hidden, strict=True):
        for i, window in enumerate(windows_of(curve)):
            part = marker[20 * i : 20 * i + 20]
            predicted = run_one_window(network, window, part)[1]
            errors.append((predicted - window[:, 1])[part])
            magnitudes.append((window[:, 1] - window[:, 1].mean())[part])
    rmse, spread = runner.hidden_error(chosen)
    assert rmse == pytest.approx(np.sqrt(np.mean(np.concatenate(errors) ** 2)), rel=1e-5)
    assert spread == pytest.approx(np.sqrt(np.mean(np.concatenate(magnitudes) ** 2)), rel=1e-6)


@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test__hidden_error__network_that_predicts_zero__error_is_the_spread(batch_size: int) -> None:
    network = random_network()
    with torch.no_grad():
        network.decoder.linear.weight.zero_()
        network.decoder.linear.bias.zero_()
    runner = runner_of(random_curves(LENGTHS), network, batch_size=batch_size)
    rmse, spread = runner.hidden_error(np.arange(sum(LENGTHS)) % 2 == 0)
    assert rmse == spread > 0


def test__hidden_error__nothing_can_be_hidden__error_says_so() -> None:
    with pytest.raises(ValueError, match="give longer light curves"):
        runner_of(random_curves([1, 1]), random_network()).hidden_error(np.zeros(2, dtype=bool))


def test__embed__badly_conditioned_weights__short_curves_do_not_feel_the_batch() -> None:
    # Large weights amplify rounding, as those of the official MACHO network do.
    network = random_network(embedding_size=64, window_size=200)
    with torch.no_grad():
        for parameter in network.encoder.parameters():
            parameter.mul_(10)
    short = random_curves([3, 5, 12])
    together = runner_of([*short, *random_curves([200, 63])], network, batch_size=5)
    for i, curve in enumerate(short):
        alone = runner_of([curve], network)
        np.testing.assert_allclose(together.embed("mean")[i], alone.embed("mean")[0], atol=1e-6)
        rows = together.embed_observations()[i]
        np.testing.assert_allclose(rows, alone.embed_observations()[0], atol=1e-6)


def test__embed_observations__float32_asked_for__stays_in_float32(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runner = runner_of(random_curves([4]), random_network(), precision="float32")
    monkeypatch.setattr(torch.nn.Module, "double", lambda self: pytest.fail("float64 was used"))
    runner.embed_observations()
    runner.embed("mean")
