"""Classify simulated variable stars from 20 labels per class, and look at what ASTROMER sees.

Everything it needs ships in the package: the weights and the simulated stars. It prints F1 scores
and writes two pictures. Run it with ``make demo``, or

    python examples/demo.py [--output demo_output] [--cadence macho] [--stars-per-class 50]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from trivial_statistics import trivial_statistics

from sklearn_astromer import AstromerEmbedder, LightCurves
from sklearn_astromer.datasets import CADENCES, VARIABLE_STAR_CLASSES, make_variable_stars
from sklearn_astromer.plotting import EmbeddingDisplay, ReconstructionDisplay

SEED = 0
TRAIN_PER_CLASS = 20


def models() -> dict[str, BaseEstimator]:
    """Two classifiers that take light curves: ours, and the one that has to be beaten."""
    return {
        "ASTROMER": make_pipeline(
            # With finetune=False the weights stay as they are: fit() only trains what follows.
            AstromerEmbedder.pretrained(finetune=False),
            StandardScaler(),
            LogisticRegression(max_iter=2000),
        ),
        "statistics": make_pipeline(
            FunctionTransformer(trivial_statistics),
            RandomForestClassifier(n_estimators=300, random_state=SEED),
        ),
    }


def few_shot_scores(X: LightCurves, y: NDArray[np.str_], n_splits: int) -> dict[str, NDArray]:
    """F1 of every class (columns) in every split (rows), for both classifiers."""
    splitter = StratifiedShuffleSplit(
        n_splits, train_size=TRAIN_PER_CLASS * len(VARIABLE_STAR_CLASSES), random_state=SEED
    )
    scores: dict[str, list[NDArray]] = {name: [] for name in models()}
    for number, (train, test) in enumerate(splitter.split(np.zeros(len(y)), y), start=1):
        line = f"  split {number} of {n_splits}: macro F1"
        for name, model in models().items():
            predicted = model.fit(X[train], y[train]).predict(X[test])
            per_class = f1_score(y[test], predicted, average=None, labels=VARIABLE_STAR_CLASSES)
            scores[name].append(per_class)
            line += f"  {name} {per_class.mean():.3f}"
        print(line, flush=True)
    return {name: np.array(rows) for name, rows in scores.items()}


def print_table(scores: dict[str, NDArray], n_test: int) -> None:
    print(f"\nF1 from {TRAIN_PER_CLASS} labels per class, on {n_test} other stars per class")
    print("(mean and standard deviation over the splits)\n")
    print(f"{'':<22}{'ASTROMER embedding':>22}{'12 trivial statistics':>24}")
    print(f"{'':<22}{'+ logistic regression':>22}{'+ random forest':>24}")
    for column, kind in enumerate(VARIABLE_STAR_CLASSES):
        cells = [mean_and_spread(rows[:, column]) for rows in scores.values()]
        print(f"{kind:<22}{cells[0]:>22}{cells[1]:>24}")
    cells = [mean_and_spread(rows.mean(axis=1)) for rows in scores.values()]
    print(f"{'macro F1':<22}{cells[0]:>22}{cells[1]:>24}\n")


def mean_and_spread(values: NDArray) -> str:
    return f"{values.mean():.3f} ± {values.std():.3f}"


def draw_embedding_space(embedding: NDArray, y: NDArray[np.str_], path: Path) -> None:
    """Draw all columns of the embedding in two dimensions, by t-SNE, which knows no classes."""
    with plt.rc_context({"figure.figsize": (7.5, 5.2)}):
        display = EmbeddingDisplay.from_predictions(embedding, y, method="tsne")
    display.ax_.set_title(f"ASTROMER embeddings of {len(y)} simulated variable stars")
    save(display.figure_, path)


def draw_reconstruction(
    embedder: AstromerEmbedder, mira: NDArray, rr_lyrae: NDArray, period: float, path: Path
) -> None:
    """Hide half of the observations of two stars, and draw what ASTROMER predicts for them."""
    figure = plt.figure(figsize=(11, 6), layout="constrained")
    axes = figure.subplots(2, 2, height_ratios=(3, 1), sharex="col")
    for pair, name, curve, fold in (
        (axes[:, 0], "Mira", mira, None),
        (axes[:, 1], "RR Lyrae, folded", rr_lyrae, period),
    ):
        ReconstructionDisplay.from_estimator(
            embedder, curve, random_state=SEED, period=fold, ax=pair
        )
        pair[0].set_title(f"{name}\n{pair[0].get_title()}", fontsize="medium")
    save(figure, path)


def save(figure: Figure, path: Path) -> None:
    figure.savefig(path, dpi=110)
    plt.close(figure)
    print(f"  wrote {path}")


def star_near(period: float, kind: str, y: NDArray[np.str_], periods: NDArray) -> int:
    """Find the star of a class whose period is nearest to a number of days."""
    candidates = np.flatnonzero(y == kind)
    return int(candidates[np.argmin(np.abs(np.log(periods[candidates] / period)))])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("demo_output"), help="for the pictures")
    parser.add_argument("--cadence", choices=sorted(CADENCES), default="macho", help="the survey")
    parser.add_argument("--stars-per-class", type=int, default=50, help="more than 20")
    parser.add_argument("--splits", type=int, default=4)
    options = parser.parse_args()
    start = time.perf_counter()

    X, y, truth = make_variable_stars(
        options.stars_per_class,
        cadence=options.cadence,
        random_state=SEED,
        return_parameters=True,
    )
    print(f"Simulated {X}", flush=True)
    print("Embedding and classifying them:", flush=True)
    scores = few_shot_scores(X, y, options.splits)
    print_table(scores, options.stars_per_class - TRAIN_PER_CLASS)

    print("Drawing the embedding space of all stars:", flush=True)
    options.output.mkdir(parents=True, exist_ok=True)
    embedder = AstromerEmbedder.pretrained(verbose=1)
    draw_embedding_space(embedder.transform(X), y, options.output / "embedding_space.png")
    print("Hiding half of two light curves, and predicting it:", flush=True)
    mira = star_near(300.0, "Mira", y, truth["period"])
    rr_lyrae = star_near(0.55, "RRab", y, truth["period"])
    draw_reconstruction(
        embedder.set_params(verbose=0),
        # One window of the network, which is as much as fits into the picture.
        X[mira][:200],
        X[rr_lyrae][:200],
        truth["period"][rr_lyrae],
        options.output / "reconstruction.png",
    )
    print(f"Done in {time.perf_counter() - start:.0f} s.")


if __name__ == "__main__":
    main()
