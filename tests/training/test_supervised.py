"""Training of heads: the loss, what weights do, what is kept, and what stays untouched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from example_heads import (
    CPU,
    WINDOW_SIZE,
    headed_network,
    labelled_curves,
    narrow_heads,
    observations_on_cpu,
    standardise,
    weighted_mean,
    windows_of_curve,
)
from torch.nn import functional

from sklearn_astromer.errors import TrainingError
from sklearn_astromer.network.heads import HeadedNetwork
from sklearn_astromer.training.head_runner import HeadRunner
from sklearn_astromer.training.labelled import LabelledWindows, RawWindows, StoredFeatures
from sklearn_astromer.training.supervised import (
    SupervisedSettings,
    supervised_net,
    train_head,
)

CURVES, Y = labelled_curves(6)
WEIGHT = np.random.RandomState(0).uniform(0.5, 2, len(Y))


@pytest.fixture(autouse=True)
def _narrow() -> Iterator[None]:
    with narrow_heads():
        yield


def settings(**changes: Any) -> SupervisedSettings:
    given: dict[str, Any] = {
        "criterion": torch.nn.CrossEntropyLoss,
        "learning_rate": 1e-2,
        "encoder_learning_rate": 1e-3,
        "weight_decay": 0.01,
        "max_epochs": 5,
        "patience": None,
        "device": CPU,
        "precision": "float32",
        "seed": 0,
        "verbose": 0,
    }
    return SupervisedSettings(**(given | changes))


def windows_of(
    network: HeadedNetwork,
    chosen: Any = None,
    *,
    stored: bool = False,
    validation: bool = False,
    weight: Any = WEIGHT,
    target: Any = Y,
    batch_size: int = 100,
    curves: Any = CURVES,
) -> LabelledWindows:
    observations = observations_on_cpu(curves)
    double = network.head.standardise.mean.dtype == torch.float64
    source: Any = RawWindows(observations)
    if stored:
        precision = "float64" if double else "float32"
        runner = HeadRunner(network, observations, precision=precision, batch_size=9, verbose=0)
        source = StoredFeatures(runner.features(), runner.windows, sequence=runner.sequence)
    return LabelledWindows(
        source,
        np.arange(len(curves)) if chosen is None else np.asarray(chosen),
        torch.as_tensor(target),
        torch.as_tensor(weight).to(torch.float64 if double else torch.float32),
        batch_size=batch_size,
        random_state=None if validation else np.random.RandomState(3),
    )


def global_state_of_numpy() -> Any:
    return np.random.get_state()[1].copy()  # noqa: NPY002


def state_of(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def loss_by_hand(network: HeadedNetwork, chosen: np.ndarray) -> float:
    """Mean cross entropy of all consecutive windows; those of a curve share its weight."""
    network = network.double()
    losses, weights = [], []
    for k in chosen:
        windows = windows_of_curve(CURVES[k])
        for time, magnitude in windows:
            with torch.no_grad():
                logits = network(torch.tensor([time.shape[1]]), time=time, magnitude=magnitude)
            losses.append(functional.cross_entropy(logits, torch.tensor([Y[k]])).numpy())
            weights.append(WEIGHT[k] / len(windows))
    return float(weighted_mean(losses, weights))


@pytest.mark.parametrize("name", ["linear", "skip", "lstm alone"])
def test__train_head__validation_loss__is_the_weighted_cross_entropy(name: str) -> None:
    # After one epoch, so that the network is the one whose loss was written down.
    network = headed_network(name)
    train, valid = np.arange(0, 12), np.arange(12, 18)
    # Batches of uneven size: each window counts alike, not each batch.
    held_out = windows_of(network, valid, validation=True, batch_size=5)
    history = train_head(network, windows_of(network, train), held_out, settings(max_epochs=1))
    assert history[0]["valid_loss"] == pytest.approx(loss_by_hand(network, valid), rel=1e-4)


def test__train_head__training_loss__is_the_weighted_cross_entropy() -> None:
    short, y = [curve[:WINDOW_SIZE] for curve in CURVES], torch.as_tensor(Y)
    network = headed_network("linear")
    history = train_head(
        network,
        windows_of(network, curves=short, stored=True),
        None,
        settings(max_epochs=1, learning_rate=1e-12),
    )
    with torch.no_grad():
        losses = [
            functional.cross_entropy(
                network.double()(torch.tensor([time.shape[1]]), time=time, magnitude=magnitude),
                y[k : k + 1],
            )
            for k, curve in enumerate(short)
            for time, magnitude in windows_of_curve(curve)
        ]
    expected = np.average(losses, weights=WEIGHT)
    assert history[0]["train_loss"] == pytest.approx(expected, rel=1e-5)
    assert list(history[0]) == ["epoch", "train_loss", "seconds"]


@pytest.mark.parametrize("name", ["linear", "mlp", "skip"])
def test__train_head__weight_of_two__is_the_same_as_two_copies(name: str) -> None:
    short = [curve[:WINDOW_SIZE] for curve in CURVES]
    n_copies = np.random.RandomState(1).randint(0, 4, len(Y))
    copied = np.repeat(np.arange(len(Y)), n_copies)
    found = []
    for given in (
        {"curves": short, "weight": n_copies},
        {"curves": [short[k] for k in copied], "weight": np.ones(len(copied)), "target": Y[copied]},
    ):
        network = headed_network(name).double()
        windows = windows_of(network, stored=True, **given)
        train_head(network, windows, None, settings(precision="float64"))
        found.append(state_of(network))
    start = headed_network(name).double().state_dict()
    for key, value in found[0].items():
        torch.testing.assert_close(value, found[1][key], rtol=0, atol=1e-7)
    assert any(not torch.equal(value, start[key]) for key, value in found[0].items())


def test__train_head__validation__best_weights_are_kept() -> None:
    # So large a rate that the loss goes up and down.
    network = headed_network("mlp")
    standardise(network, CURVES)
    train, valid = np.arange(0, 12), np.arange(12, 18)
    history = train_head(
        network,
        windows_of(network, train, stored=True, batch_size=3),
        windows_of(network, valid, stored=True, validation=True),
        settings(learning_rate=0.02, max_epochs=12),
    )
    losses = [row["valid_loss"] for row in history]
    assert len(losses) == 12
    assert losses[-1] > 1.01 * min(losses)
    assert loss_by_hand(network, valid) == pytest.approx(min(losses), rel=1e-4)


def test__train_head__patience__stops_that_many_epochs_after_the_best() -> None:
    network = headed_network("mlp")
    standardise(network, CURVES)
    train, valid = np.arange(0, 12), np.arange(12, 18)
    history = train_head(
        network,
        windows_of(network, train, stored=True),
        windows_of(network, valid, stored=True, validation=True),
        settings(learning_rate=0.1, max_epochs=500, patience=7),
    )
    losses = [row["valid_loss"] for row in history]
    # skorch leaves out the end of the epoch that it stops in.
    assert int(np.argmin(losses)) + 1 + 7 - len(losses) in (0, 1)
    assert len(losses) < 500


def test__train_head__no_validation__runs_to_the_end_and_keeps_the_last_weights() -> None:
    network = headed_network("mlp")
    windows = windows_of(network, stored=True)
    history = train_head(network, windows, None, settings(max_epochs=9, patience=1))
    assert [row["epoch"] for row in history] == list(range(1, 10))
    longer = headed_network("mlp")
    train_head(longer, windows_of(longer, stored=True), None, settings(max_epochs=10))
    assert not torch.equal(
        state_of(longer)["head.layers.0.weight"], state_of(network)["head.layers.0.weight"]
    )
    assert not network.training


@pytest.mark.parametrize("validation", [False, True])
def test__train_head__learning_rate__falls_to_zero_only_without_validation(
    validation: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates: list[list[float]] = []
    step = torch.optim.AdamW.step

    def remembering(self: torch.optim.AdamW, *args: Any, **params: Any) -> Any:
        rates.append(sorted(group["lr"] for group in self.param_groups))
        return step(self, *args, **params)

    monkeypatch.setattr(torch.optim.AdamW, "step", remembering)
    network = headed_network("linear")
    held_out = windows_of(network, np.arange(12, 18), validation=True) if validation else None
    windows = windows_of(network, np.arange(12), batch_size=5)
    train_head(network, windows, held_out, settings(max_epochs=40))
    assert len(rates) == 40 * 3
    share = np.array(rates) / [1e-3, 1e-2]
    np.testing.assert_allclose(share[:, 0], share[:, 1])
    if validation:
        np.testing.assert_allclose(share, 1)
    else:
        assert share.max() > 0.9
        assert share[0, 0] < 0.2
        assert share[60, 0] == pytest.approx(0.5, abs=0.02)
        assert 0 <= share[-1, 0] < 1e-3


def test__train_head__more_epochs__lower_the_loss() -> None:
    network = headed_network("lstm alone")
    windows = windows_of(network, batch_size=6)
    history = train_head(network, windows, None, settings(max_epochs=100))
    assert history[-1]["train_loss"] < 0.5 * history[0]["train_loss"]


def test__train_head__same_seed__is_the_same_bit_by_bit_and_another_is_not() -> None:
    found = []
    for seed in (0, 0, 1):
        network = headed_network("lstm")
        train_head(network, windows_of(network, batch_size=7), None, settings(seed=seed))
        found.append(state_of(network))
    assert all(torch.equal(value, found[1][name]) for name, value in found[0].items())
    assert any(not torch.equal(value, found[2][name]) for name, value in found[0].items())


def test__train_head__global_generators__are_left_alone() -> None:
    network = headed_network("lstm")
    before, numpy_before = torch.get_rng_state(), global_state_of_numpy()
    n_threads = torch.get_num_threads()
    train_head(network, windows_of(network), None, settings(max_epochs=1))
    assert torch.equal(torch.get_rng_state(), before)
    np.testing.assert_array_equal(global_state_of_numpy(), numpy_before)
    assert torch.get_num_threads() == n_threads


@pytest.mark.parametrize("validation", [False, True])
@pytest.mark.parametrize("with_encoder", [False, True])
def test__train_head__rate_far_too_large__error_names_the_rates(
    validation: bool, with_encoder: bool
) -> None:
    network = headed_network("mlp")
    train, valid = np.arange(0, 12), np.arange(12, 18)
    windows = windows_of(network, train, stored=not with_encoder)
    held_out = windows_of(network, valid, stored=not with_encoder, validation=True)
    whole = network if with_encoder else HeadedNetwork(network.head)
    message = "learning_rate is 1e[+]30.*a tenth"
    if with_encoder:
        message = "learning_rate is 1e[+]30 and encoder_learning_rate 0.001.*a tenth"
    with pytest.raises(TrainingError, match="The training diverged.*" + message):
        train_head(whole, windows, held_out if validation else None, settings(learning_rate=1e30))


def test__supervised_net__encoder__has_a_rate_of_its_own_and_no_decay() -> None:
    network = headed_network("skip")
    assert network.encoder is not None
    net = supervised_net(network, settings(), None).initialize()
    assert isinstance(net.optimizer_, torch.optim.AdamW)
    groups = {
        (group["lr"], group["weight_decay"]): {id(value) for value in group["params"]}
        for group in net.optimizer_.param_groups
    }
    assert groups == {
        (1e-3, 0.0): {id(value) for value in network.encoder.parameters()},
        (1e-2, 0.01): {id(value) for value in network.head.parameters()},
    }


def test__train_head__encoder__moves_by_its_own_rate() -> None:
    moved = {}
    for rate in (1e-3, 1e-5):
        network = headed_network("linear")
        before = state_of(network)
        train_head(
            network, windows_of(network), None, settings(max_epochs=1, encoder_learning_rate=rate)
        )
        # The first step of Adam is as long as the rate wherever there is a slope.
        step = {
            name: (value - before[name]).abs().max() for name, value in state_of(network).items()
        }
        moved[rate] = max(value for name, value in step.items() if name.startswith("encoder."))
        assert step["head.output.weight"] == pytest.approx(1e-2, rel=0.1)
    assert moved[1e-3] == pytest.approx(1e-3, rel=0.1)
    assert moved[1e-5] == pytest.approx(1e-5, rel=0.1)


def test__train_head__head_alone__moves_nothing_else() -> None:
    network = headed_network("skip")
    before = state_of(network)
    windows = windows_of(network, stored=True)
    train_head(HeadedNetwork(network.head), windows, None, settings())
    for name, value in state_of(network).items():
        unmoved = name.startswith("encoder.") or "standardise" in name
        assert torch.equal(value, before[name]) == unmoved, name


def test__train_head__numbers__loss_is_the_mean_square_error_over_all_outputs() -> None:
    short = [curve[:WINDOW_SIZE] for curve in CURVES]
    target = np.random.RandomState(0).randn(len(short), 2).astype(np.float32)
    network = headed_network("linear", n_outputs=2)
    windows = windows_of(network, curves=short, target=target, stored=True, batch_size=5)
    history = train_head(
        network,
        windows,
        None,
        settings(criterion=torch.nn.MSELoss, max_epochs=1, learning_rate=1e-12),
    )
    with torch.no_grad():
        output = [
            network.double()(torch.tensor([time.shape[1]]), time=time, magnitude=magnitude)[0]
            for curve in short
            for time, magnitude in windows_of_curve(curve)
        ]
    error = (torch.stack(output).numpy() - target) ** 2
    expected = np.average(error.mean(1), weights=WEIGHT)
    assert history[0]["train_loss"] == pytest.approx(expected, rel=1e-5)
