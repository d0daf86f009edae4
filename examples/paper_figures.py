"""Figures of the paper's experiment: scores and RMSE against labels, and learning curves."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from paper_fits import BASELINE, EMBEDDER, SCENARIOS, Plan
from paper_tables import planned_models, select

from sklearn_astromer.plotting import FewShotDisplay, LearningCurveDisplay

NAMES = {
    "logistic": "logistic regression",
    "linear": "linear head",
    "mlp": "MLP+ATT",
    "skip": "skip head",
    "lstm": "LSTM+ATT",
    "lstm-baseline": "LSTM on light curves",
    "statistics": "12 statistics, forest",
    "features": "hand-crafted features, forest",
}
TITLES = {
    "0": "(0) released, frozen",
    "a": "(a) fine-tuned on the labelled, frozen",
    "b": "(b) as (a), trained with the head",
    "c": "(c) fine-tuned on all, trained with the head",
}


def draw_figures(rows: pd.DataFrame, plan: Plan, options: argparse.Namespace) -> list[Path]:
    """Draw what the fits that are done are enough for."""
    left = len(plan.fits()) - len(rows)
    note = f" ({left} of {len(plan.fits())} fits are missing)" if left else ""
    scenarios = [name for name in SCENARIOS if name in options.scenarios] or [BASELINE]
    paths = []
    if rows.f1.notna().any():
        figure = _f1_figure(rows, scenarios, options)
        paths.append(_save(figure, "f1", "Macro F1 on the test stars", note, options))
    if select(rows, "a", EMBEDDER).shape[0]:
        figure = _rmse_figure(rows)
        paths.append(_save(figure, "rmse", "RMSE of hidden magnitudes", note, options))
    # Logistic regression and forests have no epochs.
    if options.validation_fraction and rows[rows.f1.notna()].history.notna().any():
        figure = _learning_figure(rows, scenarios, options)
        title = f"Cross entropy, {max(options.per_class)} labels per class"
        paths.append(_save(figure, "learning", title, note, options))
    return paths


def _save(figure: Figure, kind: str, title: str, note: str, options: argparse.Namespace) -> Path:
    figure.suptitle(f"{options.name}: {title}{note}")
    path = options.output / f"{options.name}_{kind}.png"
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return path


def _panels(n: int) -> tuple[Figure, list[Axes]]:
    """Make one panel under the other, which leaves room for a legend beside each."""
    figure = plt.figure(figsize=(7.5, 0.5 + 3.5 * n), layout="constrained")
    return figure, list(figure.subplots(n, squeeze=False)[:, 0])


def _rows_of(
    rows: pd.DataFrame, scenario: str, options: argparse.Namespace
) -> list[tuple[str, pd.DataFrame]]:
    """Give the fits of each model of a scenario, and of each baseline, with its name."""
    pairs = [pair for pair in planned_models(options) if pair[0] in (scenario, BASELINE)]
    # Lines are coloured in turn. Not all scenarios have logistic regression: if it comes last, the
    # others look the same in all panels.
    pairs.sort(key=lambda pair: pair[1] == "logistic")
    return [(NAMES[model], select(rows, of, model)) for of, model in pairs]


def _f1_figure(rows: pd.DataFrame, scenarios: list[str], options: argparse.Namespace) -> Figure:
    """Fig. 11 of the paper: one panel per scenario, shaded by the standard deviation."""
    figure, panels = _panels(len(scenarios))
    for scenario, axes in zip(scenarios, panels, strict=True):
        parts = [_scores(name, part, "f1") for name, part in _rows_of(rows, scenario, options)]
        _draw_scores(pd.concat(parts), axes)
        axes.set_title(TITLES.get(scenario, scenario), fontsize="medium")
    return figure


def _rmse_figure(rows: pd.DataFrame) -> Figure:
    """Fig. 9 of the paper, with the two encoders between which the fine-tuned ones should be."""
    figure, (axes,) = _panels(1)
    tuned = select(rows, "a", EMBEDDER)
    parts = [_scores("(a) fine-tuned on the labelled stars", tuned, "rmse")]
    for scenario, name in (("0", "released"), ("c", "(c) fine-tuned on all but the test")):
        # One encoder for all numbers of labels: a level line.
        level = select(rows, scenario, EMBEDDER)
        parts += [_scores(name, level.assign(n=n), "rmse") for n in tuned.n.unique()]
    _draw_scores(pd.concat(parts), axes)
    axes.set_ylabel("RMSE (mag)")
    return figure


def _scores(name: str, rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """Give fits in the form of a table of `few_shot_curve`."""
    labels = rows.n.astype(float)
    return pd.DataFrame(
        {"estimator": name, "samples_per_class": labels, "split": rows.split, column: rows[column]}
    )


def _draw_scores(table: pd.DataFrame, axes: Axes) -> None:
    if len(table):
        FewShotDisplay.from_table(table, ax=axes)


def _learning_figure(
    rows: pd.DataFrame, scenarios: list[str], options: argparse.Namespace
) -> Figure:
    """Fig. 12 of the paper: the split with the highest F1 of each classifier."""
    figure, panels = _panels(len(scenarios))
    for scenario, axes in zip(scenarios, panels, strict=True):
        histories: dict[str, list[dict[str, Any]]] = {}
        for name, part in _rows_of(rows, scenario, options):
            chosen = part[(part.n == max(options.per_class)) & part.history.notna()]
            if len(chosen):
                histories[name] = chosen.history[chosen.f1.idxmax()]
        if histories:
            LearningCurveDisplay.from_histories(histories, quantity="cross entropy", ax=axes)
        axes.set_title(TITLES.get(scenario, scenario), fontsize="medium")
    return figure
