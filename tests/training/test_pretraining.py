"""Masked pre-training: the loss, what is drawn, what is kept, and what stays untouched."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from example_curves import random_curves, random_embedder, random_network, small_embedder

from sklearn_astromer import AstromerEmbedder
from sklearn_astromer.light_curves import as_light_curves
from sklearn_astromer.network import AstromerNetwork
from sklearn_astromer.network.inputs import visible_spread
from sklearn_astromer.training.anchor import Anchor, mean_embedding
from sklearn_astromer.training.batches import DeviceObservations
from sklearn_astromer.training.decoder import solve_decoder
from sklearn_astromer.training.pretraining import (
    HiddenRMSE,
    HiddenWindows,
    TrainingSettings,
    train,
)
from sklearn_astromer.windows import Observations, usable_observations

CPU = torch.device("cpu")
LENGTHS = [30, 12, 5, 45, 20, 2, 33, 1, 18]


def observations_of(lengths: list[int], seed: int = 0) -> Observations:
    return usable_observations(as_light_curves(random_curves(lengths, seed)))


def windows_of(
    network: AstromerNetwork, lengths: list[int] = LENGTHS, seed: int = 0, **params: Any
) -> HiddenWindows:
    given = {"batch_size": 4, "hidden_fraction": 0.5, "visible_fraction": 0.4}
    on_device = DeviceObservations(observations_of(lengths, seed), network.config, CPU)
    return HiddenWindows(
        on_device,
        **({**given, "seed": 0, "same_each_epoch": True} | params),  # type: ignore[arg-type]
    )


def settings(**changes: Any) -> TrainingSettings:
    given: dict[str, Any] = {
        "learning_rate": 1e-2,
        "anchor": 0.0,
        "max_epochs": 3,
        "patience": None,
        "batch_size": 4,
        "hidden_fraction": 0.5,
        "visible_fraction": 0.4,
        "fine_tuning": False,
        "device": CPU,
        "precision": "auto",
        "seed": 0,
        "verbose": 0,
    }
    return TrainingSettings(**(given | changes))


def plain_loss(prediction: np.ndarray, magnitude: np.ndarray, target: np.ndarray) -> float:
    """Eq. 5 of the paper, window by window."""
    per_window = [
        np.mean((p[t] - m[t]) ** 2)
        for p, m, t in zip(prediction, magnitude, target, strict=True)
        if t.any()
    ]
    return float(np.sqrt(np.mean(per_window)))


def test__hidden_rmse__any_targets__equals_equation_5() -> None:
    random = np.random.RandomState(0)
    prediction, magnitude = random.randn(2, 7, 11).astype(np.float32)
    target = random.rand(7, 11) < np.linspace(0, 0.9, 7)[:, None]
    assert not target[0].any()
    given = (torch.from_numpy(magnitude), torch.from_numpy(target))
    got = HiddenRMSE()(torch.from_numpy(prediction), given)
    assert float(got) == pytest.approx(plain_loss(prediction, magnitude, target), rel=1e-6)


def test__hidden_rmse__what_is_no_target__counts_nothing_not_even_nan() -> None:
    prediction = torch.tensor([[1.0, float("nan")]], requires_grad=True)
    loss = HiddenRMSE()(prediction, (torch.zeros(1, 2), torch.tensor([[True, False]])))
    assert loss.item() == pytest.approx(1)


def test__hidden_rmse__exact_prediction__has_a_finite_slope() -> None:
    prediction = torch.zeros(2, 3, requires_grad=True)
    HiddenRMSE()(prediction, (torch.zeros(2, 3), torch.ones(2, 3, dtype=torch.bool))).backward()
    assert prediction.grad is not None
    assert bool(prediction.grad.isfinite().all())


def test__hidden_windows__a_batch__network_sees_no_hidden_and_truth_is_the_original() -> None:
    network = random_network(window_size=50)
    curves = random_curves(LENGTHS)
    batches = list(windows_of(network))
    assert [len(truth[0]) for _, truth in batches] == [4, 4, 1]
    rows = [
        (
            inputs["magnitude"][k],
            inputs["hidden"][k],
            inputs["padding"][k] if "padding" in inputs else torch.zeros(1, dtype=torch.bool),
            magnitude[k],
            target[k],
        )
        for inputs, (magnitude, target) in batches
        for k in range(len(magnitude))
    ]
    for (given, hidden, padding, magnitude, target), curve in zip(rows, curves, strict=True):
        n = len(curve)
        centred = curve[:, 1] - curve[:, 1].mean()
        np.testing.assert_allclose(magnitude[:n], centred, rtol=0, atol=1e-6)
        assert int(target.sum()) == n // 2
        assert int(hidden.sum()) == n // 2 - 2 * int(0.2 * (n // 2) + 1e-9)
        assert not bool((hidden & ~target).any())
        assert not bool((target & padding).any())
        untouched = ~target
        assert torch.equal(given[untouched], magnitude[untouched])


def test__hidden_windows__validation__is_the_same_in_each_epoch_and_in_order() -> None:
    batches = windows_of(random_network(), same_each_epoch=True)
    for (inputs, truth), (again, truth_again) in zip(batches, batches, strict=True):
        for name in inputs:
            assert torch.equal(inputs[name], again[name]), name
        assert torch.equal(truth[1], truth_again[1])


def test__hidden_windows__training__is_new_in_each_epoch_and_repeatable_from_the_seed() -> None:
    network = random_network()
    epochs = [
        torch.cat([truth[0].flatten() for _, truth in windows])
        for windows in [
            *[windows_of(network, [40] * 6, same_each_epoch=False)] * 2,
            windows_of(network, [40] * 6, same_each_epoch=False),
            windows_of(network, [40] * 6, same_each_epoch=False, seed=1),
        ]
    ]
    first, second, repeated, other = epochs
    assert torch.equal(first, repeated)
    assert not torch.equal(first, second)
    assert not torch.equal(first, other)


def test__hidden_windows__training__takes_each_curve_once_per_epoch() -> None:
    windows = windows_of(random_network(window_size=50), same_each_epoch=False)
    lengths = [
        int((~inputs["padding"][k]).sum()) if "padding" in inputs else len(truth[0][k])
        for inputs, truth in windows
        for k in range(len(truth[0]))
    ]
    assert sorted(lengths) == sorted(LENGTHS)
    assert lengths != LENGTHS


def valid_loss(network: AstromerNetwork, validation: Observations, seed: int) -> float:
    on_device = DeviceObservations(validation, network.config, CPU)
    batches = HiddenWindows(
        on_device,
        batch_size=4,
        hidden_fraction=0.5,
        visible_fraction=0.4,
        seed=seed,
        same_each_epoch=True,
    )
    losses, sizes = [], []
    with torch.no_grad():
        for inputs, truth in batches:
            prediction = network(**inputs).numpy()
            losses.append(plain_loss(prediction, truth[0].numpy(), truth[1].numpy()))
            sizes.append(len(prediction))
    return float(np.average(losses, weights=sizes))


@pytest.mark.parametrize("learning_rate", [0.5, 0.02])
def test__train__with_validation__keeps_the_weights_of_the_best_epoch(
    learning_rate: float,
) -> None:
    network = random_network()
    validation = observations_of([20, 15, 30, 9, 12], seed=1)
    wanted = settings(learning_rate=learning_rate, max_epochs=8)
    history = train(network, observations_of(LENGTHS), validation, wanted)
    best = min(row["valid_rmse"] for row in history)
    assert best < max(row["valid_rmse"] for row in history)
    assert valid_loss(network, validation, seed=1) == pytest.approx(best, rel=1e-5)
    assert not network.training


def test__train__no_better_for_as_long_as_patience__stops() -> None:
    history = train(
        random_network(),
        observations_of(LENGTHS),
        observations_of(LENGTHS, seed=1),
        settings(learning_rate=1.0, patience=2, max_epochs=60),
    )
    errors = [row["valid_rmse"] for row in history]
    assert len(errors) < 60
    assert len(errors) - 1 - int(np.argmin(errors)) == 2


def test__train__without_validation__goes_on_to_the_end() -> None:
    history = train(random_network(), observations_of(LENGTHS), None, settings(max_epochs=4))
    assert [row["epoch"] for row in history] == [1, 2, 3, 4]
    assert all("valid_rmse" not in row for row in history)


def test__train__simple_curves__learns_to_predict_what_is_hidden() -> None:
    # Two values by turns, day by day: only neighbours tell which one is hidden.
    curves = [
        np.column_stack([np.arange(40.0) / 4, np.where(np.arange(40) % 20 < 10, 0, 1.0)])
        for _ in range(32)
    ]
    embedder = small_embedder(
        embedding_size=16,
        feedforward_size=16,
        dropout=0.0,
        learning_rate=1e-2,
        max_epochs=30,
        batch_size=8,
        window_size=40,
    ).fit(curves)
    assert embedder.score(curves, relative=True) > -0.6


def test__train__same_seed__same_weights_and_other_seed_others() -> None:
    def weights_of(seed: int) -> torch.Tensor:
        embedder = small_embedder(random_state=seed).fit(random_curves([20] * 8))
        return torch.cat([value.flatten() for value in embedder.network_.parameters()])

    first = weights_of(1)
    assert torch.equal(first, weights_of(1))
    assert not torch.equal(first, weights_of(2))


def drift(embedder: AstromerEmbedder, before: np.ndarray, curves: Any) -> float:
    return float(np.square(embedder.transform(curves) - before).mean())


def test__fit__from_weights__anchor_holds_the_embeddings(tmp_path: Path) -> None:
    curves = random_curves([20] * 24)
    folder = random_embedder().save(tmp_path / "start")
    given = {"weights": folder, "max_epochs": 6, "learning_rate": 1e-2, "random_state": 0}
    before = AstromerEmbedder(weights=folder).transform(curves)
    free = drift(AstromerEmbedder(anchor=0.0, **given).fit(curves), before, curves)
    held = drift(AstromerEmbedder(anchor=100.0, **given).fit(curves), before, curves)
    assert 0 < held < 0.3 * free


def test__fit__from_weights_with_single_observations_among_the_curves__stays_finite(
    tmp_path: Path,
) -> None:
    folder = random_embedder().save(tmp_path / "start")
    embedder = AstromerEmbedder(weights=folder, batch_size=1, max_epochs=2, random_state=0)
    embedder.fit(random_curves([1, 1, 1, 12, 12, 12, 12, 1]))
    assert np.isfinite(embedder.transform(random_curves([1, 12]))).all()


def test__anchor__unchanged_network__no_penalty_and_changed_one_pays() -> None:
    network = random_network(dropout=0.5)
    batches = list(windows_of(network))
    anchor = Anchor(network, batches, 3.0)
    inputs, (magnitude, _) = batches[0]
    visible = {name: value for name, value in inputs.items() if name != "hidden"}
    visible["magnitude"] = magnitude
    assert anchor.penalty(network, visible).item() == 0
    with torch.no_grad():
        network.encoder.magnitude_projection.weight.add_(0.1)
    penalty = anchor.penalty(network, visible)
    penalty.backward()
    assert penalty.item() > 0
    assert network.training
    assert all(value.grad is None for value in anchor.network.parameters())


def test__mean_embedding__padding__takes_no_part() -> None:
    network = random_network()
    on_device = DeviceObservations(observations_of([20, 4]), network.config, CPU)
    for inputs, _ in windows_of(network, [20, 4]):
        both = mean_embedding(network, inputs)
        alone = {name: value[1:, :4] for name, value in inputs.items() if name != "padding"}
        np.testing.assert_allclose(
            both[1].detach(), mean_embedding(network, alone)[0].detach(), atol=1e-5
        )
    assert len(on_device.time) == 24


@pytest.mark.parametrize("standardised", [False, True])
def test__solve_decoder__random_encoder__is_the_best_linear_one_on_the_targets(
    standardised: bool,
) -> None:
    network = random_network(standardised=standardised)
    windows = windows_of(network, [20] * 12, batch_size=12)

    def loss() -> float:
        square = []
        for inputs, (magnitude, target) in windows:
            error = network(**inputs) - magnitude
            if standardised:
                error = (
                    error / visible_spread(inputs["magnitude"], inputs["hidden"], None).deviation
                )
            square.append(error[target].square())
        return float(torch.cat(square).mean())

    with torch.no_grad():
        before = loss()
        encoder = [value.clone() for value in network.encoder.parameters()]
        solve_decoder(network, windows)
        best = loss()
        assert best < before
        # Ridge is small: no other direction is much better.
        for change in (0.05, -0.05):
            for k in range(network.config.embedding_size):
                network.decoder.linear.weight[0, k] += change
                assert loss() > best * 0.999
                network.decoder.linear.weight[0, k] -= change
    for old, new in zip(encoder, network.encoder.parameters(), strict=True):
        assert torch.equal(old, new)


def fit(folder: Path) -> None:
    small_embedder().fit(random_curves([12] * 6))


def fine_tune(folder: Path) -> None:
    AstromerEmbedder(weights=folder, max_epochs=1, random_state=0).fit(random_curves([12] * 6))


def transform(folder: Path) -> None:
    embedder = AstromerEmbedder.load(folder)
    embedder.transform(random_curves([12] * 6))
    embedder.set_params(output="sequence").transform(random_curves([12] * 6))
    embedder.score(random_curves([12] * 6))


def load(folder: Path) -> None:
    AstromerEmbedder.load(folder)
    AstromerEmbedder.pretrained(folder)


@pytest.mark.parametrize("action", [fit, fine_tune, transform, load])
def test__fit_transform_load__always__leave_global_settings_alone(
    action: Callable[[Path], None], tmp_path: Path
) -> None:
    folder = random_embedder().save(tmp_path / "saved")
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # type: ignore[union-attr] # noqa: NPY002
    threads, dtype = torch.get_num_threads(), torch.get_default_dtype()
    action(folder)
    assert torch.equal(torch.get_rng_state(), torch_state)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)  # type: ignore[arg-type] # noqa: NPY002
    assert torch.get_num_threads() == threads
    assert torch.get_default_dtype() == dtype
    assert torch.is_grad_enabled()


def test__fit_transform__other_default_dtype__makes_no_difference() -> None:
    curves = random_curves([12] * 6)
    expected = small_embedder().fit(curves).transform(curves)
    torch.set_default_dtype(torch.float64)
    try:
        got = small_embedder().fit(curves).transform(curves)
    finally:
        torch.set_default_dtype(torch.float32)
    np.testing.assert_array_equal(got, expected)
