"""Random windows for long pre-training: drawn as the weights say, within curves, repeatably."""

from __future__ import annotations

import numpy as np
import torch
from example_curves import random_curves

from sklearn_astromer.light_curves import as_light_curves
from sklearn_astromer.network import NetworkConfig
from sklearn_astromer.preparation import observations_for
from sklearn_astromer.training.batches import DeviceObservations
from sklearn_astromer.training.mixture import MixtureSettings, MixtureWindows, spoil_periods
from sklearn_astromer.windows import Windows

CPU = torch.device("cpu")
CONFIG = NetworkConfig(window_size=20, cycle_multiples=(1.0,), standardised=True)
LENGTHS = [60, 20, 7, 45, 30]


def observations(config: NetworkConfig = CONFIG) -> DeviceObservations:
    curves = as_light_curves(random_curves(LENGTHS))
    return DeviceObservations(observations_for(config, curves, device=CPU), config, CPU)


def mixture(weight: list[float], **settings: float) -> MixtureWindows:
    settings = {"batch_size": 64, "steps_per_epoch": 5, "short_fraction": 0.0} | settings
    given = MixtureSettings(**settings)  # type: ignore[arg-type]
    portrait = np.arange(5, dtype=np.float32)[:, None]
    label = np.array([3, 1, -1, 0, 2])
    return MixtureWindows(observations(), np.array(weight), label, portrait, given)


def test__draw__weights__decide_how_often() -> None:
    windows = mixture([1, 0, 2, 0, 1], batch_size=4000)
    _, truth = windows.draw()
    counts = torch.bincount(truth.label + 1, minlength=5)
    # The labels of the curves are 3, 1, -1, 0, 2, and their portraits count them.
    assert torch.equal(torch.tensor([3, 1, -1, 0, 2])[truth.portrait[:, 0].long()], truth.label)
    assert counts[[1, 2]].tolist() == [0, 0]
    np.testing.assert_allclose(counts[[4, 0, 3]] / 4000, [0.25, 0.5, 0.25], atol=0.03)


def test__random_batch__every_start__lies_within_its_curve() -> None:
    held = observations()
    curve = torch.arange(5).repeat(400)
    batch = held.random_batch(curve, torch.Generator().manual_seed(0))
    first = torch.from_numpy(held.offsets)[curve]
    start = batch.position[:, 0] - first
    assert batch.length.tolist() == [min(n, 20) for n in LENGTHS] * 400
    for number, n in enumerate(LENGTHS):
        starts = start[curve == number]
        assert starts.min() == 0
        assert starts.max() == max(n - 20, 0)


def test__random_batch__some_short__are_of_any_length() -> None:
    held = observations()
    curve = torch.arange(5).repeat(400)
    batch = held.random_batch(curve, torch.Generator().manual_seed(0), 0.5)
    whole = torch.tensor([min(n, 20) for n in LENGTHS]).repeat(400)
    assert (batch.length <= whole).all()
    assert batch.length.min() == 2
    np.testing.assert_allclose((batch.length < whole).double().mean(), 0.5, atol=0.06)
    last = batch.position[:, 0] + batch.length
    assert (last <= torch.from_numpy(held.offsets)[curve + 1]).all()
    assert set(batch.length[curve == 0].tolist()) == set(range(2, 21))


def test__random_batch__a_start__equals_the_batch_of_that_window() -> None:
    held = observations()
    drawn = held.random_batch(torch.tensor([3, 0]), torch.Generator().manual_seed(1))
    start = drawn.position[:, 0].numpy()
    plain = held.batch(Windows(start, np.array([20, 20]), np.array([3, 0])))
    assert torch.equal(drawn.magnitude, plain.magnitude)
    assert torch.equal(drawn.time, plain.time)
    assert drawn.cycle is not None
    assert plain.cycle is not None
    assert torch.equal(drawn.cycle, plain.cycle)
    assert drawn.padding is not None
    assert not drawn.padding.any()


def test__state__put_back__gives_the_same_batches() -> None:
    windows = mixture([1] * 5)
    windows.draw()
    state = windows.state
    after = [windows.draw() for _ in range(2)]
    other = mixture([1] * 5, seed=9)
    other.state = state
    for (inputs, truth), (inputs_2, truth_2) in zip(
        after, [other.draw() for _ in range(2)], strict=True
    ):
        assert all(
            torch.equal(value.nan_to_num(), inputs_2[name].nan_to_num())
            for name, value in inputs.items()
        )
        assert all(torch.equal(one, two) for one, two in zip(truth, truth_2, strict=True))


def test__draw__hidden__is_what_is_asked_for() -> None:
    inputs, truth = mixture([1, 1, 0, 1, 1], hidden_fraction=0.4).draw()
    assert torch.equal(inputs["magnitude"], truth.magnitude)
    assert (inputs["hidden"].sum(1) == 8).all()


def test__spoil_periods__shares__are_as_asked() -> None:
    held = observations()
    whole = held.random_batch(torch.tensor([0, 1, 3, 4] * 1000), torch.Generator().manual_seed(0))
    spoiled = spoil_periods(whole, 0.2, torch.Generator().manual_seed(1))
    assert whole.cycle is not None
    assert whole.period is not None
    assert spoiled.cycle is not None
    assert spoiled.period is not None
    missing = spoiled.cycle.isnan().all(1)
    assert not spoiled.period[missing].any()
    there = ~missing
    factor = 10.0 ** (spoiled.period - whole.period)[there, 0].double()
    torch.testing.assert_close(
        spoiled.cycle[there] * factor[:, None], whole.cycle[there], rtol=1e-5, atol=1e-5
    )
    wrong = (factor - 1).abs() > 1e-6
    np.testing.assert_allclose(missing.double().mean(), 0.2, atol=0.03)
    np.testing.assert_allclose(wrong.sum() / len(missing), 0.2, atol=0.03)
    halves = ((factor - 0.5).abs() < 1e-5).sum() + ((factor - 2).abs() < 1e-5).sum()
    np.testing.assert_allclose(halves / wrong.sum(), 0.5, atol=0.06)
    assert torch.equal(spoiled.period[:, 1:][there], whole.period[:, 1:][there])


def test__spoil_periods__no_period__stays_none() -> None:
    held = observations()
    batch = held.random_batch(torch.zeros(500, dtype=torch.int64), torch.Generator().manual_seed(0))
    assert batch.cycle is not None
    assert batch.period is not None
    batch = batch._replace(
        cycle=torch.full_like(batch.cycle, torch.nan), period=torch.zeros_like(batch.period)
    )
    spoiled = spoil_periods(batch, 0.3, torch.Generator().manual_seed(1))
    assert spoiled.cycle is not None
    assert spoiled.period is not None
    assert spoiled.cycle.isnan().all()
    assert not spoiled.period.any()
