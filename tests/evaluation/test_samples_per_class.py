"""A classifier that is fitted on few stars of each class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone, is_classifier
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_astromer import AstromerEmbedder, LightCurves
from sklearn_astromer.datasets import make_variable_stars
from sklearn_astromer.evaluation import FewShotSplit, SamplesPerClass

RANDOM = np.random.RandomState(0)
Y = RANDOM.permutation(np.repeat(["EC", "Mira", "RRab"], [30, 12, 6]))
X = RANDOM.randn(len(Y), 3) + np.searchsorted(["EC", "Mira", "RRab"], Y)[:, None]


# Some checks change one row and expect fit to see it, so all rows must be among the chosen ones.
@parametrize_with_checks(
    [SamplesPerClass(LogisticRegression(), samples_per_class=100, on_too_few="all", random_state=0)]
)
def test__scikit_learn_checks__logistic_regression_inside__all_pass(
    estimator: Any, check: Callable[[Any], None]
) -> None:
    check(estimator)


def fitted(n: int = 4, inner: Any = None, y: Any = Y, **params: Any) -> SamplesPerClass:
    inner = LogisticRegression() if inner is None else inner
    return SamplesPerClass(inner, n, **({"random_state": 0} | params)).fit(X, y)


def test__fit__some_of_each_class__is_the_inner_fit_on_the_chosen_stars() -> None:
    model = fitted()
    assert model.samples_.dtype == np.int64
    assert model.samples_.tolist() == sorted(set(model.samples_.tolist()))
    assert Counter(Y[model.samples_]) == {"EC": 4, "Mira": 4, "RRab": 4}
    alone = LogisticRegression().fit(X[model.samples_], Y[model.samples_])
    assert np.array_equal(model.predict_proba(X), alone.predict_proba(X))
    assert np.array_equal(model.predict_log_proba(X), alone.predict_log_proba(X))
    assert np.array_equal(model.decision_function(X), alone.decision_function(X))
    assert model.predict(X).tolist() == alone.predict(X).tolist()
    assert model.score(X, Y) == alone.score(X, Y)
    assert model.classes_.tolist() == ["EC", "Mira", "RRab"]
    assert model.n_features_in_ == 3
    assert not hasattr(model, "feature_names_in_")


def test__fit__same_random_state__smaller_choice_is_inside() -> None:
    chosen = [set(fitted(n).samples_) for n in (1, 3, 6)]
    assert chosen[0] < chosen[1] < chosen[2]
    assert fitted(3).samples_.tolist() == fitted(3).samples_.tolist()
    assert len({tuple(fitted(3, random_state=seed).samples_) for seed in range(5)}) == 5


def test__fit__inner_estimator__is_left_alone() -> None:
    inner = LogisticRegression()
    model = fitted(inner=inner)
    assert not hasattr(inner, "coef_")
    assert clone(model).get_params()["estimator__C"] == 1.0


def test__on_too_few__error__names_all_such_classes() -> None:
    message = (
        r"20 stars of each class are needed \(samples_per_class=20\), but there are only 12 of "
        r"'Mira', 6 of 'RRab'\. Lower samples_per_class, take all there are"
    )
    with pytest.raises(ValueError, match=message):
        fitted(20)


def test__on_too_few__all__takes_what_there_is() -> None:
    model = fitted(20, on_too_few="all")
    assert Counter(Y[model.samples_]) == {"EC": 20, "Mira": 12, "RRab": 6}


def test__on_too_few__skip__never_predicts_the_class() -> None:
    model = fitted(10, on_too_few="skip")
    assert Counter(Y[model.samples_]) == {"EC": 10, "Mira": 10}
    assert model.classes_.tolist() == ["EC", "Mira"]
    with pytest.raises(ValueError, match=r"fewer than two classes have them: 30 of 'EC'"):
        fitted(20, on_too_few="skip")


def curves_of(X: np.ndarray) -> LightCurves:
    return LightCurves(np.tile([0.0, 1.0, 2.0], len(X)), X.ravel(), offsets=3 * np.arange(49))


@pytest.mark.parametrize(
    "convert",
    [
        curves_of,
        lambda X: curves_of(X).to_list(),
        lambda X: pd.DataFrame({"time": [np.arange(3.0)] * len(X), "mag": list(X)}),
        lambda X: np.stack(curves_of(X).to_list()),
    ],
    ids=["light curves", "list", "frame", "3-D"],
)
def test__fit__light_curves_in_any_form__same_stars_same_model(convert: Callable) -> None:
    data = convert(X)
    inner = make_pipeline(AstromerEmbedder(weights="macho", finetune=False), DummyClassifier())
    model = SamplesPerClass(inner, 2, random_state=0).fit(data, Y)
    assert model.samples_.tolist() == fitted(2).samples_.tolist()
    assert len(model.predict(data)) == len(Y)


def test__fit__frames_and_sparse__are_indexed_by_row() -> None:
    frame = pd.DataFrame(X, columns=["a", "b", "c"], index=np.arange(100, 148))
    model = SamplesPerClass(LogisticRegression(), 4, random_state=0).fit(frame, Y)
    assert model.feature_names_in_.tolist() == ["a", "b", "c"]
    assert np.array_equal(model.predict_proba(frame), fitted().predict_proba(X))
    coo = SamplesPerClass(LogisticRegression(), 4, random_state=0).fit(sparse.coo_array(X), Y)
    assert np.allclose(coo.predict_proba(X), fitted().predict_proba(X))


def test__methods__exist_where_the_inner_estimator_has_them() -> None:
    model = SamplesPerClass(LinearSVC())
    assert hasattr(model, "decision_function")
    assert not hasattr(model, "predict_proba")
    assert not hasattr(model, "transform")
    scaler = make_pipeline(StandardScaler())
    assert np.array_equal(
        fitted(inner=scaler).transform(X), StandardScaler().fit(X[fitted().samples_]).transform(X)
    )
    assert not hasattr(SamplesPerClass(scaler), "predict")


def test__methods__estimator_replaced_after_fit__are_those_of_the_fitted_one() -> None:
    model = fitted(inner=LinearSVC()).set_params(estimator=LogisticRegression())
    assert not hasattr(model, "predict_proba")
    assert hasattr(model, "decision_function")


def test__init__nothing_else_given__twenty_of_each_class() -> None:
    parameters = SamplesPerClass(DummyClassifier()).get_params(deep=False)
    del parameters["estimator"]
    assert parameters == {"samples_per_class": 20, "on_too_few": "error", "random_state": None}


def test__predict__before_fit__is_an_error() -> None:
    with pytest.raises(NotFittedError):
        SamplesPerClass(RidgeClassifier()).predict(X)
    assert not hasattr(SamplesPerClass(RidgeClassifier()), "classes_")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"samples_per_class": 0}, "samples_per_class must be a positive integer"),
        ({"on_too_few": "drop"}, 'on_too_few must be one of "error", "skip", "all"'),
    ],
)
def test__fit__bad_parameter__is_an_error(params: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SamplesPerClass(LogisticRegression(), **params).fit(X, Y)


def test__fit__bad_labels__are_errors() -> None:
    with pytest.raises(
        ValueError, match=r"^SamplesPerClass requires y .* it chooses stars by their class\.$"
    ):
        fitted(y=None)
    with pytest.raises(ValueError, match=r"1 class \(1\)"):
        fitted(y=np.ones(len(X), int))
    with pytest.raises(ValueError, match="continuous"):
        fitted(y=X[:, 0])
    with pytest.raises(ValueError, match="position 47"):
        fitted(y=[*Y[:-1], None])
    with pytest.raises(ValueError, match="inconsistent numbers"):
        fitted(y=Y[:-1])


def test__tags__are_those_of_the_inner_estimator_where_they_are_about_input() -> None:
    assert is_classifier(SamplesPerClass(LogisticRegression()))
    for inner in (LogisticRegression(), AstromerEmbedder()):
        assert get_tags(SamplesPerClass(inner)).input_tags == get_tags(inner).input_tags
    assert get_tags(SamplesPerClass(StandardScaler())).transformer_tags is not None
    # Labels are one column: stars of each class are counted.
    assert get_tags(RandomForestClassifier()).classifier_tags.multi_label
    assert not get_tags(SamplesPerClass(RandomForestClassifier())).classifier_tags.multi_label


def test__grid_search__embedder_inside__runs_over_samples_per_class_in_one_call() -> None:
    stars, kinds = make_variable_stars(
        8, classes=["RRab", "Mira", "contact binary"], cadence="ogle", random_state=0
    )
    short = [curve[:40] for curve in stars]
    model = Pipeline(
        [
            ("emb", AstromerEmbedder.pretrained("macho", finetune=False)),
            ("scale", StandardScaler()),
            ("clf", LogisticRegression(max_iter=2000)),
        ]
    )
    search = GridSearchCV(
        SamplesPerClass(model, random_state=0),
        {"samples_per_class": [2, 4], "estimator__clf__C": [0.1, 1]},
        cv=FewShotSplit(test_per_class=3, n_splits=2, random_state=0),
        scoring="f1_macro",
        n_jobs=2,
        error_score="raise",
    ).fit(short, kinds)
    results = search.cv_results_
    assert results["param_samples_per_class"].tolist() == [2, 4, 2, 4]
    assert np.all((results["mean_test_score"] > 0) & (results["mean_test_score"] <= 1))
    # The same by hand, for one of the four.
    by_hand = []
    for train, test in FewShotSplit(test_per_class=3, n_splits=2, random_state=0).split(
        short, kinds
    ):
        few = SamplesPerClass(clone(model).set_params(clf__C=1), 4, random_state=0)
        few.fit([short[k] for k in train], kinds[train])
        right = few.predict([short[k] for k in test]) == kinds[test]
        by_hand.append(right.mean())
    accuracy = GridSearchCV(
        SamplesPerClass(model, 4, random_state=0),
        {"estimator__clf__C": [1]},
        cv=FewShotSplit(test_per_class=3, n_splits=2, random_state=0),
    ).fit(short, kinds)
    assert accuracy.cv_results_["mean_test_score"][0] == pytest.approx(np.mean(by_hand))
