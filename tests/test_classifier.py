"""Classifiers: labels, weights, windows, what is trained and what is left alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from example_curves import random_curves, small_embedder
from example_heads import (
    EXACT,
    HEAD_NAMES,
    KINDS,
    classifier_of,
    hardly_trained_embedder,
    labelled_curves,
    narrow_heads,
    weighted_mean,
    windows_of_curve,
)
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_astromer import AstromerClassifier, AstromerEmbedder, LightCurves, LSTMClassifier
from sklearn_astromer.datasets import make_variable_stars
from sklearn_astromer.network import heads

X, Y = labelled_curves(6)
UNSEEN, Y_UNSEEN = labelled_curves(10, seed=1)
METHODS = ("predict", "predict_proba", "decision_function", "score")


@pytest.fixture(autouse=True)
def _narrow() -> Iterator[None]:
    with narrow_heads():
        yield


@parametrize_with_checks(
    [
        AstromerClassifier(hardly_trained_embedder(), head="linear", **EXACT),
        AstromerClassifier(hardly_trained_embedder(), head="mlp", **EXACT),
        AstromerClassifier(hardly_trained_embedder(), head="skip", **EXACT),
        AstromerClassifier(hardly_trained_embedder(), head="lstm", **EXACT),
        LSTMClassifier(dropout=0.0, **EXACT),
    ]
)
def test__scikit_learn_checks__each_head__all_pass(
    estimator: Any, check: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is dropped of a light curve is not dropped of its copy, which weights are to equal.
    monkeypatch.setattr(heads, "LSTM_DROPOUT", 0.0)
    check(estimator)


@pytest.mark.parametrize("head", HEAD_NAMES)
def test__fit__default_embedder__tells_eight_classes_of_stars_apart(head: str) -> None:
    curves, y = make_variable_stars(20, random_state=0)
    # One window of the network, half full.
    curves = [curve[:100] for curve in curves]
    classifier = AstromerClassifier(
        head=head, max_epochs=20, learning_rate=5e-3, validation_fraction=None, random_state=0
    ).fit(curves[:96], y[:96])
    # Chance would be an eighth.
    assert classifier.score(curves[96:], y[96:]) >= 0.3


def test__fit__baseline_on_three_amplitudes__tells_unseen_curves_apart() -> None:
    classifier = classifier_of("baseline", max_epochs=60).fit(X, Y)
    assert classifier.score(UNSEEN, Y_UNSEEN) >= 0.6


@pytest.mark.parametrize("kind", KINDS)
def test__predict_proba__longer_than_a_window__is_the_average_computed_by_hand(kind: str) -> None:
    curves = random_curves([61, 20, 3, 45, 1])
    classifier = classifier_of(kind, precision="float64").fit(X, Y)
    head = classifier.head_.eval()
    expected = []
    for curve in curves:
        logarithms, n_observations = [], []
        for time, magnitude in windows_of_curve(curve):
            reading = torch.stack((time, magnitude), dim=-1)
            if kind != "baseline":
                encoder = classifier.embedder_.network_.encoder.double()
                blocks = encoder.outputs(time, magnitude)
                reading = blocks[-1] if kind == "lstm" else blocks[-1].mean(1)
                if kind == "skip":
                    reading = torch.stack([block.mean(1) for block in blocks], dim=1)
            with torch.no_grad():
                logits = head(reading.detach(), torch.tensor([time.shape[1]]))[0].numpy()
            logarithms.append(logits - np.log(np.exp(logits).sum()))
            n_observations.append(time.shape[1])
        mean = np.exp(weighted_mean(logarithms, n_observations))
        expected.append(mean / mean.sum())
    if kind != "baseline":
        classifier.embedder_.network_.encoder.float()
    got = classifier.predict_proba(curves)
    # How the encoder's float32 rounds depends on the release of torch.
    np.testing.assert_allclose(got, expected, rtol=0, atol=5e-7)
    np.testing.assert_array_equal(classifier.predict(curves), np.argmax(expected, axis=1))


@pytest.mark.parametrize("kind", ["linear", "lstm", "skip", "baseline"])
def test__standardise__after_fit__has_the_moments_of_the_training_curves(kind: str) -> None:
    weight = np.random.RandomState(0).uniform(0.5, 2, len(Y))
    classifier = classifier_of(kind, precision="float64").fit(X, Y, sample_weight=weight)
    rows, of_row = [], []
    for curve, value in zip(X, weight, strict=True):
        windows = windows_of_curve(curve)
        for time, magnitude in windows:
            if kind == "baseline":
                reading = torch.stack((time, magnitude), dim=-1)[0]
            else:
                encoder = classifier.embedder_.network_.encoder.double()
                blocks = [block[0].detach() for block in encoder.outputs(time, magnitude)]
                reading = blocks[-1] if kind == "lstm" else blocks[-1].mean(0)[None]
                if kind == "skip":
                    reading = torch.stack([block.mean(0) for block in blocks])[None]
            rows.append(reading.numpy())
            # A light curve counts alike however many windows, or observations, it has.
            n = len(windows) if kind in ("linear", "skip") else len(curve)
            of_row += [value / n] * len(reading)
    reading = np.concatenate(rows)
    mean = np.average(reading, axis=0, weights=of_row)
    spread = np.sqrt(np.average((reading - mean) ** 2, axis=0, weights=of_row))
    np.testing.assert_allclose(classifier.head_.standardise.mean, mean, rtol=1e-5, atol=1e-6)
    # Days and magnitudes have nothing to do with one another; components of embeddings have.
    if kind != "baseline":
        least = 0.01 * np.sqrt(np.mean(spread**2, axis=-1, keepdims=True))
        spread = np.maximum(spread, least)
    np.testing.assert_allclose(classifier.head_.standardise.scale, spread, rtol=1e-3)


@pytest.mark.parametrize("kind", ["linear", "baseline"])
def test__fit__one_class__error_says_class(kind: str) -> None:
    with pytest.raises(ValueError, match=r"at least 2 classes .* only one class: 'RRAB'"):
        classifier_of(kind).fit(X, ["RRAB"] * len(X))


@pytest.mark.parametrize("kind", ["linear", "baseline"])
def test__decision_function__two_classes__is_one_number_per_curve(kind: str) -> None:
    two = Y < 2
    curves = [curve for curve, chosen in zip(X, two, strict=True) if chosen]
    classifier = classifier_of(kind).fit(curves, Y[two])
    probability = classifier.predict_proba(UNSEEN)
    decision = classifier.decision_function(UNSEEN)
    assert probability.shape == (30, 2)
    np.testing.assert_allclose(probability.sum(1), 1)
    odds = np.log(probability[:, 1] / probability[:, 0])
    np.testing.assert_allclose(decision, odds, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(classifier.predict(UNSEEN), (decision > 0).astype(int))
    three = classifier_of(kind).fit(X, Y).decision_function(UNSEEN)
    assert three.shape == (30, 3)


@pytest.mark.parametrize("kind", ["mlp", "baseline"])
@pytest.mark.parametrize("fraction", [None, 0.2])
def test__fit__one_curve_per_class__trains_without_validation(
    kind: str, fraction: float | None
) -> None:
    classifier = classifier_of(kind, validation_fraction=fraction).fit(X[:3], [0, 1, 2])
    assert "valid_loss" not in classifier.history_[0]
    assert classifier.predict(X).shape == (len(X),)


@pytest.mark.parametrize(
    "labels",
    [
        ["DSCT", "EC", "RRAB"],
        np.array(["DSCT", "EC", "RRAB"], dtype=object),
        [-3, 5, 100],
        [1.0, 2.0, 3.0],
        pd.Series(["a", "b", "c"]),
        [False, True],
    ],
)
def test__fit__labels_of_any_type__are_predicted_as_they_are(labels: Any) -> None:
    labels = np.asarray(labels)
    codes = Y % len(labels)
    classifier = classifier_of().fit(X, labels[codes])
    np.testing.assert_array_equal(classifier.classes_, labels)
    predicted = classifier.predict(UNSEEN)
    assert predicted.dtype == labels.dtype
    numbers = classifier_of().fit(X, codes).predict(UNSEEN)
    np.testing.assert_array_equal(predicted, labels[numbers])


def test__score__label_that_was_never_seen__counts_as_wrong() -> None:
    classifier = classifier_of(max_epochs=60).fit(X, Y.astype(str))
    y = Y_UNSEEN.astype(str).astype(object)
    before = classifier.score(UNSEEN, y)
    y[Y_UNSEEN == 2] = "CEP"
    right = (classifier.predict(UNSEEN) == Y_UNSEEN.astype(str)) & (Y_UNSEEN != 2)
    assert classifier.score(UNSEEN, y) == pytest.approx(right.mean())
    assert classifier.score(UNSEEN, y) < before


@pytest.mark.parametrize("kind", ["linear", "lstm", "baseline"])
def test__predict_proba__any_container__is_the_same(kind: str) -> None:
    classifier = classifier_of(kind).fit(X, Y)
    expected = classifier.predict_proba(UNSEEN)
    frame = {
        "time": [curve[:, 0].tolist() for curve in UNSEEN],
        "mag": [curve[:, 1].tolist() for curve in UNSEEN],
    }
    flat = np.concatenate(UNSEEN)
    offsets = np.concatenate(([0], np.cumsum([len(curve) for curve in UNSEEN])))
    gaps = [np.insert(curve, [0, 2, 7], np.nan, axis=0) for curve in UNSEEN]
    for same in (
        pd.DataFrame(frame),
        LightCurves(flat[:, 0], flat[:, 1], offsets=offsets),
        [curve[::-1] for curve in UNSEEN],
        gaps,
    ):
        np.testing.assert_allclose(classifier.predict_proba(same), expected, rtol=0, atol=1e-6)
    with_gaps = classifier_of(kind).fit([np.insert(c, 4, np.nan, axis=0) for c in X], Y)
    np.testing.assert_array_equal(with_gaps.predict_proba(UNSEEN), expected)
    assert np.isfinite(classifier.predict_proba(random_curves([3, 1]))).all()


def test__joblib__another_process__predicts_the_same(tmp_path: Path) -> None:
    classifiers = [classifier_of(kind).fit(X, Y) for kind in KINDS]
    joblib.dump((classifiers, UNSEEN), tmp_path / "classifiers.joblib")
    code = (
        "import sys, joblib, numpy, torch; torch.set_num_threads(int(sys.argv[3]));"
        "classifiers, curves = joblib.load(sys.argv[1]);"
        "numpy.save(sys.argv[2], [one.predict_proba(curves) for one in classifiers])"
    )
    files = [str(tmp_path / name) for name in ("classifiers.joblib", "out.npy")]
    subprocess.run(
        [sys.executable, "-c", code, *files, str(torch.get_num_threads())],
        check=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[1])},
    )
    expected = [one.predict_proba(UNSEEN) for one in classifiers]
    np.testing.assert_array_equal(np.load(files[1]), expected)


@pytest.mark.parametrize("kind", KINDS)
def test__clone__all_parameters__are_kept_and_nothing_that_was_learned(kind: str) -> None:
    classifier = classifier_of(kind, class_weight="balanced", learning_rate=0.3).fit(X, Y)
    again = clone(classifier)
    assert repr(again) == repr(classifier)
    assert not {name for name in vars(again) if name.endswith("_")}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["linear", "baseline"])
def test__method__before_fit__error_says_so(kind: str, method: str) -> None:
    given = (X, Y) if method == "score" else (X,)
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        getattr(classifier_of(kind), method)(*given)


@pytest.mark.parametrize("embedder", ["macho", LogisticRegression(), AstromerEmbedder, 3])
def test__fit__embedder_of_another_kind__error_says_what_it_must_be(embedder: Any) -> None:
    message = "embedder must be an AstromerEmbedder, a FrozenEstimator that holds one, or None"
    with pytest.raises(TypeError, match=message):
        classifier_of(embedder=embedder).fit(X, Y)
    if isinstance(embedder, LogisticRegression):
        with pytest.raises(TypeError, match=message):
            classifier_of(embedder=FrozenEstimator(embedder)).fit(X, Y)


@pytest.mark.parametrize(
    ("kind", "params", "message"),
    [
        ("transformer", {}, "head must be one of \"linear\", .*, got 'transformer'"),
        ("linear", {"encoder_learning_rate": float("nan")}, "encoder_learning_rate must be"),
        ("linear", {"encoder_epochs": 0}, "encoder_epochs must be a positive integer"),
        ("linear", {"embedder": small_embedder(n_heads=3)}, "multiple of n_heads"),
        ("baseline", {"window_size": 1.5}, "window_size must be a positive integer"),
        ("baseline", {"window_size": 0}, "window_size must be a positive integer"),
        ("both", {"learning_rate": 0}, "learning_rate must be a positive number"),
        ("both", {"weight_decay": -1}, "weight_decay must be zero or a positive number"),
        ("both", {"max_epochs": 0}, "max_epochs must be a positive integer"),
        ("both", {"patience": 0}, "patience must be a positive integer"),
        ("both", {"validation_fraction": 1.0}, "validation_fraction must be"),
        ("both", {"batch_size": "large"}, 'batch_size must be a positive integer or "auto"'),
        ("both", {"precision": "half"}, 'precision must be one of "auto", .*"float64"'),
        ("both", {"device": "gpu"}, "device='gpu' is not a device"),
        ("both", {"class_weight": "even"}, "class_weight"),
    ],
)
def test__fit__wrong_parameter__error_names_it(
    kind: str, params: dict[str, Any], message: str
) -> None:
    for one in ("linear", "baseline") if kind == "both" else (kind,):
        with pytest.raises(ValueError, match=message):
            classifier_of(one, **params).fit(X, Y)


@pytest.mark.parametrize(
    ("curves", "y", "message"),
    [
        (X, Y[:-1], "inconsistent numbers of samples"),
        (X, None, "requires y to be passed"),
        (X, np.linspace(0, 1, len(Y)), "continuous"),
        (X, [np.nan, *Y[1:]], r"1 of \d+ stars have no label, the first at position 0 \(nan\)"),
        (
            X,
            ["a", "b", None, *map(str, Y[3:])],
            r"1 of \d+ stars have no label, the first at position 2",
        ),
        (X, [np.inf, *Y[1:]], "y contains infinity"),
        (
            [*X[:-1], np.full((4, 2), np.nan)],
            Y,
            r"light curves \(position 17\) have no observation",
        ),
        ([*X[:-1], np.ones((4, 5))], Y, "light curve 17"),
        ([], [], r"0 sample\(s\)"),
    ],
)
def test__fit__wrong_data__error_says_what_and_where(curves: Any, y: Any, message: str) -> None:
    for kind in ("linear", "baseline"):
        with pytest.raises(ValueError, match=message):
            classifier_of(kind).fit(curves, y)


@pytest.mark.parametrize("kind", ["linear", "baseline"])
def test__verbose__bars_or_nothing(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    classifier = classifier_of(kind, verbose=1, validation_fraction=0.3).fit(X, Y)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "6/6" in shown.err
    last = classifier.history_[-1]
    assert f"train_loss={last['train_loss']:.4f}, valid_loss={last['valid_loss']:.4f}" in shown.err
    classifier.predict(X)
    assert "window" in capsys.readouterr().err
    classifier.set_params(verbose=0).fit(X, Y).predict(X)
    assert capsys.readouterr() == ("", "")
