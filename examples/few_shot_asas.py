"""Print few-shot F1 scores on real, labelled light curves, for any weights, beside a baseline.

The data are a parquet file with one light curve per row and the columns ``id``, ``label``,
``time``, ``mag`` and, perhaps, ``err``. The defaults are the classes of the ASAS catalogue of
variable stars. The protocol: choose some stars of each class for training and others for the test,
by chance; fit a logistic regression on the standardised mean embeddings of the former; macro F1 on
the latter; repeat with other stars.

    python examples/few_shot_asas.py --data asas.parquet --per-class 20 50

Weights are names or paths; ``name:exclude`` and ``name:additive`` set the attention convention.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from trivial_statistics import trivial_statistics

from sklearn_astromer import AstromerEmbedder, LightCurves

ASAS_CLASSES = ("MIRA", "EC", "ED", "RRAB", "ESD", "DSCT", "RRC")
DEFAULT_WEIGHTS = ("variables", "macho", "atlas", "macho-official", "macho-official:additive")
# Of 100 stars so many were kept away from the training of the weights that ship.
UNSEEN_PERCENT = 70

Split = tuple[NDArray[np.int64], NDArray[np.int64]]


def percent_of_id(star: str) -> int:
    """Give a star a number from 0 to 99 that its id alone decides."""
    return int(hashlib.sha256(star.encode()).hexdigest()[:8], 16) % 100


def is_unseen(star: str) -> bool:
    """Whether the training of the weights that ship left a star out; its id alone decides."""
    return percent_of_id(star) < UNSEEN_PERCENT


def read_stars(options: argparse.Namespace) -> tuple[LightCurves, NDArray[np.str_]]:
    """Read the light curves and labels of the chosen classes."""
    labels = pq.read_table(options.data, columns=["label"]).column("label")
    label = np.array(labels.to_pylist(), dtype=str)
    curves = LightCurves.read_parquet(options.data, id="id")
    chosen = np.isin(label, options.classes)
    if options.unseen:
        chosen &= np.array([is_unseen(str(star)) for star in curves.ids])
    return curves[chosen], label[chosen]


def splits(
    label: NDArray[np.str_], classes: list[str], n_train: int, n_test: int, n_splits: int
) -> Iterator[Split]:
    """Choose stars of each class for training and test; the same ones every time.

    The test stars do not depend on the number of training stars, so that rows can be compared.
    """
    for seed in range(n_splits):
        random = np.random.default_rng(seed)
        train, test = [], []
        for kind in classes:
            stars = random.permutation(np.flatnonzero(label == kind))
            if len(stars) < n_train + n_test:
                raise SystemExit(
                    f"class {kind} has {len(stars)} stars, too few for {n_train} to train and "
                    f"{n_test} to test; lower --per-class or --test-per-class, or leave it out."
                )
            test.append(stars[:n_test])
            train.append(stars[n_test : n_test + n_train])
        yield np.concatenate(train), np.concatenate(test)


def features(name: str, curves: LightCurves) -> NDArray:
    """Compute the features that a row of the table names."""
    if name == "statistics":
        return trivial_statistics(curves)
    weights, _, attention = name.partition(":")
    embedder = AstromerEmbedder.pretrained(weights, attention=attention or None, verbose=1)
    return embedder.transform(curves)


def classifier(name: str) -> ClassifierMixin:
    if name == "statistics":
        return RandomForestClassifier(n_estimators=300, random_state=0)
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))


def parsed_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="parquet file with labels")
    parser.add_argument("--classes", nargs="+", default=list(ASAS_CLASSES))
    parser.add_argument("--per-class", type=int, nargs="+", default=[20, 50], help="to train on")
    parser.add_argument("--test-per-class", type=int, default=50)
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--weights", nargs="*", default=list(DEFAULT_WEIGHTS))
    parser.add_argument(
        "--unseen",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="only stars that the training of the weights that ship left out",
    )
    return parser.parse_args()


def mean_and_spread(
    table: NDArray, label: NDArray[np.str_], name: str, rows: Sequence[Split]
) -> str:
    """Macro F1 over the splits, in a table cell."""
    scores = []
    for train, test in rows:
        predicted = classifier(name).fit(table[train], label[train]).predict(table[test])
        scores.append(f1_score(label[test], predicted, average="macro"))
    return f"{np.mean(scores):.3f} ± {np.std(scores):.3f}"


def main() -> None:
    options = parsed_options()
    curves, label = read_stars(options)
    n_test = options.test_per_class
    chosen = {
        n_train: list(splits(label, options.classes, n_train, n_test, options.splits))
        for n_train in options.per_class
    }
    # Only the stars of some split are embedded, and only once: their labels play no part in it.
    parts = [part for rows in chosen.values() for split in rows for part in split]
    needed = np.unique(np.concatenate(parts))
    print(f"{options.data.name}: {len(needed)} stars of {curves}")
    print(f"classes: {' '.join(options.classes)}; unseen stars only: {options.unseen}")
    print(f"macro F1, {n_test} test stars per class, mean ± standard deviation of", end=" ")
    print(f"{options.splits} splits\n")
    print(f"{'labels per class':<28}" + "".join(f"{n:>16}" for n in options.per_class), flush=True)
    for name in (*options.weights, "statistics"):
        computed = features(name, curves[needed])
        table = np.full((len(curves), computed.shape[1]), np.nan)
        table[needed] = computed
        cells = [mean_and_spread(table, label, name, rows) for rows in chosen.values()]
        print(f"{name:<28}" + "".join(f"{cell:>16}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
