"""What displays are given, and what they say if it cannot be drawn."""

from __future__ import annotations

import numpy as np
import pytest
from example_curves import random_curves, random_embedder
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_astromer.plotting.inputs import embedder_inside, find_inside, one_curve


class Holder(BaseEstimator):
    """Keeps a fitted estimator as scikit-learn's meta-estimators do."""

    def __init__(self, name: str, inside: object) -> None:
        setattr(self, name, inside)


@pytest.mark.parametrize("index", [1, -2])
def test__one_curve__position__gives_that_light_curve(index: int) -> None:
    curves = random_curves([4, 5, 6])
    np.testing.assert_allclose(one_curve(curves, index)[0], curves[index])


@pytest.mark.parametrize("index", [3, -4])
def test__one_curve__no_such_position__raises(index: int) -> None:
    with pytest.raises(ValueError, match=f"index={index}, but there are only 3"):
        one_curve(random_curves([4, 5, 6]), index)


def test__one_curve__nothing_measured__names_the_curve() -> None:
    curves = random_curves([4, 5])
    curves[1][:, 1] = np.nan
    with pytest.raises(ValueError, match="light curve 1: no observation has a finite"):
        one_curve(curves, 1)


def test__one_curve__negative_error__names_the_curve_and_the_observation() -> None:
    curves = [np.column_stack([curve, np.full(len(curve), 0.1)]) for curve in random_curves([4, 5])]
    curves[1][3, 2] = -99
    with pytest.raises(ValueError, match=r"light curve 1: the error of observation 3 .*-99"):
        one_curve(curves, 1)


@pytest.mark.parametrize(
    "name", ["best_estimator_", "estimator_", "regressor_", "embedder_", "pipeline", "frozen"]
)
def test__embedder_inside__wherever_it_is__is_found(name: str) -> None:
    embedder = random_embedder()
    if name == "pipeline":
        holder = make_pipeline(embedder, StandardScaler(), LogisticRegression())
    elif name == "frozen":
        holder = FrozenEstimator(embedder)
        assert embedder_inside(holder).network_ is embedder.network_
        return
    else:
        holder = Holder(name, make_pipeline(StandardScaler(), embedder, "passthrough"))
    assert embedder_inside(holder) is embedder


def test__embedder_inside__none__says_what_to_give() -> None:
    with pytest.raises(ValueError, match="no AstromerEmbedder in this Pipeline"):
        embedder_inside(make_pipeline(StandardScaler(), LogisticRegression()))


def test__find_inside__pipeline__is_searched_from_its_end() -> None:
    first, last = StandardScaler(), StandardScaler()
    pipeline = make_pipeline(first, last, LogisticRegression())
    assert find_inside(pipeline, lambda part: isinstance(part, StandardScaler)) is last
