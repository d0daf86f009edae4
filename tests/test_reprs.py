"""Estimators as notebooks show them: without a download, a fit or an error."""

from __future__ import annotations

from typing import Any

import pytest
from example_curves import random_curves, random_embedder
from sklearn.compose import ColumnTransformer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklearn_astromer import (
    AstromerClassifier,
    AstromerEmbedder,
    AstromerRegressor,
    BandEmbedder,
    FoldedCurve,
    LSTMClassifier,
    PeriodFinder,
    weights,
)
from sklearn_astromer.evaluation import SamplesPerClass

OFFICIAL = AstromerEmbedder("macho-official", finetune=False)
# What is shown, and names that have to be there, those of estimators inside too.
SHOWN: dict[str, tuple[Any, list[str]]] = {
    "embedder": (AstromerEmbedder(), ["AstromerEmbedder"]),
    "embedder with weights": (OFFICIAL, ["AstromerEmbedder", "macho-official"]),
    "typing error": (AstromerEmbedder("machoo"), ["AstromerEmbedder", "machoo"]),
    "no such folder": (AstromerEmbedder("no/folder"), ["AstromerEmbedder", "no/folder"]),
    "pipeline": (
        make_pipeline(OFFICIAL, LogisticRegression()),
        ["AstromerEmbedder", "LogisticRegression"],
    ),
    "classifier": (AstromerClassifier(OFFICIAL), ["AstromerClassifier", "AstromerEmbedder"]),
    "frozen, in a pipeline": (
        make_pipeline(AstromerClassifier(FrozenEstimator(OFFICIAL))),
        ["AstromerClassifier", "FrozenEstimator", "AstromerEmbedder"],
    ),
    "regressor": (AstromerRegressor(OFFICIAL), ["AstromerRegressor", "AstromerEmbedder"]),
    "baseline": (LSTMClassifier(), ["LSTMClassifier"]),
    "bands": (BandEmbedder(OFFICIAL, bands=["g", "r"]), ["BandEmbedder", "AstromerEmbedder"]),
    "periods": (PeriodFinder(), ["PeriodFinder"]),
    "folded": (FoldedCurve(), ["FoldedCurve"]),
    "samples per class": (
        SamplesPerClass(make_pipeline(OFFICIAL, LogisticRegression())),
        ["SamplesPerClass", "AstromerEmbedder", "LogisticRegression"],
    ),
    "columns": (ColumnTransformer([("emb", OFFICIAL, ["mjd", "mag"])]), ["AstromerEmbedder"]),
}


@pytest.mark.parametrize(("estimator", "names"), SHOWN.values(), ids=SHOWN)
def test__repr_html__any_estimator__names_all_parts_and_loads_nothing(
    estimator: Any, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(name: str) -> None:
        if name in weights.available():
            raise AssertionError(f"{name} was to be loaded")
        raise ValueError("no such weights")

    monkeypatch.setattr(weights, "load", load)
    shown = estimator._repr_html_()
    assert [name for name in names if name not in shown] == []
    assert repr(estimator)


def test__repr_html__embedder_with_weights__tells_how_many_features_come_out() -> None:
    pytest.importorskip("sklearn.utils._repr_html.features", reason="newer scikit-learn shows them")
    assert "256 features" in OFFICIAL._repr_html_()


def test__repr_html__fitted_classifier__says_so() -> None:
    embedder = FrozenEstimator(random_embedder())
    classifier = AstromerClassifier(embedder, head="linear", max_epochs=1, random_state=0)
    assert "Not fitted" in classifier._repr_html_()
    classifier.fit(random_curves([30] * 6), ["a", "b"] * 3)
    assert "Not fitted" not in classifier._repr_html_()
