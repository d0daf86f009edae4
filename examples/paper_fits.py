"""The fits of the paper's experiment: which ones there are, and how one of them is done.

A fit is either an encoder, fine-tuned without labels on some stars, or a classifier, trained on the
labelled stars of one split. Each leaves a small file with its result as soon as it is done, and an
encoder a folder with its weights, which all classifiers of the same stars share.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from hand_crafted_features import hand_crafted_features
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from trivial_statistics import trivial_statistics

from sklearn_astromer import AstromerClassifier, AstromerEmbedder, LightCurves, LSTMClassifier
from sklearn_astromer.evaluation import FewShotSplit, f1_macro
from sklearn_astromer.evaluation.cache import (
    data_fingerprint,
    read_result,
    result_file,
    write_result,
)

# (a), (b) and (c) are the paper's (Sect. 7 and Fig. 11); (0) is what they have to beat.
SCENARIOS = {
    "0": "the encoder as it was released, frozen",
    "a": "fine-tuned, without labels, on the labelled stars; then frozen",
    "b": "fine-tuned as in (a), then trained together with the head",
    "c": "fine-tuned, without labels, on all stars but those of the test; "
    "then trained together with the head",
}
TRAINED_WITH_HEAD = ("b", "c")
BASELINE = "baseline"
EMBEDDER = "embedder"
HEADS = ("linear", "mlp", "skip", "lstm")
EMBEDDING_MODELS = ("logistic", *HEADS)
BASELINES = ("statistics", "features", "lstm-baseline")
SLOW = ("lstm", "lstm-baseline")
SPLITS_SEED = 0

Positions = NDArray[np.int64]


@dataclass(frozen=True)
class Fit:
    """One fit.

    Parameters
    ----------
    scenario : str
        One of `SCENARIOS`, or "baseline".
    model : str
        "embedder", or the name of a classifier.
    samples_per_class : int or None
        Labelled stars of each class; None: the fit does not depend on them.
    split : int
        Number of the split, and seed of all that is random.
    train, test : ndarray of int64
        Positions of the stars.
    estimator : estimator
        What is fitted, without the encoder that it reads.
    file : Path
        Where the result is kept.
    encoder : AstromerEmbedder, Path or None, default=None
        What a classifier reads: the released embedder, or the folder of a fine-tuned one. Of an
        embedder, the folder where it is to be kept.
    """

    scenario: str
    model: str
    samples_per_class: int | None
    split: int
    train: Positions
    test: Positions
    estimator: Any
    file: Path
    encoder: AstromerEmbedder | Path | None = None

    def result(self) -> dict[str, Any] | None:
        """Give the result if the fit was done."""
        # read_result checks the file; here all of it is wanted.
        return json.loads(self.file.read_text("utf-8")) if read_result(self.file) else None

    def is_done(self) -> bool:
        """Whether there is nothing left to do, for this fit and for those that read its encoder."""
        writes_folder = self.model == EMBEDDER and isinstance(self.encoder, Path)
        if writes_folder and not self.encoder.is_dir():
            return False
        return self.result() is not None

    def __str__(self) -> str:
        n = "" if self.samples_per_class is None else f" n={self.samples_per_class}"
        return f"{self.scenario} {self.model}{n} split {self.split + 1}"


class Plan:
    """All fits of a run, in the order in which they are to be done.

    Parameters
    ----------
    options : argparse.Namespace
        What the command line says.
    curves : LightCurves
        All stars.
    label : ndarray of str, shape (n_stars,)
        Their classes.

    Attributes
    ----------
    stages : list of list of Fit
        The fits of a stage need nothing of one another, but perhaps of the stages before.

    Raises
    ------
    ValueError
        If a class has too few stars.
    """

    def __init__(
        self, options: argparse.Namespace, curves: LightCurves, label: NDArray[np.str_]
    ) -> None:
        self.options = options
        classes, codes = np.unique(label, return_inverse=True)
        self.data = data_fingerprint(curves, classes.tolist(), codes)
        self.n_stars = len(curves)
        # The test stars of a split are the same for all numbers of labels.
        self.splits = {
            n: list(
                FewShotSplit(
                    n,
                    test_per_class=options.test_per_class,
                    n_splits=options.splits,
                    random_state=SPLITS_SEED,
                ).split(curves, label)
            )
            for n in options.per_class
        }
        seen: set[Path] = set()
        self.stages: list[list[Fit]] = []
        for stage in self._all_stages():
            self.stages.append([])
            for fit in stage:
                # (b) reads the encoders of (a), and (c) the same one for all numbers of labels.
                if fit.file not in seen:
                    self.stages[-1].append(fit)
                seen.add(fit.file)

    def fits(self) -> list[Fit]:
        """Give the fits of all stages."""
        return [fit for stage in self.stages for fit in stage]

    def _all_stages(self) -> Iterator[list[Fit]]:
        """Give the cheap and important first, and what has an LSTM last within each scenario."""
        chosen = self.options.models
        baselines = [name for name in BASELINES if name in chosen]
        models = [name for name in EMBEDDING_MODELS if name in chosen]
        if self.options.scenarios:
            yield [self._embedder("0", None, split) for split in range(self.options.splits)]
        yield self._classifiers(BASELINE, [name for name in baselines if name not in SLOW])
        for scenario in (name for name in SCENARIOS if name in self.options.scenarios):
            names = models if scenario in ("0", "a") else [m for m in models if m != "logistic"]
            if scenario != "0" and names:
                yield [self._embedder(scenario, n, split) for n, split in self._cells()]
            yield self._classifiers(scenario, [name for name in names if name not in SLOW])
            yield self._classifiers(scenario, [name for name in names if name in SLOW])
            if scenario == "0":
                yield self._classifiers(BASELINE, [name for name in baselines if name in SLOW])
        yield self._classifiers(BASELINE, [name for name in baselines if name in SLOW])

    def _cells(self) -> list[tuple[int, int]]:
        return [(n, split) for split in range(self.options.splits) for n in self.options.per_class]

    def _classifiers(self, scenario: str, models: list[str]) -> list[Fit]:
        return [
            self._classifier(scenario, m, n, split) for n, split in self._cells() for m in models
        ]

    def _embedder(self, scenario: str, n: int | None, split: int) -> Fit:
        """Plan an encoder: released, (a) of the labelled stars, or (c) of all but the test."""
        train, test = self.splits[n or self.options.per_class[0]][split]
        epochs: int | None = self.options.finetune_epochs
        if scenario == "0":
            train, epochs = train[:0], None
        elif scenario == "c":
            n, epochs = None, self.options.finetune_epochs_all
            train = np.setdiff1d(np.arange(self.n_stars), test)
        else:
            scenario = "a"
        estimator = self._released().set_params(max_epochs=epochs, random_state=split)
        train, test = np.sort(train), np.sort(test)
        file = result_file(self.options.cache, self.data, estimator, train, test)
        folder = None if scenario == "0" else file.with_suffix("")
        return Fit(scenario, EMBEDDER, n, split, train, test, estimator, file, folder)

    def _released(self) -> AstromerEmbedder:
        return AstromerEmbedder(self.options.weights, precision=self.options.precision)

    def _classifier(self, scenario: str, model: str, n: int, split: int) -> Fit:
        train, test = self.splits[n][split]
        estimator = unfitted_classifier(model, scenario, split, self.options)
        encoder: AstromerEmbedder | Path | None = None
        name: Any = None
        if model in EMBEDDING_MODELS and scenario == "0":
            name = encoder = self._released()
        elif model in EMBEDDING_MODELS:
            encoder = self._embedder(scenario, n, split).encoder
            name = encoder.name
        parts = (self.data, model, estimator, train, test, name)
        file = result_file(self.options.cache, *parts)
        return Fit(scenario, model, n, split, train, test, estimator, file, encoder)


def unfitted_classifier(
    model: str, scenario: str, seed: int, options: argparse.Namespace
) -> BaseEstimator:
    """Make a classifier of light curves, or what is to follow an encoder.

    Parameters
    ----------
    model, scenario : str
        As in `Fit`.
    seed : int
        Of all that is random.
    options : argparse.Namespace
        What the command line says.
    """
    if model == "logistic":
        return make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))
    if model in ("statistics", "features"):
        features = trivial_statistics if model == "statistics" else hand_crafted_features
        forest = RandomForestClassifier(n_estimators=300, random_state=seed)
        return make_pipeline(FunctionTransformer(features), forest)
    training = {"patience": options.patience, "precision": options.precision, "random_state": seed}
    # What is not given is left to the package, which lets heads train on all labelled stars, but
    # keeps a fifth of them to stop the LSTM that learns from nothing.
    if options.epochs is not None:
        training["max_epochs"] = options.epochs
    if options.validation_fraction is not None:
        training["validation_fraction"] = options.validation_fraction or None
    if model == "lstm-baseline":
        return LSTMClassifier(**training)
    together = scenario in TRAINED_WITH_HEAD
    if together:
        training["encoder_epochs"] = options.encoder_epochs
    return AstromerClassifier(head=model, train_encoder=together, **training)


def do_fit(
    fit: Fit,
    train: tuple[LightCurves, NDArray[np.str_]],
    test: tuple[LightCurves, NDArray[np.str_]],
) -> float:
    """Do a fit, keep its result, and give its score.

    Parameters
    ----------
    fit : Fit
        What to do; its positions are not looked at.
    train, test : tuple of LightCurves and ndarray of str
        Stars and their classes.

    Returns
    -------
    score : float
        F1 of a classifier; of an encoder minus the RMSE of the hidden magnitudes of the test stars.
    """
    begin = perf_counter()
    if fit.model == EMBEDDER:
        fitted: Any = clone(fit.estimator)
        if fit.encoder is not None:
            fitted.fit(train[0]).save(fit.encoder, overwrite=True)
    else:
        fitted = with_encoder(fit).fit(*train)
    fit_end = perf_counter()
    result: dict[str, Any] = {"fit_seconds": fit_end - begin}
    if fit.model == EMBEDDER:
        result["score"] = fitted.score(test[0])
        result["relative_score"] = fitted.score(test[0], relative=True)
    else:
        result["score"] = f1_macro(test[1], fitted.predict(test[0]))
    history = getattr(fitted, "history_", None)
    result |= {
        "predict_seconds": perf_counter() - fit_end,
        "epochs": None if history is None else len(history),
        "stars": len(train[0]),
        "history": history,
    }
    write_result(fit.file, {"fit": str(fit)} | result)
    return result["score"]


def with_encoder(fit: Fit) -> BaseEstimator:
    """Put a classifier on its encoder, which is as it is: it was fine-tuned before."""
    classifier = clone(fit.estimator)
    if fit.encoder is None:
        return classifier
    encoder = fit.encoder
    frozen = FrozenEstimator(
        AstromerEmbedder.load(encoder) if isinstance(encoder, Path) else encoder
    )
    if fit.model == "logistic":
        return make_pipeline(frozen, classifier)
    return classifier.set_params(embedder=frozen)
