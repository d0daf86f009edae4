"""Estimators around a network that is told periods and errors: the whole way from light curves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from example_curves import random_embedder, random_network
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from sklearn_astromer import AstromerClassifier, AstromerEmbedder, LightCurves
from sklearn_astromer.datasets import make_variable_stars
from sklearn_astromer.fitting import starting_network, train_network
from sklearn_astromer.network.config import ARCHITECTURES
from sklearn_astromer.periods import PeriodFinder

DEPARTURES: dict[str, Any] = {
    "residual": True,
    "standardised": True,
    "with_errors": True,
    "shortest_period": 0.1,
    "longest_period": 1000.0,
    "cycle_multiples": (0.5, 1.0, 2.0),
    "dropout": 0.0,
    "window_size": 100,
}


@pytest.fixture(scope="module")
def stars() -> tuple[LightCurves, NDArray[np.str_]]:
    return make_variable_stars(
        4, classes=["RRab", "Cepheid", "Mira"], cadence="atlas", random_state=0
    )


@pytest.fixture
def embedder() -> AstromerEmbedder:
    return random_embedder(network=DEPARTURES)


def test__transform__order_batch_and_gaps__do_not_matter(
    embedder: AstromerEmbedder, stars: tuple[LightCurves, NDArray[np.str_]]
) -> None:
    curves = stars[0]
    together = embedder.transform(curves)
    order = np.random.RandomState(0).permutation(len(curves))
    again = embedder.set_params(batch_size=2).transform(curves[order])
    np.testing.assert_allclose(again, together[order], atol=2e-5)
    alone = np.concatenate([embedder.transform(curves[[i]]) for i in range(3)])
    np.testing.assert_allclose(alone, together[:3], atol=2e-5)
    gap = [np.insert(curve, 3, [1.0, np.nan, 0.1], axis=0) for curve in curves[:3]]
    np.testing.assert_allclose(embedder.transform(gap), together[:3], atol=2e-5)


def test__transform__other_zero_points__change_nothing(
    embedder: AstromerEmbedder, stars: tuple[LightCurves, NDArray[np.str_]]
) -> None:
    curves = stars[0]
    moved = LightCurves(
        curves.time + 2048, curves.magnitude + 4, curves.error, offsets=curves.offsets
    )
    before, after = embedder.transform(curves), embedder.transform(moved)
    # float32 magnitudes that grow by four lose two bits.
    np.testing.assert_allclose(before, after, atol=2e-3)


def test__reconstruct__hidden_magnitudes_change__nothing_does(
    embedder: AstromerEmbedder, stars: tuple[LightCurves, NDArray[np.str_]]
) -> None:
    curves = stars[0][:3]
    random = np.random.RandomState(1)
    hidden = random.random_sample(len(curves.time)) < 0.4
    # Pairs of opposite changes within a window leave its mean as it was.
    change = np.zeros(len(curves.time), dtype=np.float32)
    for start in curves.offsets[:-1]:
        chosen = start + np.flatnonzero(hidden[start : start + 100])[:2]
        change[chosen] = 0.25, -0.25
    other = LightCurves(
        curves.time, curves.magnitude + change, curves.error, offsets=curves.offsets
    )
    parts = np.split(hidden, curves.offsets[1:-1])
    before, after = embedder.reconstruct(curves, parts), embedder.reconstruct(other, parts)
    np.testing.assert_allclose(np.concatenate(before), np.concatenate(after), atol=2e-5)
    shown = embedder.reconstruct(other, [part & False for part in parts])
    assert np.abs(np.concatenate(shown) - np.concatenate(before)).max() > 1e-3


def test__score__any__is_finite_and_repeats(
    embedder: AstromerEmbedder, stars: tuple[LightCurves, NDArray[np.str_]]
) -> None:
    assert embedder.score(stars[0]) == embedder.score(stars[0]) < 0


def test__train__from_random_weights__error_falls(
    stars: tuple[LightCurves, NDArray[np.str_]],
) -> None:
    embedder = random_embedder(network=DEPARTURES, max_epochs=8, learning_rate=3e-3)
    history = train_network(embedder, embedder.network_, stars[0])
    assert history[-1]["train_rmse"] < history[0]["train_rmse"]


def test__save__departures__come_back(
    embedder: AstromerEmbedder, stars: tuple[LightCurves, NDArray[np.str_]], tmp_path: Path
) -> None:
    loaded = AstromerEmbedder.load(embedder.save(tmp_path / "saved"))
    assert loaded.network_.config == random_network(**DEPARTURES).config
    np.testing.assert_array_equal(embedder.transform(stars[0]), loaded.transform(stars[0]))


@pytest.mark.parametrize("head", ["linear", "mlp", "skip", "lstm"])
@pytest.mark.parametrize("train_encoder", [False, True])
def test__classifier__any_head__learns_and_predicts(
    head: str,
    train_encoder: bool,
    embedder: AstromerEmbedder,
    stars: tuple[LightCurves, NDArray[np.str_]],
) -> None:
    classifier = AstromerClassifier(
        FrozenEstimator(embedder),
        head=head,
        train_encoder=train_encoder,
        max_epochs=3,
        encoder_epochs=1,
        random_state=0,
    )
    fitted = clone(classifier).fit(*stars)
    assert fitted.predict_proba(stars[0]).shape == (12, 3)
    assert np.isfinite(fitted.predict_proba(stars[0])).all()


def test__architecture__folding__is_that_of_the_name_and_can_be_changed() -> None:
    config = starting_network(AstromerEmbedder(architecture="folding", n_blocks=1)).config
    assert config == replace(ARCHITECTURES["folding"], n_blocks=1)
    assert starting_network(AstromerEmbedder()).config == ARCHITECTURES["paper"]


def test__architecture__wrong__error_says_so() -> None:
    with pytest.raises(ValueError, match='architecture must be one of "paper", "folding"'):
        AstromerEmbedder(architecture="folded").fit(np.zeros((4, 5)))
    with pytest.raises(ValueError, match="are not of the architecture 'folding'"):
        AstromerEmbedder("macho", architecture="folding").transform(np.zeros((2, 5)))
    with pytest.raises(ValueError, match="period_search must be True or False"):
        AstromerEmbedder("macho", period_search="no").transform(np.zeros((2, 5)))


def test__find_periods__network_that_folds__are_those_of_the_finder(
    embedder: AstromerEmbedder, stars: tuple[LightCurves, NDArray[np.str_]]
) -> None:
    found = PeriodFinder().transform(stars[0])[:, 0]
    np.testing.assert_allclose(embedder.find_periods(stars[0]), found, rtol=1e-7)
    assert np.isnan(embedder.set_params(period_search=False).find_periods(stars[0])).all()
    assert np.isnan(AstromerEmbedder.pretrained("macho").find_periods(stars[0])).all()


def test__period_search__switched_off__only_the_phases_are_lost(
    embedder: AstromerEmbedder, stars: tuple[LightCurves, NDArray[np.str_]]
) -> None:
    told = embedder.transform(stars[0])
    alone = embedder.set_params(period_search=False).transform(stars[0])
    assert np.isfinite(alone).all()
    assert np.abs(told - alone).max() > 0.01


def test__time_base__grid_of_periods__error_says_it_would_change_nothing() -> None:
    with pytest.raises(ValueError, match=r"time_base=100.0 would change nothing"):
        starting_network(AstromerEmbedder(architecture="folding", time_base=100.0))


def test__fit__error_of_zero__names_the_curve_as_it_was_given(
    embedder: AstromerEmbedder, stars: tuple[LightCurves, NDArray[np.str_]]
) -> None:
    curves = [curve.copy() for curve in stars[0]]
    curves[7][3, 2] = 0.0
    for method in (
        embedder.transform,
        AstromerEmbedder(architecture="folding", random_state=0).fit,
    ):
        with pytest.raises(ValueError, match="light curve 7: the error is 0"):
            method(curves)


def test__reconstruct__all_of_a_curve_hidden__error_says_so(
    embedder: AstromerEmbedder, stars: tuple[LightCurves, NDArray[np.str_]]
) -> None:
    hidden = [np.zeros(len(curve), dtype=bool) for curve in stars[0][:2]]
    hidden[1][:] = True
    with pytest.raises(ValueError, match=r"light curve 1: all of its .* are hidden"):
        embedder.reconstruct(stars[0][:2], hidden)


def test__classifier__trained_encoder__comes_back_from_a_file_as_it_is(
    embedder: AstromerEmbedder, stars: tuple[LightCurves, NDArray[np.str_]], tmp_path: Path
) -> None:
    classifier = AstromerClassifier(
        FrozenEstimator(embedder),
        train_encoder=True,
        max_epochs=1,
        encoder_epochs=1,
        random_state=0,
    ).fit(*stars)
    trained = classifier.embedder_
    loaded = AstromerEmbedder.load(trained.save(tmp_path / "trained"))
    np.testing.assert_array_equal(trained.transform(stars[0]), loaded.transform(stars[0]))
