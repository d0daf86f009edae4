r"""Compare embeddings with features, on stars that trained none of the weights: one table per set.

    python examples/compare_weights.py --data ../shared/data \
        --weights macho variables=runs/folding/weights.safetensors

Sets: variable stars of ASAS (seven classes), Cepheids of OGLE-III (fundamental mode and first
overtone), and simulated stars at a cadence that nothing was trained on. Real stars are those that
`pretraining_data` keeps away from. Labels of the ASAS stars with a percent from 70 to 80 among them
chose how the `macho` that ships was blended. What is learned from the labels: logistic regression
(LR), five nearest neighbours (kNN), a random forest (RF) and, of weights named with ``--heads``,
the package's own head (MLP). The score is macro F1 on 50 test stars of each class, the same ones in
every row, mean and standard deviation over the splits; for embedders there is the error of hidden
magnitudes over their standard deviation too. Weights named with ``--spoil`` are also tried without
any periods, and with those of other stars; those named with ``--finetune`` also after `fit`, with
its defaults, on 200 light curves without labels, none of which judges.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from hand_crafted_features import hand_crafted_features
from numpy.typing import NDArray
from pretraining_data import Source, read_report_stars
from sklearn.base import ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PowerTransformer
from trivial_statistics import trivial_statistics

from sklearn_astromer import AstromerClassifier, AstromerEmbedder, FoldedCurve, LightCurves
from sklearn_astromer.datasets import CADENCES, make_variable_stars
from sklearn_astromer.evaluation import FewShotSplit, f1_macro
from sklearn_astromer.light_curves import Ephemerides
from sklearn_astromer.periods import with_periods

FINETUNING_CURVES = 200
# Stars whose hidden magnitudes are predicted.
MOST_SCORED = 600
SIMULATED = "simulated"
SETS = ("asas", "ogle3_cepheids", SIMULATED)
# Of a classifier and a number of labels, for each split.
Scores = tuple[str, int, list[float]]

# Two years of a faint survey: nights, seasons, errors and amplitudes that no cadence that trained
# has.
UNSEEN_CADENCE = replace(
    CADENCES["ogle"], span=700.0, revisit=4.0, season=0.5, error_floor=0.015, amplitude_scale=0.8
)


def report_sets(options: argparse.Namespace) -> Iterator[Source]:
    """Give the sets that are asked for, real ones if there is a folder with them."""
    for name in options.sets:
        if name == SIMULATED:
            n_stars = max(options.per_class) + options.test_per_class
            stars = make_variable_stars(n_stars, cadence=UNSEEN_CADENCE, random_state=77)
            yield Source("simulated, unseen cadence", *stars)
        elif options.data is not None:
            yield read_report_stars(options.data, name)


def classifiers(seed: int) -> dict[str, ClassifierMixin]:
    """Make the classifiers of numbers.

    Features have long tails, which a power transformation takes away: for stars of the training
    side that was worth three points of F1 to logistic regression on them, and one where they are
    joined to an embedding, which itself does not mind.
    """
    return {
        "LR": make_pipeline(
            SimpleImputer(), PowerTransformer(), LogisticRegression(C=0.3, max_iter=5000)
        ),
        "kNN": make_pipeline(SimpleImputer(), PowerTransformer(), KNeighborsClassifier()),
        "RF": RandomForestClassifier(300, random_state=seed, n_jobs=-1),
    }


def representations(
    weights: dict[str, str], spoil: list[str], with_features: bool
) -> dict[str, Callable[[LightCurves], NDArray]]:
    """Give what turns light curves into numbers, by name."""
    made: dict[str, Callable[[LightCurves], NDArray]] = {"12 statistics": trivial_statistics}
    if with_features:
        made["hand-crafted features"] = hand_crafted_features
    made["folded light curve"] = FoldedCurve(with_period=True, verbose=1).transform
    for name, where in weights.items():
        made[name] = embed = AstromerEmbedder.pretrained(where, verbose=1).transform
        if name in spoil:
            made[f"{name}, no periods"] = partial(_embed_spoiled, embed, _no_periods)
            made[f"{name}, periods of other stars"] = partial(_embed_spoiled, embed, _exchanged)
    return made


def _embed_spoiled(
    embed: Callable[[LightCurves], NDArray],
    spoil: Callable[[Ephemerides], Ephemerides],
    curves: LightCurves,
) -> NDArray:
    assert curves.ephemerides is not None
    return embed(curves.with_ephemerides(spoil(curves.ephemerides)))


def _no_periods(known: Ephemerides) -> Ephemerides:
    return Ephemerides.none(len(known))


def _exchanged(known: Ephemerides) -> Ephemerides:
    """Give each star the period of another one, as sure as its own was."""
    other = np.random.default_rng(0).permutation(len(known))
    return replace(known, period=known.period[other])


def needed_stars(splits: dict[int, list]) -> NDArray[np.int64]:
    parts = [part for rows in splits.values() for split in rows for part in split]
    return np.unique(np.concatenate(parts))


def scores(numbers: NDArray, label: NDArray[np.str_], splits: dict[int, list]) -> Iterator[Scores]:
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
    add("--sets", nargs="+", choices=SETS, default=SETS)
    add("--per-class", type=int, nargs="+", default=[20, 50, 100])
    add("--test-per-class", type=int, default=50)
    add("--splits", type=int, default=5)
    add("--heads", nargs="*", default=[], help="weights on which the package's head is tried")
    add("--finetune", nargs="*", default=[], help="weights that are tried after fine-tuning too")
    add("--spoil", nargs="*", default=[], help="weights that are tried with wrong periods too")
    add("--no-features", action="store_true", help="leave the package light-curve out")
    add("--output", type=Path, help="Markdown file of the tables; all scores go to a CSV beside it")
    options = parser.parse_args()
    pairs = [text.partition("=") for text in options.weights]
    options.weights = {name: where or name for name, _, where in pairs}
    unknown = {*options.heads, *options.spoil, *options.finetune} - set(options.weights)
    if unknown:
        parser.error(f"{sorted(unknown)} are not among the weights")
    report = Report()
    rows: list[dict[str, object]] = []
    for source in report_sets(options):
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
    # Searched once for all that fold light curves.
    curves = with_periods(source.curves[chosen], verbose=1)
    report.line(f"| representation | RMSE/std | classifier | {' | '.join(map(str, splits))} |")
    report.line("| --- " * (3 + len(splits)) + "|")
    features: NDArray | None = None
    made = representations(options.weights, options.spoil, not options.no_features)
    for name, transform in made.items():
        numbers = in_place(transform(curves), chosen, source)
        error = ""
        if name in options.weights:
            embedder = AstromerEmbedder.pretrained(options.weights[name], random_state=0)
            some = np.random.default_rng(0).permutation(len(curves))[:MOST_SCORED]
            error = f"{-embedder.score(curves[some], relative=True):.3f}"
        if name == "hand-crafted features":
            features = numbers
        made_scores = scores(numbers, source.label, splits)
        yield from table(report, source, (name, error), made_scores)
        # Where stars are among those that are needed.
        place = np.searchsorted(chosen, np.arange(len(source.curves)))
        if name in options.heads:
            made_scores = head_scores(options.weights[name], curves, place, source.label, splits)
            yield from table(report, source, (name, error), made_scores)
        if name in options.finetune:
            where = options.weights[name]
            made_scores = finetuned_scores(where, curves, place, source.label, splits)
            yield from table(report, source, (f"{name}, fine-tuned", ""), made_scores)
        if name in options.weights and features is not None:
            made_scores = scores(np.hstack([numbers, features]), source.label, splits)
            yield from table(report, source, (f"{name} + features", ""), made_scores)


def in_place(numbers: NDArray, chosen: NDArray, source: Source) -> NDArray[np.float64]:
    """Put the numbers of the stars that are needed where these are among all."""
    table = np.full((len(source.curves), numbers.shape[1]), np.nan)
    table[chosen] = numbers
    return table


def head_scores(
    weights: str,
    curves: LightCurves,
    place: NDArray[np.int64],
    label: NDArray[np.str_],
    splits: dict[int, list],
) -> Iterator[Scores]:
    """Score the package's head on a frozen encoder; `place` tells where stars are in `curves`."""
    embedder = FrozenEstimator(AstromerEmbedder.pretrained(weights))
    for n, rows in splits.items():
        found = []
        for seed, (train, test) in enumerate(rows):
            model = AstromerClassifier(embedder, head="mlp", random_state=seed)
            model.fit(curves[place[train]], label[train])
            found.append(f1_macro(label[test], model.predict(curves[place[test]])))
        yield "MLP", n, found


