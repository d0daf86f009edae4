r"""Compare embeddings with features, on stars that trained none of the weights: one table per set.

    python examples/compare_weights.py --data ../shared/data \
        --weights macho variables=runs/folding/weights.safetensors

Sets: variable stars of ASAS (seven classes), Cepheids of OGLE-III (fundamental mode and first
overtone), and simulated stars at a cadence that nothing was trained on. Real stars are those that
`pretraining_data` keeps away from. Labels of the ASAS stars with a percent from 70 to 80 among them
chose how the `macho` that ships was blended. What is learned from the labels: logistic regression
(LR), five nearest neighbours (kNN) and a random forest (RF). The score is macro F1 on 50 test stars
of each class, the same ones in every row, mean and standard deviation over the splits; for
embedders there is the error of hidden magnitudes over their standard deviation too.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from hand_crafted_features import hand_crafted_features
from numpy.typing import NDArray
from pretraining_data import Source, read_report_stars
from sklearn.base import ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from trivial_statistics import trivial_statistics

from sklearn_astromer import AstromerEmbedder, FoldedCurve, LightCurves
from sklearn_astromer.datasets import CADENCES, make_variable_stars
from sklearn_astromer.evaluation import FewShotSplit, f1_macro

# Two years of a faint survey: nights, seasons, errors and amplitudes that no cadence that trained
# has.
UNSEEN_CADENCE = replace(
    CADENCES["ogle"], span=700.0, revisit=4.0, season=0.5, error_floor=0.015, amplitude_scale=0.8
)


def report_sets(folder: Path | None, per_class: int, test_per_class: int) -> Iterator[Source]:
    """Give the sets, real ones if there is a folder with them."""
    if folder is not None:
        for name in ("asas", "ogle3_cepheids"):
            yield read_report_stars(folder, name)
    stars = make_variable_stars(per_class + test_per_class, cadence=UNSEEN_CADENCE, random_state=77)
    yield Source("simulated, unseen cadence", *stars)


def classifiers(seed: int) -> dict[str, ClassifierMixin]:
    """Make the classifiers of numbers."""
    return {
        "LR": make_pipeline(
            SimpleImputer(), StandardScaler(), LogisticRegression(C=0.3, max_iter=5000)
        ),
        "kNN": make_pipeline(SimpleImputer(), StandardScaler(), KNeighborsClassifier()),
        "RF": RandomForestClassifier(300, random_state=seed, n_jobs=-1),
    }


def representations(
    weights: dict[str, str], with_features: bool
) -> dict[str, Callable[[LightCurves], NDArray]]:
    """Give what turns light curves into numbers, by name."""
    made: dict[str, Callable[[LightCurves], NDArray]] = {"12 statistics": trivial_statistics}
    if with_features:
        made["hand-crafted features"] = hand_crafted_features
    made["folded light curve"] = FoldedCurve(with_period=True, verbose=1).transform
    for name, where in weights.items():
        made[name] = AstromerEmbedder.pretrained(where, verbose=1).transform
    return made


def needed_stars(splits: dict[int, list]) -> NDArray[np.int64]:
    parts = [part for rows in splits.values() for split in rows for part in split]
    return np.unique(np.concatenate(parts))


def scores(
    numbers: NDArray, label: NDArray[np.str_], splits: dict[int, list]
) -> Iterator[tuple[str, int, list[float]]]:
    """Score all classifiers of numbers, for all numbers of labels."""
    for name in classifiers(0):
        for n, rows in splits.items():
            found = []
            for seed, (train, test) in enumerate(rows):
                model = classifiers(seed)[name].fit(numbers[train], label[train])
                found.append(f1_macro(label[test], model.predict(numbers[test])))
            yield name, n, found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    add = parser.add_argument
    add("--data", type=Path, help="folder with parquet files; simulated stars alone if left out")
    add("--weights", nargs="+", default=["macho", "atlas"], help="names, or name=path")
    add("--per-class", type=int, nargs="+", default=[20, 50, 100])
    add("--test-per-class", type=int, default=50)
    add("--splits", type=int, default=5)
    add("--no-features", action="store_true", help="leave the package light-curve out")
    add("--output", type=Path, help="Markdown file of the tables; all scores go to a CSV beside it")
    options = parser.parse_args()
    pairs = [text.partition("=") for text in options.weights]
    options.weights = {name: where or name for name, _, where in pairs}
    report = Report()
    rows: list[dict[str, object]] = []
    for source in report_sets(options.data, max(options.per_class), options.test_per_class):
        report.line(f"\n### {source.name}\n")
        splits = {
            n: list(
                FewShotSplit(
                    n,
                    test_per_class=options.test_per_class,
                    n_splits=options.splits,
                    random_state=0,
                ).split(source.curves, source.label)
            )
            for n in options.per_class
        }
        rows += compare(source, splits, report, options)
    if options.output is not None:
        options.output.write_text("\n".join(report.lines).strip() + "\n", encoding="utf-8")
        with options.output.with_suffix(".csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


class Report:
    """Lines that are printed as soon as they are known, and kept."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def line(self, text: str) -> None:
        """Print and keep a line."""
        print(text, flush=True)
        self.lines.append(text)


def compare(
    source: Source, splits: dict[int, list], report: Report, options: argparse.Namespace
) -> Iterator[dict[str, object]]:
    """Report the table of one set, and give its rows."""
    chosen = needed_stars(splits)
    report.line(f"| representation | RMSE/std | classifier | {' | '.join(map(str, splits))} |")
    report.line("| --- " * (3 + len(splits)) + "|")
    features: NDArray | None = None
    made = representations(options.weights, not options.no_features)
    for name, transform in made.items():
        numbers = embed(transform, source.curves, chosen)
        error = ""
        if name in options.weights:
            embedder = AstromerEmbedder.pretrained(options.weights[name], random_state=0)
            error = f"{-embedder.score(source.curves[chosen], relative=True):.3f}"
        if name == "hand-crafted features":
            features = numbers
        yield from table(report, source, (name, error), numbers, splits)
        if name in options.weights and features is not None:
            joined = np.hstack([numbers, features])
            yield from table(report, source, (f"{name} + features", ""), joined, splits)


def embed(
    transform: Callable[[LightCurves], NDArray], curves: LightCurves, chosen: NDArray
) -> NDArray[np.float64]:
    """Compute the numbers of the stars that are needed."""
    numbers = transform(curves[chosen])
    table = np.full((len(curves), numbers.shape[1]), np.nan)
    table[chosen] = numbers
    return table


def table(
    report: Report,
    source: Source,
    head: tuple[str, str],
    numbers: NDArray,
    splits: dict[int, list],
) -> Iterator[dict[str, object]]:
    """Report the rows of one representation, and give them."""
    name, error = head
    cells: dict[str, list[str]] = {}
    for classifier, n, found in scores(numbers, source.label, splits):
        cells.setdefault(classifier, []).append(f"{np.mean(found):.3f} ± {np.std(found):.3f}")
        for split, score in enumerate(found):
            yield {
                "set": source.name,
                "representation": name,
                "classifier": classifier,
                "labels": n,
                "split": split,
                "f1": score,
            }
    for classifier, texts in cells.items():
        report.line(f"| {name} | {error} | {classifier} | {' | '.join(texts)} |")


if __name__ == "__main__":
    main()
