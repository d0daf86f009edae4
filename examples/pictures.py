"""Draw the six pictures of docs/pictures.md, one with each display, from simulated stars.

Run it with ``python examples/pictures.py [--output pictures] [--stars-per-class 100]``.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from trivial_statistics import trivial_statistics

from sklearn_astromer import AstromerClassifier, AstromerEmbedder, FoldedCurve, LightCurves
from sklearn_astromer.datasets import CADENCES, make_variable_stars
from sklearn_astromer.evaluation import few_shot_curve
from sklearn_astromer.plotting import (
    AttentionDisplay,
    EmbeddingDisplay,
    FewShotDisplay,
    LearningCurveDisplay,
    LightCurveDisplay,
    ReconstructionDisplay,
)

SEED = 0
DPI = 110
SIZE = (5.6, 3.4)


def star_near(period: float, kind: str, y: NDArray[np.str_], periods: NDArray) -> int:
    """Find the star of a class whose period is nearest to a number of days."""
    candidates = np.flatnonzero(y == kind)
    return int(candidates[np.argmin(np.abs(np.log(periods[candidates] / period)))])


def light_curve(curve: NDArray, period: float) -> Any:
    """Draw a star against time, and folded."""
    axes = plt.subplots(1, 2, figsize=(7.5, 3.2), layout="constrained", sharey=True)[1]
    LightCurveDisplay.from_light_curve(curve, ax=axes[0])
    display = LightCurveDisplay.from_light_curve(curve, period=period, ax=axes[1])
    axes[1].set_ylabel("")
    return display


def few_shot(X: LightCurves, y: NDArray[np.str_], embedding: NDArray, most: int) -> Any:
    """Score embeddings, and what is computed without a network."""
    forest = RandomForestClassifier(n_estimators=200, random_state=SEED)
    logistic = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    numbers = [n for n in (5, 10, 20, 50) if n <= most]
    tables = [
        # Each on features of its own; the same random state chooses the same stars.
        few_shot_curve(
            {name: model}, features, y, numbers, test_per_class=most, n_splits=5, random_state=SEED
        )
        for name, model, features in (
            ("folded curve, forest", forest, FoldedCurve(with_period=True).fit_transform(X)),
            ("embedding, logistic regression", logistic, embedding),
            ("12 statistics, forest", forest, trivial_statistics(X)),
        )
    ]
    return FewShotDisplay.from_table(pd.concat(tables, ignore_index=True))


def learning_curves(X: LightCurves, y: NDArray[np.str_], encoder: AstromerEmbedder) -> Any:
    """Train three heads on the same encoder."""
    heads = {
        name: AstromerClassifier(
            encoder, head=name, validation_fraction=0.2, max_epochs=60, random_state=SEED
        ).fit(X, y)
        for name in ("linear", "mlp", "skip")
    }
    return LearningCurveDisplay.from_estimator(heads)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("pictures"), help="folder")
    parser.add_argument("--stars-per-class", type=int, default=100, help="10 or more")
    parser.add_argument("--cadence", choices=sorted(CADENCES), default="macho", help="the survey")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)

    X, y, truth = make_variable_stars(
        options.stars_per_class,
        cadence=options.cadence,
        random_state=SEED,
        return_parameters=True,
    )
    encoder = AstromerEmbedder.pretrained("macho", finetune=False)
    embedding = encoder.transform(X)
    rr_lyrae = star_near(0.55, "RRab", y, truth["period"])
    mira = star_near(300.0, "Mira", y, truth["period"])
    # One window of the network.
    window = X[mira][:200]
    # Not the faintest, which may be an outlier.
    faint = int(np.argsort(window[:, 1])[9 * len(window) // 10])

    with plt.rc_context({"figure.figsize": SIZE}):
        displays = {
            "light_curve": light_curve(X[rr_lyrae][:400], truth["period"][rr_lyrae]),
            "reconstruction": ReconstructionDisplay.from_estimator(encoder, window),
            "attention": AttentionDisplay.from_estimator(
                encoder, X, mira, kind="light_curve", observation=faint
            ),
            "embedding": EmbeddingDisplay.from_predictions(embedding, y, method="tsne"),
            "few_shot": few_shot(X, y, embedding, options.stars_per_class // 2),
            "learning_curve": learning_curves(X, y, encoder),
        }
        for name, display in displays.items():
            path = options.output / f"display_{name}.png"
            display.figure_.savefig(path, dpi=DPI)
            plt.close(display.figure_)
            print(f"wrote {path}")


if __name__ == "__main__":
    main()
