"""Heads over whole light curves, against plain torch, window by window."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from example_curves import random_curves
from example_heads import (
    HEAD_NAMES,
    WINDOW_SIZE,
    headed_network,
    observations_on_cpu,
    standardise,
    weighted_mean,
    windows_of_curve,
)
from torch import Tensor

from sklearn_astromer.network import NetworkConfig
from sklearn_astromer.network.heads import HeadedNetwork
from sklearn_astromer.training.head_runner import HeadRunner

NAMES = (*HEAD_NAMES, "lstm alone")
LENGTHS = [30, 12, 5, 61, 20, 2, 40, 1, 18]
CURVES = random_curves(LENGTHS)


def runner_of(
    network: HeadedNetwork,
    lengths: list[int] = LENGTHS,
    config: NetworkConfig | None = None,
    **params: Any,
) -> HeadRunner:
    given = {"precision": "float64", "batch_size": 4, "verbose": 0}
    on_device = observations_on_cpu(random_curves(lengths), config)
    return HeadRunner(network, on_device, **(given | params))


def reading_by_hand(network: HeadedNetwork, time: Tensor, magnitude: Tensor) -> Tensor:
    """What the head reads of one whole window without padding; `network` is in float64."""
    encoder = network.encoder
    if encoder is None:
        return torch.stack((time, magnitude), dim=-1)
    if network.head.reads == "blocks":
        return torch.stack([x.mean(1) for x in encoder.outputs(time, magnitude)], dim=1)
    rows = encoder(time, magnitude)
    return rows if network.head.reads == "sequence" else rows.mean(1)


def outputs_by_hand(
    network: HeadedNetwork, lengths: list[int], *, log_softmax: bool, size: int = WINDOW_SIZE
) -> np.ndarray:
    outputs = []
    with torch.no_grad():
        for curve in random_curves(lengths):
            of_windows, n_observations = [], []
            for time, magnitude in windows_of_curve(curve, size):
                n = time.shape[1]
                reading = reading_by_hand(network, time, magnitude)
                logits = network.head(reading, torch.tensor([n]))[0].numpy()
                if log_softmax:
                    logits = logits - np.log(np.exp(logits).sum())
                of_windows.append(logits)
                n_observations.append(n)
            outputs.append(weighted_mean(of_windows, n_observations))
    return np.stack(outputs)


@pytest.mark.parametrize("log_softmax", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test__outputs__float64__are_means_over_windows_by_observations(
    name: str, log_softmax: bool
) -> None:
    network = headed_network(name)
    # So that the windows of a curve differ.
    standardise(network, CURVES)
    with torch.no_grad():
        list(network.head.parameters())[-2].mul_(3)
    got = runner_of(network).outputs(log_softmax=log_softmax)
    expected = outputs_by_hand(network.double(), LENGTHS, log_softmax=log_softmax)
    assert got.dtype == np.float64
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-7)
    if log_softmax:
        # Were probabilities averaged, and not their logarithms, these would sum to one.
        total = np.exp(got).sum(1)
        assert (total[[0, 3, 6]] < 1 - 1e-5).all()
        np.testing.assert_allclose(total[[1, 2, 4, 5, 7, 8]], 1, rtol=1e-12)


@pytest.mark.parametrize("precision", ["auto", "float32"])
@pytest.mark.parametrize("name", NAMES)
def test__outputs__windows_long_and_short__hold_whatever_the_precision(
    name: str, precision: str
) -> None:
    # Windows of 70 observations are not computed in float64, shorter ones are, if "auto".
    lengths = [150, 70, 3, 210, 71, 40]
    exact = headed_network(name, window_size=70).double()
    expected = outputs_by_hand(exact, lengths, log_softmax=True, size=70)
    config = NetworkConfig(window_size=70)
    runner = runner_of(headed_network(name), lengths, config, precision=precision)
    got = runner.outputs(log_softmax=True)
    np.testing.assert_allclose(got, expected, rtol=0, atol=2e-3)
    if precision == "auto":
        np.testing.assert_allclose(got[[2, 5]], expected[[2, 5]], rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test__outputs__any_batch_size__are_the_same(name: str) -> None:
    expected = runner_of(headed_network(name), batch_size=1).outputs(log_softmax=True)
    for batch_size in (3, 100):
        got = runner_of(headed_network(name), batch_size=batch_size).outputs(log_softmax=True)
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("precision", ["auto", "float32", "bfloat16", "float64"])
def test__outputs__head_in_float64__are_float64_whatever_the_precision(precision: str) -> None:
    lengths = [100, 70, 40]
    network = headed_network("mlp", window_size=70)
    network.head.double()
    expected = outputs_by_hand(
        headed_network("mlp", window_size=70).double(), lengths, log_softmax=True, size=70
    )
    runner = runner_of(network, lengths, NetworkConfig(window_size=70), precision=precision)
    np.testing.assert_allclose(runner.outputs(log_softmax=True), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", HEAD_NAMES)
def test__features__float64__equal_a_plain_run_in_the_given_order(name: str) -> None:
    exact = headed_network(name).double()
    runner = runner_of(headed_network(name))
    features = runner.features()
    assert features.dtype == torch.float64
    with torch.no_grad():
        parts = [
            reading_by_hand(exact, time, magnitude)
            for curve in CURVES
            for time, magnitude in windows_of_curve(curve)
        ]
    if name == "lstm":
        expected = torch.cat([part[0] for part in parts])
        curve_of_row = np.repeat(np.arange(len(LENGTHS)), LENGTHS)
    else:
        expected = torch.cat(parts)
        curve_of_row = np.repeat(np.arange(len(LENGTHS)), [-(-n // WINDOW_SIZE) for n in LENGTHS])
    torch.testing.assert_close(features, expected, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(runner.curve_of_row, curve_of_row)


@pytest.mark.parametrize("name", HEAD_NAMES)
def test__features__additive_attention__have_no_row_of_the_padding_token(name: str) -> None:
    # With all padding, as the authors' library computes it.
    network = headed_network(name, attention="additive")
    config = NetworkConfig(window_size=WINDOW_SIZE, attention="additive")
    features = runner_of(network, config=config).features()
    row = 0
    network.double()
    for curve in CURVES:
        for time, magnitude in windows_of_curve(curve):
            n = time.shape[1]
            fill = torch.zeros(1, WINDOW_SIZE - n, dtype=torch.float64)
            padding = torch.arange(WINDOW_SIZE)[None] >= n
            with torch.no_grad():
                reading = network.read(
                    torch.cat((time, fill), 1),
                    torch.cat((magnitude, fill), 1),
                    torch.tensor([n]),
                    padding=padding,
                )
            expected = reading[0, :n] if name == "lstm" else reading
            got = features[row : row + len(expected)]
            torch.testing.assert_close(got, expected, rtol=0, atol=1e-6)
            row += len(expected)
    assert row == len(features)


def test__readings__without_an_encoder__are_times_and_magnitudes() -> None:
    rows, readings = zip(*runner_of(headed_network("lstm alone")).readings(), strict=True)
    order = np.argsort(np.concatenate(rows))
    expected = [
        np.column_stack([time[0], magnitude[0]])
        for curve in CURVES
        for time, magnitude in windows_of_curve(curve)
    ]
    got = torch.cat(readings).numpy()[order]
    np.testing.assert_allclose(got, np.concatenate(expected), rtol=0, atol=1e-6)


def test__outputs__network_in_use__is_left_as_it_is() -> None:
    network = headed_network("skip")
    before = {name: value.clone() for name, value in network.state_dict().items()}
    runner_of(network).outputs(log_softmax=True)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert {value.dtype for value in network.parameters()} == {torch.float32}


def test__outputs__verbose__shows_a_bar(capsys: pytest.CaptureFixture[str]) -> None:
    runner_of(headed_network("linear"), verbose=1).outputs(log_softmax=True)
    assert "window" in capsys.readouterr().err
    runner_of(headed_network("linear")).outputs(log_softmax=True)
    assert capsys.readouterr().err == ""
