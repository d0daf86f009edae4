"""Figures of the paper's experiment: scores and RMSE against labels, and learning curves."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from paper_fits import BASELINE, EMBEDDER, SCENARIOS, Plan
from paper_tables import planned_models, select

# Colours that colour-blind people can tell apart (Okabe & Ito 2008, Color Universal Design);
# markers and dashes tell them apart without any. The baselines are grey and black.
STYLES: dict[str, dict[str, Any]] = {
    "logistic": {"color": "#0072B2", "marker": "o", "label": "logistic regression"},
    "linear": {"color": "#56B4E9", "marker": "v", "label": "linear head"},
    "mlp": {"color": "#E69F00", "marker": "s", "label": "MLP+ATT"},
    "skip": {"color": "#CC79A7", "marker": "P", "label": "skip head"},
    "lstm": {"color": "#D55E00", "marker": "D", "label": "LSTM+ATT"},
    "lstm-baseline": {"color": "#000000", "marker": "x", "label": "LSTM on light curves"},
    "statistics": {"color": "#888888", "marker": "^", "label": "12 statistics, forest"},
    "features": {"color": "#444444", "marker": "*", "label": "hand-crafted features, forest"},
}
TITLES = {
    "0": "(0) released, frozen",
    "a": "(a) fine-tuned on the labelled, frozen",
    "b": "(b) as (a), trained with the head",
    "c": "(c) fine-tuned on all, trained with the head",
}
BLUE, ORANGE, BLACK = "#0072B2", "#E69F00", "#000000"


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
        figure = _rmse_figure(rows, options)
        paths.append(_save(figure, "rmse", "RMSE of hidden magnitudes", note, options))
    # Logistic regression and forests have no epochs.
    if options.validation_fraction and rows[rows.f1.notna()].history.notna().any():
        figure = _learning_figure(rows, scenarios, options)
        title = f"Validation loss, {max(options.per_class)} labels per class"
        paths.append(_save(figure, "learning", title, note, options))
    return paths


def _save(figure: Figure, kind: str, title: str, note: str, options: argparse.Namespace) -> Path:
    figure.suptitle(f"{options.name}: {title}{note}")
    handles: dict[str, Any] = {}
    for axes in figure.axes:
        handles |= dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    order = [style["label"] for style in STYLES.values()]
    names = sorted(handles, key=lambda name: order.index(name) if name in order else 99)
    figure.legend(
        [handles[name] for name in names],
        names,
        ncols=4 if figure.get_figwidth() > 10 else 2,
        loc="outside lower center",
        frameon=False,
    )
    path = options.output / f"{options.name}_{kind}.png"
    figure.savefig(path, dpi=110)
    return path


def _panels(scenarios: list[str]) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(max(7.0, 3.6 * len(scenarios)), 4.8), layout="constrained")
    panels = figure.subplots(1, len(scenarios), sharey=True, squeeze=False)[0]
    for scenario, axes in zip(scenarios, panels, strict=True):
        axes.set_title(TITLES.get(scenario, scenario), fontsize=10)
        axes.grid(color="#dddddd", linewidth=0.6)
    return figure, list(panels)


def _models_of(scenario: str, options: argparse.Namespace) -> list[tuple[str, str]]:
    """Give what is drawn in a panel: the models of its scenario and all baselines."""
    return [pair for pair in planned_models(options) if pair[0] in (scenario, BASELINE)]


def _f1_figure(rows: pd.DataFrame, scenarios: list[str], options: argparse.Namespace) -> Figure:
    """Fig. 11 of the paper: one panel per scenario, shaded by the standard deviation."""
    figure, panels = _panels(scenarios)
    for scenario, axes in zip(scenarios, panels, strict=True):
        for of, model in _models_of(scenario, options):
            dashed = "--" if of == BASELINE else "-"
            _line_over_labels(axes, select(rows, of, model), "f1", ls=dashed, **STYLES[model])
        _label_axis(axes, options)
    panels[0].set_ylabel("macro F1")
    return figure


def _rmse_figure(rows: pd.DataFrame, options: argparse.Namespace) -> Figure:
    """Fig. 9 of the paper, with the two encoders between which the fine-tuned ones should be."""
    figure = Figure(figsize=(6.5, 4.8), layout="constrained")
    axes = figure.subplots()
    axes.grid(color="#dddddd", linewidth=0.6)
    for scenario, colour, dashes, name in (
        ("0", BLACK, "--", "released"),
        ("c", ORANGE, ":", "(c) fine-tuned on all but the test"),
    ):
        chosen = select(rows, scenario, EMBEDDER)
        if len(chosen):
            axes.axhline(chosen.rmse.mean(), color=colour, ls=dashes, label=name)
    name = "(a) fine-tuned on the labelled stars"
    chosen = select(rows, "a", EMBEDDER)
    _line_over_labels(axes, chosen, "rmse", color=BLUE, marker="o", label=name)
    _label_axis(axes, options)
    axes.set_ylabel("RMSE (mag)")
    return figure


def _learning_figure(
    rows: pd.DataFrame, scenarios: list[str], options: argparse.Namespace
) -> Figure:
    """Fig. 12 of the paper: the split with the highest F1 of each classifier."""
    figure, panels = _panels(scenarios)
    most = max(options.per_class)
    for scenario, axes in zip(scenarios, panels, strict=True):
        for of, model in _models_of(scenario, options):
            chosen = select(rows, of, model)
            chosen = chosen[(chosen.n == most) & chosen.history.notna()]
            if len(chosen) == 0:
                continue
            history = pd.DataFrame(chosen.history[chosen.f1.idxmax()])
            style = {name: STYLES[model][name] for name in ("color", "label")}
            dashed = "--" if of == BASELINE else "-"
            axes.plot(history.epoch, history.valid_loss, ls=dashed, **style)
            best = history.loc[history.valid_loss.idxmin()]
            marker = {name: STYLES[model][name] for name in ("color", "marker")}
            axes.plot(best.epoch, best.valid_loss, **marker)
        axes.set_xlabel("epoch (marker: the lowest loss)")
    low = min(axes.dataLim.y0 for axes in panels)
    high = max(axes.dataLim.y1 for axes in panels)
    # Shared by all panels.
    if high > 30 * low > 0:
        panels[0].set_yscale("log")
    panels[0].set_ylabel("cross entropy of the validation stars")
    return figure


def _line_over_labels(axes: Axes, rows: pd.DataFrame, column: str, **style: Any) -> None:
    if len(rows) == 0:
        return
    groups = rows.astype({"n": float}).groupby("n")[column]
    mean, spread = groups.mean(), groups.std(ddof=0)
    axes.plot(mean.index, mean, markersize=5.5, **style)
    low, high = mean - spread, mean + spread
    axes.fill_between(mean.index, low, high, color=style["color"], alpha=0.12, linewidth=0)


def _label_axis(axes: Axes, options: argparse.Namespace) -> None:
    axes.set_xscale("log")
    axes.set_xticks(options.per_class, [str(n) for n in options.per_class])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("labels per class")
    least, most = np.min(options.per_class), np.max(options.per_class)
    axes.set_xlim(least / 1.15, most * 1.15)
