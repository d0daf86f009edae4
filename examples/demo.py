"""Classify simulated variable stars from 20 labels per class, and look at what ASTROMER sees.

Everything it needs ships in the package: the weights and the simulated stars. It prints F1 scores
and writes two pictures. Run it with ``make demo``, or

    python examples/demo.py [--output demo_output] [--cadence macho] [--stars-per-class 50]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import TSNE
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from trivial_statistics import trivial_statistics

from sklearn_astromer import AstromerEmbedder, LightCurves
from sklearn_astromer.datasets import CADENCES, VARIABLE_STAR_CLASSES, make_variable_stars

SEED = 0
TRAIN_PER_CLASS = 20
# Colours that colour-blind people can tell apart (Okabe & Ito 2008, Color Universal Design).
ORANGE, SKY, GREEN, YELLOW, BLUE, RED, PURPLE, BLACK = (
    *("#E69F00", "#56B4E9", "#009E73", "#F0E442"),
    *("#0072B2", "#D55E00", "#CC79A7", "#000000"),
)
COLOURS = (BLUE, SKY, ORANGE, GREEN, YELLOW, PURPLE, RED, BLACK)
MARKERS = "osD^vP*x"


def models() -> dict[str, BaseEstimator]:
    """Two classifiers that take light curves: ours, and the one that has to be beaten."""
    return {
        "ASTROMER": make_pipeline(
            # With finetune=False the weights stay as they are: fit() only trains what follows.
            AstromerEmbedder.pretrained("macho", finetune=False),
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
    """Draw 256 dimensions in two, by t-SNE, which knows nothing of the classes."""
    scaled = StandardScaler().fit_transform(embedding)
    perplexity = min(30, (len(y) - 1) / 3)
    points = TSNE(perplexity=perplexity, init="pca", random_state=SEED).fit_transform(scaled)

    figure = Figure(figsize=(7.5, 5.2), layout="constrained")
    axes = figure.subplots()
    for kind, colour, marker in zip(VARIABLE_STAR_CLASSES, COLOURS, MARKERS, strict=True):
        x, height = points[y == kind].T
        edge = {} if marker == "x" else {"edgecolors": "#333333", "linewidths": 0.4}
        axes.scatter(x, height, s=34, c=colour, marker=marker, label=kind, alpha=0.9, **edge)
    axes.set(
        title=f"ASTROMER embeddings of {len(y)} simulated variable stars",
        xlabel="t-SNE component 1 (arbitrary unit)",
        ylabel="t-SNE component 2 (arbitrary unit)",
    )
    axes.tick_params(left=False, bottom=False, labelleft=False, labelbottom=False)
    axes.legend(title="class", loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    figure.savefig(path, dpi=110)


def draw_reconstruction(curves: dict[str, NDArray], band: str, path: Path) -> None:
    """Hide half of the observations of each curve, and draw what ASTROMER predicts for them."""
    embedder = AstromerEmbedder.pretrained("macho")
    random = np.random.default_rng(SEED)
    figure = Figure(figsize=(11, 6), layout="constrained")
    axes = figure.subplots(2, len(curves), height_ratios=(3, 1), sharex="col")
    for (upper, lower), (name, curve) in zip(axes.T, curves.items(), strict=True):
        hidden = np.zeros(len(curve), bool)
        hidden[random.permutation(len(curve))[: len(curve) // 2]] = True
        predicted = embedder.reconstruct([curve], hidden=[hidden])[0]
        residual = curve[hidden, 1] - predicted[hidden]
        rmse = np.sqrt(np.mean(residual**2))
        share = rmse / curve[hidden, 1].std()
        upper.set_title(f"{name}\nRMSE {rmse:.2f} mag = {share:.2f} of the spread", fontsize=10)
        draw_one_curve(upper, lower, curve, hidden, predicted)
    axes[0, 0].set_ylabel(f"{band} magnitude (mag)")
    axes[1, 0].set_ylabel("truth - predicted\n(mag)")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(path, dpi=110)


def draw_one_curve(
    upper: Axes, lower: Axes, curve: NDArray, hidden: NDArray[np.bool_], predicted: NDArray
) -> None:
    days, magnitude, error = curve[:, 0] - curve[0, 0], curve[:, 1], curve[:, 2]
    style = {"fmt": "o", "markersize": 3.5, "elinewidth": 0.7}
    for chosen, look in (
        (~hidden, {"color": "#999999", "label": "visible"}),
        (hidden, {"color": BLUE, "markerfacecolor": "white", "label": "hidden: the truth"}),
    ):
        upper.errorbar(days[chosen], magnitude[chosen], error[chosen], **style, **look)
    # Drawn as an error bar too, which keeps the legend in the order of drawing.
    style["fmt"] = "D"
    upper.errorbar(days[hidden], predicted[hidden], **style, color=RED, label="hidden: predicted")
    upper.invert_yaxis()
    lower.axhline(0, color="#333333", linewidth=0.8)
    residual = (magnitude - predicted)[hidden]
    lower.errorbar(days[hidden], residual, error[hidden], **style, color=RED)
    lower.invert_yaxis()
    lower.set_xlabel("time since the first observation (days)")


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
    embedding = AstromerEmbedder.pretrained("macho", verbose=1).transform(X)
    draw_embedding_space(embedding, y, options.output / "embedding_space.png")
    print("Hiding half of two light curves, and predicting it", flush=True)
    curves = {}
    for kind, period in (("Mira", 300.0), ("Cepheid", 15.0)):
        star = star_near(period, kind, y, truth["period"])
        # The network sees at most 200 observations at once.
        curves[f"{kind}, period {truth['period'][star]:.1f} days"] = X[star][:200]
    draw_reconstruction(
        curves, CADENCES[options.cadence].band, options.output / "reconstruction.png"
    )
    for name in ("embedding_space.png", "reconstruction.png"):
        print(f"  wrote {options.output / name}")
    print(f"Done in {time.perf_counter() - start:.0f} s.")


if __name__ == "__main__":
    main()
