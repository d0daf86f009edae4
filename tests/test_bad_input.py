"""Every public function that takes light curves, tried with every bad or odd input.

Each gets the right numbers (those of a plain input), a warning that has a name, or an error of ours
that says where it is and what to do. What the inputs are, and what they must get, is in
`bad_inputs`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from bad_curves import BAD, CURVES, LABELS
from bad_inputs import CASES, Case
from example_curves import random_embedder, small_embedder
from example_heads import classifier_of, frozen_embedder, narrow_heads
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklearn_astromer import (
    AstromerEmbedder,
    AstromerRegressor,
    FoldedCurve,
    PeriodFinder,
    as_light_curves,
)
from sklearn_astromer.datasets import is_white_noise, magnitude_moments
from sklearn_astromer.evaluation import few_shot_curve
from sklearn_astromer.periods import periodogram, with_periods
from sklearn_astromer.plotting import (
    AttentionDisplay,
    EmbeddingDisplay,
    LightCurveDisplay,
    ReconstructionDisplay,
)

EMBEDDER = random_embedder()


@pytest.fixture(autouse=True, scope="module")
def quick() -> Iterator[None]:
    displays = (AttentionDisplay, EmbeddingDisplay, LightCurveDisplay, ReconstructionDisplay)
    with narrow_heads(), pytest.MonkeyPatch.context() as patch:
        for display in displays:
            # What they are given is of interest here, and not what they draw of it.
            patch.setattr(display, "plot", lambda self, **_: self)
        yield


@cache
def folding_embedder(period_search: bool = True) -> AstromerEmbedder:
    embedder = small_embedder(architecture="folding", max_epochs=1, period_search=period_search)
    return embedder.fit(CURVES)


@cache
def trained(kind: str) -> Any:
    """An estimator that was fitted to good light curves."""
    if kind == "regressor":
        return regressor().fit(CURVES, np.arange(4.0))
    return classifier_of(kind, max_epochs=1).fit(CURVES, LABELS)


def regressor() -> AstromerRegressor:
    return AstromerRegressor(
        frozen_embedder(), head="linear", max_epochs=1, validation_fraction=None, random_state=0
    )


def measured_rows(rows: list[NDArray[Any]]) -> NDArray[Any]:
    """Join what is given for each observation, without those that were not measured."""
    # In an order that does not depend on the one in which they were given.
    return np.concatenate(
        [np.sort(row[np.isfinite(row.reshape(len(row), -1)).all(1)], axis=0) for row in rows]
    )


def measured(X: Any) -> NDArray[Any]:
    """Whatever was measured, in order, and what it belongs to."""
    curves = as_light_curves(X)
    seen = np.isfinite(curves.time) & np.isfinite(curves.magnitude)
    star = np.repeat(np.arange(len(curves)), curves.lengths)
    columns = np.stack([star[seen], curves.time[seen], curves.magnitude[seen]])
    return columns[:, np.lexsort(columns[::-1])]


def labels(X: Any) -> NDArray[Any]:
    return np.resize(LABELS, len(X))


def fitted(X: Any) -> NDArray[Any]:
    embedder = small_embedder(max_epochs=1, validation_fraction=None).fit(X)
    return embedder.transform(CURVES)


def scores(X: Any) -> NDArray[Any]:
    model = make_pipeline(frozen_embedder(), LogisticRegression())
    table = few_shot_curve(
        {"model": model}, X, labels(X), [1], test_per_class=1, n_splits=1, random_state=0
    )
    return table["f1_mean"].to_numpy()


def spectrum(X: Any) -> NDArray[Any]:
    frequencies, powers = periodogram(X)
    return np.concatenate([*frequencies, *powers])


def points(display: LightCurveDisplay) -> NDArray[Any]:
    return measured_rows([np.column_stack([display.time, display.magnitude])])


USES: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "as_light_curves": ("everywhere", measured),
    "magnitude_moments": ("everywhere", lambda X: np.array(magnitude_moments(X))),
    "is_white_noise": ("everywhere", is_white_noise),
    "AstromerEmbedder.fit": ("embedded", fitted),
    "AstromerEmbedder.transform": ("embedded", EMBEDDER.transform),
    "AstromerEmbedder.transform, sequence": (
        "embedded",
        lambda X: measured_rows(random_embedder(output="sequence").transform(X)),
    ),
    "AstromerEmbedder.reconstruct": ("embedded", lambda X: measured_rows(EMBEDDER.reconstruct(X))),
    "AstromerEmbedder.score": ("embedded", EMBEDDER.score),
    "AstromerEmbedder.find_periods": ("searched", lambda X: folding_embedder().find_periods(X)),
    "AstromerEmbedder.transform, folding": (
        "searched",
        lambda X: folding_embedder().transform(X),
    ),
    "AstromerEmbedder.transform, no search": (
        "with_errors",
        lambda X: folding_embedder(period_search=False).transform(X),
    ),
    "AstromerClassifier.fit": (
        "embedded",
        lambda X: classifier_of(max_epochs=1).fit(X, labels(X)).predict_proba(CURVES),
    ),
    "AstromerClassifier.partial_fit": (
        "embedded",
        lambda X: classifier_of(max_epochs=1).partial_fit(X, labels(X)).predict_proba(CURVES),
    ),
    "AstromerClassifier.predict_proba": (
        "embedded",
        lambda X: trained("linear").predict_proba(X),
    ),
    "LSTMClassifier.fit": (
        "embedded",
        lambda X: classifier_of("baseline", max_epochs=1).fit(X, labels(X)).predict_proba(CURVES),
    ),
    "LSTMClassifier.predict_proba": ("embedded", lambda X: trained("baseline").predict_proba(X)),
    "AstromerRegressor.fit": (
        "embedded",
        lambda X: regressor().fit(X, np.arange(float(len(X)))).predict(CURVES),
    ),
    "AstromerRegressor.predict": ("embedded", lambda X: trained("regressor").predict(X)),
    "PeriodFinder.transform": ("searched", lambda X: PeriodFinder().transform(X)),
    "FoldedCurve.fit_transform": (
        "searched",
        lambda X: FoldedCurve(n_bins=6, with_period=True).fit_transform(X),
    ),
    "periodogram": ("searched", spectrum),
    "with_periods": ("searched", lambda X: with_periods(X).ephemerides.facts()),
    "few_shot_curve": ("embedded", scores),
    "EmbeddingDisplay": (
        "embedded",
        lambda X: np.abs(EmbeddingDisplay.from_estimator(EMBEDDER, X).points),
    ),
    "LightCurveDisplay": (
        "drawn",
        lambda X: points(LightCurveDisplay.from_light_curve(X, index=BAD)),
    ),
    "ReconstructionDisplay": (
        "drawn",
        lambda X: measured_rows(
            [ReconstructionDisplay.from_estimator(EMBEDDER, X, index=BAD).predicted]
        ),
    ),
    "AttentionDisplay": (
        "drawn",
        lambda X: AttentionDisplay.from_estimator(EMBEDDER, X, index=BAD).weights,
    ),
}


# What is told of the errors, or how many are searched, is part of what this network sees.
NOT_AS_PLAIN = {
    ("AstromerEmbedder.transform, folding", "NaN as an error"),
    ("AstromerEmbedder.transform, no search", "NaN as an error"),
}


def left_out(name: str, case: Case) -> bool:
    """Tell what is no use of light curves."""
    if name.endswith("Display"):
        # Displays take one light curve as it is; and of one observation none can be hidden.
        one = "a light curve of one observation" if name == "ReconstructionDisplay" else ""
        return case.given in ("a 2-D array that is one light curve", one)
    # Whatever is no light curve counts as features; and of labels, more is asked first.
    return name == "few_shot_curve" and (
        case.given.startswith(("a 2-D array", "a data frame of mag"))
        or case.given in ("an empty list", "an array without rows")
        or case.embedded is not None
    )


TRIED = [
    pytest.param(name, case, id=f"{name}: {case.given}")
    for name in USES
    for case in CASES
    if not left_out(name, case)
]


@pytest.mark.parametrize(("name", "case"), TRIED)
def test__use__bad_or_odd_light_curves__right_numbers_or_says_what_is_wrong(
    name: str, case: Case
) -> None:
    use, function = USES[name]
    outcome = case.outcome(use)
    expected = None
    if outcome.kind is None or issubclass(outcome.kind, Warning):
        plain = replace(case, plain=None) if (name, case.given) in NOT_AS_PLAIN else case
        expected = function(plain.numbers())
    with outcome.expected():
        result = function(case.X())
        np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)
