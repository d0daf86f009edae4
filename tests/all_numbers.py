"""All that chance and the number of threads might change, computed in a process of its own.

python tests/all_numbers.py FILE N_THREADS
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import torch
from example_curves import random_embedder, small_embedder
from example_heads import HEAD_NAMES, classifier_of, frozen_embedder, labelled_curves, narrow_heads
from sklearn.linear_model import LogisticRegression

from sklearn_astromer import AstromerEmbedder, AstromerRegressor
from sklearn_astromer.datasets import make_variable_stars
from sklearn_astromer.evaluation import FewShotSplit, SamplesPerClass, few_shot_curve
from sklearn_astromer.hiding import hidden_at_random
from sklearn_astromer.periods import FoldedCurve, PeriodFinder
from sklearn_astromer.windows import consecutive_windows

X, Y = labelled_curves(6)


def simulated() -> dict[str, Any]:
    curves, kinds, truth = make_variable_stars(
        2, cadence="atlas", random_state=0, return_parameters=True
    )
    return {
        "time": curves.time,
        "magnitude": curves.magnitude,
        "error": curves.error,
        "kinds": kinds,
        "period": np.asarray(truth["period"], dtype=float),
    }


def embedded() -> dict[str, Any]:
    curves, _ = make_variable_stars(
        2, classes=["RRab", "Mira", "contact binary"], cadence="atlas", random_state=1
    )
    return {
        **{name: AstromerEmbedder(name).transform(curves) for name in ("variables", "macho")},
        "periods": PeriodFinder().transform(curves),
        "folded": FoldedCurve(with_period=True).fit_transform(curves),
        "score": random_embedder().score(X),
    }


def trained() -> dict[str, Any]:
    trained = {
        "from scratch": small_embedder().fit(X).transform(X),
        "generator": small_embedder(random_state=np.random.RandomState(3)).fit(X).transform(X),
        "folding": small_embedder(architecture="folding", max_epochs=1).fit(X).transform(X),
        "baseline": classifier_of("baseline").fit(X, Y).predict_proba(X),
        "fine-tuned": classifier_of("mlp", embedder=small_embedder()).fit(X, Y).predict_proba(X),
    }
    for head in HEAD_NAMES:
        both = classifier_of(head, train_encoder=True, encoder_epochs=2)
        trained[head] = classifier_of(head).fit(X, Y).predict_proba(X)
        trained[f"{head} and encoder"] = both.fit(X, Y).predict_proba(X)
    generator = classifier_of("mlp", random_state=np.random.RandomState(3), validation_fraction=0.3)
    trained["generator, head"] = generator.fit(X, Y).predict_proba(X)
    regressor = AstromerRegressor(frozen_embedder(), max_epochs=3, random_state=0)
    trained["regressor"] = regressor.fit(X, Y.astype(float)).predict(X)
    return trained


def chosen() -> dict[str, Any]:
    labels = np.array([f"kind {label}" for label in np.repeat(Y, 3)])
    features = np.random.RandomState(0).randn(len(labels), 3)
    splits = FewShotSplit(5, test_per_class=4, random_state=0)
    generator = FewShotSplit(5, test_per_class=4, random_state=np.random.RandomState(0))
    few = SamplesPerClass(LogisticRegression(), 5, random_state=np.random.RandomState(0))
    curve = few_shot_curve(
        {"linear": LogisticRegression()}, features, labels, [2, 5], test_per_class=4
    )
    windows = consecutive_windows(np.array([0, 30, 50]), 20)
    return {
        "splits": np.concatenate(
            [part for split in splits.split(labels, labels) for part in split]
        ),
        "generator": np.concatenate(
            [part for both in generator.split(labels, labels) for part in both]
        ),
        "samples": few.fit(features, labels).samples_,
        "curve": curve["f1_mean"].to_numpy(),
        "hidden": hidden_at_random(windows, 50, 0.5, np.random.RandomState(0)),
    }


def main(file: str, n_threads: int) -> None:
    with narrow_heads():
        torch.set_num_threads(n_threads)
        groups = {
            "simulated": simulated,
            "embedded": embedded,
            "trained": trained,
            "chosen": chosen,
        }
        found = {
            f"{group}: {name}": value
            for group, compute in groups.items()
            for name, value in compute().items()
        }
    np.savez(file, **found)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