def finetuned_scores(
    weights: str,
    curves: LightCurves,
    place: NDArray[np.int64],
    label: NDArray[np.str_],
    splits: dict[int, list],
) -> Iterator[Scores]:
    """Score logistic regression on an encoder that is fine-tuned, in each split, on other stars."""
    found: dict[int, list[float]] = {n: [] for n in splits}
    for seed in range(len(next(iter(splits.values())))):
        judges = np.unique(np.concatenate([place[rows[seed][1]] for rows in splits.values()]))
        others = np.setdiff1d(np.arange(len(curves)), judges)
        chosen = np.random.default_rng(seed).permutation(others)[:FINETUNING_CURVES]
        embedder = AstromerEmbedder.pretrained(weights, random_state=seed).fit(curves[chosen])
        needed = needed_stars({n: [rows[seed]] for n, rows in splits.items()})
        embedding = np.full((len(label), embedder.network_.config.embedding_size), np.nan)
        embedding[needed] = embedder.transform(curves[place[needed]])
        for n, rows in splits.items():
            train, test = rows[seed]
            model = classifiers(seed)["LR"].fit(embedding[train], label[train])
            found[n].append(f1_macro(label[test], model.predict(embedding[test])))
    for n, of_splits in found.items():
        yield "LR", n, of_splits


def table(
    report: Report, source: Source, head: tuple[str, str], made_scores: Iterator[Scores]
) -> Iterator[dict[str, object]]:
    """Report the rows of one representation, and give them."""
    name, error = head
    cells: dict[str, list[str]] = {}
    for classifier, n, found in made_scores:
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
