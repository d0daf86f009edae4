"""skops keeps every estimator, and asks for no types but those that the documentation lists."""

from __future__ import annotations

import ast
import copy
import pickle
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
import torch
from example_curves import random_curves, random_embedder, small_embedder
from example_heads import HEAD_NAMES, KINDS, QUICK, classifier_of, labelled_curves, narrow_heads
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_astromer import (
    AstromerEmbedder,
    AstromerRegressor,
    BandEmbedder,
    FoldedCurve,
    PeriodFinder,
)
from sklearn_astromer.errors import WeightsError
from sklearn_astromer.evaluation import SamplesPerClass

X, Y = labelled_curves(6)
UNSEEN = random_curves([30, 15, 45], seed=9)
PAGE = Path(__file__).resolve().parents[1] / "docs" / "saving.md"
TRUSTED = ast.literal_eval(
    re.search(r">>> trusted = (\[.*?\])", PAGE.read_text(), re.DOTALL)[1].replace("...", "")
)


@pytest.fixture(autouse=True)
def _narrow() -> Iterator[None]:
    with narrow_heads():
        yield


def two_bands() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "mjd": [np.r_[curve[:, 0], curve[:, 0]] for curve in X],
            "mag": [np.r_[curve[:, 1], curve[:, 1] + 1] for curve in X],
            "band": [np.repeat(["g", "r"], len(curve)) for curve in X],
        }
    )


def named() -> pd.DataFrame:
    magnitudes = np.random.RandomState(0).randn(6, 12)
    return pd.DataFrame(magnitudes, columns=[f"day {day}" for day in range(12)])


def regressor(head: str) -> AstromerRegressor:
    targets = np.column_stack([Y, -3.0 * Y])
    return AstromerRegressor(random_embedder(finetune=True, max_epochs=1), head=head, **QUICK).fit(
        X, targets
    )


def pipeline() -> Any:
    embedder = small_embedder(window_size=20, finetune=True)
    return make_pipeline(embedder, StandardScaler(), LogisticRegression()).fit(X, Y)


ESTIMATORS: dict[str, Callable[[], Any]] = {
    "embedder": lambda: small_embedder(window_size=20).fit(X),
    "embedder with names": lambda: small_embedder().fit(named()),
    "weights that ship": lambda: AstromerEmbedder("macho", finetune=False).fit(X),
    "weights by name, not fitted": lambda: AstromerEmbedder.pretrained("macho"),
    "not fitted": lambda: AstromerEmbedder(random_state=3),
    "departing embedder": lambda: random_embedder({"residual": True, "standardised": True}),
    **{kind: (lambda kind=kind: classifier_of(kind).fit(X, Y)) for kind in KINDS},
    "trained encoder": lambda: classifier_of("mlp", train_encoder=True, encoder_epochs=1).fit(X, Y),
    "text labels": lambda: classifier_of("linear").fit(X, np.array(["a", "b", "c"])[Y]),
    "float64": lambda: classifier_of("lstm", precision="float64").fit(X, Y),
    "partly fitted": lambda: classifier_of("mlp").partial_fit(X, Y),
    **{f"regressor {head}": (lambda head=head: regressor(head)) for head in HEAD_NAMES},
    "bands": lambda: BandEmbedder(random_embedder(), bands=["g", "r"]).fit(two_bands()),
    "folded": lambda: FoldedCurve(n_bins=4, with_period=True).fit(X),
    "periods": lambda: PeriodFinder().fit(X),
    "samples per class": lambda: SamplesPerClass(classifier_of(), 3, random_state=0).fit(X, Y),
    "pipeline": pipeline,
    "folded forest": lambda: make_pipeline(FoldedCurve(n_bins=4), StandardScaler()).fit(X),
}


def outputs(estimator: Any, name: str) -> np.ndarray:
    data = {"bands": two_bands(), "embedder with names": named()}.get(name, UNSEEN)
    for method in ("predict_proba", "predict", "transform"):
        if hasattr(estimator, method):
            return np.asarray(getattr(estimator, method)(data))
    raise AssertionError(estimator)


def through_skops(estimator: Any) -> Any:
    return skops.io.loads(skops.io.dumps(estimator), trusted=TRUSTED)


WAYS: dict[str, Callable[[Any], Any]] = {
    "skops": through_skops,
    "pickle": lambda estimator: pickle.loads(pickle.dumps(estimator)),
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
}


