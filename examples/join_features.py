"""Join embeddings, periods, folded light curves and hand-crafted features in a FeatureUnion.

Each block of features is a scikit-learn transformer of light curves, so that any of them can be
joined; a random forest classifies. Prints macro F1 for each block and for some of their sums, on
labelled stars (a parquet file with the columns ``id``, ``label``, ``time``, ``mag`` and, perhaps,
``err``): the same test stars whatever the number of labels, mean and standard deviation over the
splits.

    python examples/join_features.py --data asas.parquet --classes MIRA EC ED RRAB ESD DSCT RRC

The block "hand-crafted" needs the package light-curve (extra "benchmark"); --blocks leaves it out.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from few_shot_asas import percent_of_id
from hand_crafted_features import hand_crafted_features
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import FeatureUnion
from sklearn.preprocessing import FunctionTransformer
from trivial_statistics import trivial_statistics

from sklearn_astromer import AstromerEmbedder, FoldedCurve, LightCurves, PeriodFinder
from sklearn_astromer.datasets import make_variable_stars
from sklearn_astromer.evaluation import FewShotSplit, f1_macro

# What each is, and the sums that are worth a look.
BLOCKS = ("statistics", "embedding", "periods", "folded", "hand-crafted")
SUMS = (
    ("folded", "statistics"),
    ("folded", "embedding"),
    ("folded", "hand-crafted"),
    ("folded", "periods", "statistics", "embedding", "hand-crafted"),
)


def union(names: Sequence[str]) -> FeatureUnion:
    """Join blocks of features; as the first step of a Pipeline it takes light curves."""
    blocks = {
        "statistics": with_names(trivial_statistics, 12),
        "embedding": AstromerEmbedder.pretrained("macho", finetune=False, verbose=1),
        "periods": PeriodFinder(n_peaks=2, verbose=1),
        "folded": FoldedCurve(n_bins=24, with_period=True, verbose=1),
        "hand-crafted": with_names(hand_crafted_features, 40),
    }
    return FeatureUnion([(name, blocks[name]) for name in names])


def with_names(
    function: Callable[[LightCurves], NDArray[np.float64]], n_features: int
) -> FunctionTransformer:
    """Make a transformer of a function, which FeatureUnion can name the columns of."""
    names = np.array([str(number) for number in range(n_features)], dtype=object)
    return FunctionTransformer(function, feature_names_out=lambda *_: names)


def score(
    X: NDArray[np.float64], label: NDArray[np.str_], train: NDArray, test: NDArray, seed: int
) -> float:
    forest = RandomForestClassifier(300, random_state=seed).fit(X[train], label[train])
    return f1_macro(label[test], forest.predict(X[test]))


def read_stars(options: argparse.Namespace) -> tuple[LightCurves, NDArray[np.str_]]:
    """Read the stars of the chosen classes, or simulate some."""
    if options.data is None:
        return make_variable_stars(options.stars_per_class, cadence="asas", random_state=0)
    column = pq.read_table(options.data, columns=["label"]).column("label")
    label = np.array(column.to_pylist(), dtype=str)
    curves = LightCurves.read_parquet(options.data, id="id")
    chosen = np.isin(label, options.classes or np.unique(label))
    assert curves.ids is not None
    percent = np.array([percent_of_id(str(star)) for star in curves.ids])
    chosen &= percent < options.below_percent
    return curves[chosen], label[chosen]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="parquet file; simulated stars if left out")
    parser.add_argument("--classes", nargs="+", help="all of the data if left out")
    parser.add_argument("--below-percent", type=int, default=100, help="of the id")
    parser.add_argument("--stars-per-class", type=int, default=100, help="if they are simulated")
    parser.add_argument("--per-class", type=int, nargs="+", default=[20, 50], help="to train on")
    parser.add_argument("--test-per-class", type=int, default=50)
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--blocks", nargs="+", choices=BLOCKS, default=list(BLOCKS))
    options = parser.parse_args()

    curves, label = read_stars(options)
    print(f"{curves}\nmacro F1 of a random forest, {options.splits} splits\n")
    splits = {
        n: list(
            FewShotSplit(
                n, test_per_class=options.test_per_class, n_splits=options.splits, random_state=0
            ).split(curves, label)
        )
        for n in options.per_class
    }
    # None of the blocks learns anything from labels, or from other stars: once is enough.
    parts = [part for rows in splits.values() for split in rows for part in split]
    needed = np.unique(np.concatenate(parts))
    joined = union(options.blocks).fit(curves[needed])
    features = np.full((len(curves), len(joined.get_feature_names_out())), np.nan)
    features[needed] = joined.transform(curves[needed])
    block_of_column = np.array([name.split("__")[0] for name in joined.get_feature_names_out()])

    print(f"{'labels per class':<58}" + "".join(f"{n:>16}" for n in splits), flush=True)
    sums = [names for names in SUMS if set(names) <= set(options.blocks)]
    for names in [*((name,) for name in options.blocks), *sums]:
        X = features[:, np.isin(block_of_column, names)]
        cells = []
        for rows in splits.values():
            scores = [score(X, label, *split, seed) for seed, split in enumerate(rows)]
            cells.append(f"{np.mean(scores):.3f} ± {np.std(scores):.3f}")
        print(f"{' + '.join(names):<58}" + "".join(f"{cell:>16}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
