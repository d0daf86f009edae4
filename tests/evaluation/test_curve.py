"""Scores against the number of labels, and results that outlive an interruption."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import Any, Self

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_astromer import AstromerEmbedder, LightCurves
from sklearn_astromer.datasets import make_variable_stars
from sklearn_astromer.evaluation import FewShotSplit, SamplesPerClass, few_shot_curve

COUNTS = {"EC": 30, "Mira": 20, "RRab": 15}
RANDOM = np.random.RandomState(0)
Y = RANDOM.permutation(np.repeat(list(COUNTS), list(COUNTS.values())))
X = RANDOM.randn(len(Y), 3) + np.searchsorted(list(COUNTS), Y)[:, None]
ROOT = Path(__file__).resolve().parents[2]

# What `Counting` was fitted on, and after how many fits it stops everything.
fits: list[list[float]] = []
stop_at: list[int] = []


class Counting(ClassifierMixin, BaseEstimator):
    """A classifier that writes down what it is fitted on."""

    def __init__(self, history: int | None = None) -> None:
        self.history = history

    def fit(self, X: Any, y: Any) -> Self:
        if stop_at and len(fits) == stop_at[0]:
            raise KeyboardInterrupt
        fits.append(np.asarray(X)[:, 0].tolist())
        self.model_ = LogisticRegression().fit(X, y)
        self.classes_ = self.model_.classes_
        if self.history is not None:
            self.history_ = [{}] * self.history
        return self

    def predict(self, X: Any) -> Any:
        return self.model_.predict(X)


@pytest.fixture(autouse=True)
def _no_fits_yet() -> None:
    fits.clear()
    stop_at.clear()


def curve(estimator: Any = None, samples: Any = (2, 5), **params: Any) -> pd.DataFrame:
    estimators = {"model": Counting() if estimator is None else estimator}
    if isinstance(estimator, dict):
        estimators = estimator
    params = {"X": X, "y": Y, "test_per_class": 8} | params
    return few_shot_curve(estimators, params.pop("X"), params.pop("y"), samples, **params)


def without_times(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(columns=["fit_seconds", "predict_seconds"])


def test__few_shot_curve__one_row_per_estimator_and_number__as_by_hand() -> None:
    table = curve({"lr": LogisticRegression(), "dummy": DummyClassifier()}, [5, 2], n_splits=4)
    assert table.columns.tolist() == [
        *("estimator", "samples_per_class", "n_splits", "f1_mean", "f1_std"),
        *("fit_seconds", "predict_seconds", "epochs"),
    ]
    assert table["estimator"].tolist() == ["lr", "lr", "dummy", "dummy"]
    assert table["samples_per_class"].tolist() == [5, 2, 5, 2]
    assert table["n_splits"].tolist() == [4] * 4
    for row, n in ((0, 5), (1, 2)):
        cv = FewShotSplit(n, test_per_class=8, n_splits=4, random_state=0)
        scores = []
        for train, test in cv.split(X, Y):
            predicted = LogisticRegression().fit(X[train], Y[train]).predict(X[test])
            scores.append(f1_score(Y[test], predicted, average="macro"))
        assert table["f1_mean"][row] == pytest.approx(np.mean(scores), abs=1e-12)
        assert table["f1_std"][row] == pytest.approx(np.std(scores), abs=1e-12)
    assert (table[["fit_seconds", "predict_seconds"]] > 0).all(axis=None)
    assert table["epochs"].isna().all()


def test__few_shot_curve__nothing_else_given__is_the_protocol_of_the_paper() -> None:
    stars = np.zeros((1300, 1))
    kinds = np.repeat(["EC", "Mira"], [600, 700])
    table = few_shot_curve({"dummy": DummyClassifier()}, stars, kinds)
    assert table["samples_per_class"].tolist() == [20, 50, 100, 500]
    assert table["n_splits"].tolist() == [3] * 4
    with pytest.raises(ValueError, match=r"600 stars of each class .* only 599 of 'EC'"):
        few_shot_curve({"dummy": DummyClassifier()}, stars[1:], kinds[1:])
    # The same stars every time.
    few_shot_curve({"model": Counting()}, X, Y, [2], test_per_class=8)
    few_shot_curve({"model": Counting()}, X, Y, [2], test_per_class=8, random_state=0)
    assert fits[3:] == fits[:3]


def test__few_shot_curve__per_split__is_what_the_means_are_of() -> None:
    rows, table = curve(per_split=True), curve()
    assert rows.columns.tolist() == [
        *("estimator", "samples_per_class", "split", "f1"),
        *("fit_seconds", "predict_seconds", "epochs"),
    ]
    assert rows["split"].tolist() == [0, 1, 2] * 2
    assert table["f1_mean"].tolist() == pytest.approx(
        [rows["f1"][:3].mean(), rows["f1"][3:].mean()]
    )


def test__few_shot_curve__scoring__names_the_columns() -> None:
    dummy = DummyClassifier(strategy="constant", constant="EC")
    accuracy = curve(dummy, scoring="accuracy")
    assert accuracy["accuracy_mean"].tolist() == pytest.approx([1 / 3] * 2)
    own = curve(dummy, scoring=lambda model, X, y: float(len(y)), per_split=True)
    assert own["score"].tolist() == [24.0] * 6


def test__few_shot_curve__seconds__are_no_more_than_passed() -> None:
    begin = perf_counter()
    table = curve(LogisticRegression(), n_splits=2)
    elapsed = perf_counter() - begin
    seconds = table["fit_seconds"] + table["predict_seconds"]
    assert 0 < 2 * seconds.sum() <= elapsed


def test__few_shot_curve__other_test_stars__are_not_in_the_cache(tmp_path: Path) -> None:
    for test_per_class in (8, 4):
        cached = curve(LogisticRegression(), test_per_class=test_per_class, cache=tmp_path)
        alone = curve(LogisticRegression(), test_per_class=test_per_class)
        pd.testing.assert_frame_equal(without_times(cached), without_times(alone))


def test__few_shot_curve__n_jobs__gives_the_same(tmp_path: Path) -> None:
    both = curve(LogisticRegression(), n_jobs=2, cache=tmp_path)
    pd.testing.assert_frame_equal(without_times(both), without_times(curve(LogisticRegression())))
    assert len(list(tmp_path.iterdir())) == 6


def test__few_shot_curve__skip__the_same_classes_for_all_numbers() -> None:
    few = curve(samples=[2, 10], on_too_few="skip", per_split=True, scoring=lambda m, X, y: len(y))
    assert few["score"].tolist() == [16.0] * 6
    assert [len(rows) for rows in fits] == [4] * 3 + [20] * 3


def test__few_shot_curve__too_few__is_an_error_before_any_fit() -> None:
    with pytest.raises(ValueError, match=r"18 stars of each class .* only 15 of 'RRab'\."):
        curve(samples=[2, 10])
    assert not fits


@pytest.mark.parametrize(
    "wrap",
    [
        lambda inner: inner,
        lambda inner: make_pipeline(StandardScaler(), inner),
        lambda inner: SamplesPerClass(inner, 2),
        lambda inner: GridSearchCV(make_pipeline(SamplesPerClass(inner, 1)), {}, cv=2),
    ],
    ids=["alone", "pipeline", "samples per class", "grid search"],
)
def test__epochs__history_of_the_last_estimator_inside__is_counted(wrap: Any) -> None:
    assert curve(wrap(Counting(history=7)))["epochs"].tolist() == [7.0, 7.0]


def test__cache__called_again__fits_nothing_and_gives_the_same(tmp_path: Path) -> None:
    first = curve(cache=tmp_path / "made" / "here")
    assert len(fits) == 6
    again = curve(cache=str(tmp_path / "made" / "here"))
    assert len(fits) == 6
    pd.testing.assert_frame_equal(first, again)


def test__cache__stopped_at_the_third_fit__goes_on_there(tmp_path: Path) -> None:
    stop_at.append(2)
    with pytest.raises(KeyboardInterrupt):
        curve(cache=tmp_path)
    assert len(list(tmp_path.glob("*.json"))) == len(list(tmp_path.iterdir())) == 2
    stop_at.clear()
    resumed = curve(cache=tmp_path)
    assert len(fits) == 6
    assert len({tuple(rows) for rows in fits}) == 6
    pd.testing.assert_frame_equal(without_times(resumed), without_times(curve()))


def test__cache__more_numbers_estimators_or_names__only_the_new_is_computed(tmp_path: Path) -> None:
    curve(cache=tmp_path)
    curve({"renamed": Counting()}, cache=tmp_path)
    assert len(fits) == 6
    # The largest number decides nothing about the stars of the others.
    curve(samples=[2, 5, 7], cache=tmp_path)
    assert len(fits) == 9
    curve(samples=[2, 5, 7], cache=tmp_path, n_splits=4)
    assert len(fits) == 12


@pytest.mark.parametrize(
    "changes",
    [
        {"estimator": Counting(history=1)},
        {"X": X + 1e-9},
        {"y": np.where(Y == "EC", "EB", Y)},
        {"random_state": 1},
        {"test_per_class": 7},
        {"scoring": "accuracy"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test__cache__anything_changes__is_computed_anew(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    curve(cache=tmp_path)
    curve(**changes, cache=tmp_path)
    assert len(fits) == 12


def test__cache__damaged_file__is_an_error_that_names_it(tmp_path: Path) -> None:
    curve(cache=tmp_path)
    file = sorted(tmp_path.iterdir())[0]
    file.write_text("{")
    with pytest.raises(ValueError, match=f"{file.name} is damaged"):
        curve(cache=tmp_path)
    file.unlink()
    curve(cache=tmp_path)
    assert len(fits) == 7


def test__cache__files__can_be_read_by_people(tmp_path: Path) -> None:
    curve(Counting(history=3), cache=tmp_path)
    found = [json.loads(file.read_text()) for file in tmp_path.iterdir()]
    assert {(result["samples_per_class"], result["split"]) for result in found} == {
        (n, split) for n in (2, 5) for split in range(3)
    }
    assert {(result["estimator"], result["epochs"]) for result in found} == {("model", 3)}


def run_with_embedder(folder: Path) -> pd.DataFrame:
    """What a script does, in this process or another."""
    stars, kinds = make_variable_stars(5, classes=["RRab", "Mira"], random_state=0)
    curves = LightCurves.concatenate([stars[k : k + 1] for k in range(len(stars))])
    embedder = AstromerEmbedder.pretrained("macho", finetune=False)
    models = {
        "macho": make_pipeline(embedder, StandardScaler(), LogisticRegression()),
        "spread": make_pipeline(FunctionTransformer(spread), LogisticRegression()),
    }
    return few_shot_curve(
        models, [one[:20] for one in curves], kinds, [2], test_per_class=3, cache=folder
    )


def spread(curves: LightCurves) -> np.ndarray:
    # Only LightCurves have magnitudes.
    return np.stack([curves.magnitude[start : start + 20] for start in curves.offsets[:-1]]).std(
        axis=1, keepdims=True
    )


def test__cache__other_process__finds_the_results(tmp_path: Path) -> None:
    here = run_with_embedder(tmp_path)
    before = {file.name: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    assert len(before) == 6
    code = "import sys, test_curve as t; t.run_with_embedder(t.Path(sys.argv[1]))"
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        check=True,
        env=os.environ | {"PYTHONPATH": f"{ROOT}:{Path(__file__).parent}", "PYTHONHASHSEED": "9"},
    )
    assert {file.name: file.stat().st_mtime_ns for file in tmp_path.iterdir()} == before
    pd.testing.assert_frame_equal(here, run_with_embedder(tmp_path))


def test__verbose__shows_a_bar_that_starts_with_what_is_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    curve(cache=tmp_path)
    assert capsys.readouterr().err == ""
    curve(samples=[2, 5, 7], cache=tmp_path, verbose=1)
    shown = capsys.readouterr().err
    assert "9/9" in shown
    assert "fit" in shown


def test__no_pandas__error_prints_the_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r'pip install "sklearn-astromer\[tables\]"'):
        curve()
    assert not fits


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"estimator": {}}, "estimators must be a dict"),
        ({"estimator": {"a": LogisticRegression}}, r"estimators\['a'\] must be an estimator"),
        ({"samples": 5}, "samples_per_class must be a sequence"),
        ({"samples": []}, "one or more numbers"),
        ({"samples": [5, 5]}, "all different"),
        ({"samples": [5, 0]}, r"samples_per_class\[1\] must be a positive integer"),
        ({"test_per_class": 0}, "test_per_class must be"),
        ({"n_splits": 0}, "n_splits must be"),
        ({"on_too_few": "all"}, "on_too_few must be one of"),
        ({"scoring": 3}, "scoring must be None"),
        ({"scoring": lambda model, X, y: {"a": 1.0}}, "scoring must give one number"),
        ({"y": Y[:-1]}, "inconsistent numbers of samples"),
    ],
)
def test__few_shot_curve__bad_parameter__is_an_error(params: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        curve(**params)