@pytest.mark.parametrize("name", ESTIMATORS)
def test__skops__any_estimator__comes_back_with_the_same_numbers(name: str) -> None:
    estimator = ESTIMATORS[name]()
    packed = skops.io.dumps(estimator)
    asked = set(skops.io.get_untrusted_types(data=packed))
    assert asked <= set(TRUSTED)
    loaded = skops.io.loads(packed, trusted=sorted(asked))
    assert repr(loaded) == repr(estimator)
    assert vars(loaded).keys() == vars(estimator).keys()
    if name != "not fitted":
        np.testing.assert_array_equal(outputs(loaded, name), outputs(estimator, name))


def test__trusted__list_of_the_documentation__has_what_is_needed_and_no_more() -> None:
    needed: set[str] = set()
    for make in ESTIMATORS.values():
        needed |= set(skops.io.get_untrusted_types(data=skops.io.dumps(make())))
    assert sorted(needed) == TRUSTED


# Not `copy`, which by its nature shares the embedder that is trained.
@pytest.mark.parametrize("way", ["skops", "pickle", "deepcopy"])
@pytest.mark.parametrize(
    ("kind", "train_encoder"), [("mlp", False), ("lstm", True), ("baseline", False)]
)
def test__partial_fit__after_any_way__goes_on_as_if_nothing_had_been(
    way: str, kind: str, train_encoder: bool
) -> None:
    given = {} if kind == "baseline" else {"train_encoder": train_encoder}
    estimator = classifier_of(kind, **given).partial_fit(X, Y).partial_fit(X, Y)
    other = WAYS[way](estimator)
    for _ in range(2):
        estimator.partial_fit(X, Y)
    expected = estimator.predict_proba(UNSEEN)
    for _ in range(2):
        other.partial_fit(X, Y)
    np.testing.assert_array_equal(other.predict_proba(UNSEEN), expected)
    assert [row["epoch"] for row in other.history_] == [1, 2, 3, 4]
    assert [row["train_loss"] for row in other.history_] == [
        row["train_loss"] for row in estimator.history_
    ]


@pytest.mark.parametrize("way", WAYS)
def test__copy__of_any_kind__shares_no_weights(way: str) -> None:
    embedder = random_embedder()
    expected = embedder.transform(UNSEEN)
    other = WAYS[way](embedder)
    with torch.no_grad():
        for parameter in other.network_.parameters():
            parameter += 1
    np.testing.assert_array_equal(embedder.transform(UNSEEN), expected)
    assert not np.array_equal(other.transform(UNSEEN), expected)


def test__state__any_estimator__holds_no_torch() -> None:
    def types_in(value: Any) -> Iterator[type]:
        yield type(value)
        parts = value.values() if isinstance(value, dict) else value
        if isinstance(value, (dict, list, tuple)):
            for part in parts:
                yield from types_in(part)

    for estimator in (classifier_of("mlp").partial_fit(X, Y), random_embedder()):
        kinds = set(types_in(estimator.__getstate__()))
        assert not [kind for kind in kinds if kind.__module__.startswith(("torch", "skorch"))]


def test__setstate__numbers_that_do_not_fit__are_refused() -> None:
    state = random_embedder().__getstate__()
    state["network_"]["config"] |= {"embedding_size": 16}
    with pytest.raises(WeightsError, match="do not fit"):
        AstromerEmbedder().__setstate__(state)
    state = classifier_of("mlp").fit(X, Y).__getstate__()
    state["head_"]["arguments"] |= {"n_outputs": 10**9}
    with pytest.raises(WeightsError, match="do not fit"):
        classifier_of().__setstate__(state)
    state["head_"]["arguments"] = {"n_outputs": 3, "embedding_size": 8, "sizes": [1] * 10**8}
    with pytest.raises(WeightsError, match="do not fit"):
        classifier_of().__setstate__(state)
    state["head_"]["kind"] = "Sequential"
    with pytest.raises(WeightsError, match="no head 'Sequential'"):
        classifier_of().__setstate__(state)


def test__setstate__partly_fitted_on_a_gpu_that_is_not_here__goes_on_without(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    estimator = classifier_of("mlp", device="auto").partial_fit(X, Y)
    state = estimator.__getstate__()
    state["settings_"]["device"] = "cuda:1"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    loaded = classifier_of("mlp", device="auto")
    loaded.__setstate__(state)
    expected = estimator.partial_fit(X, Y).predict_proba(UNSEEN)
    np.testing.assert_array_equal(loaded.partial_fit(X, Y).predict_proba(UNSEEN), expected)


def test__setstate__any__leaves_random_numbers_alone() -> None:
    estimator = classifier_of("mlp").partial_fit(X, Y)
    torch.manual_seed(2)
    expected = torch.rand(1)
    torch.manual_seed(2)
    copy.deepcopy(estimator)
    assert torch.equal(torch.rand(1), expected)
