"""Tables of the paper's experiment, from the fits that are done; what is missing is named."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from paper_fits import (
    BASELINE,
    BASELINES,
    EMBEDDER,
    EMBEDDING_MODELS,
    SCENARIOS,
    TRAINED_WITH_HEAD,
    Plan,
)

import sklearn_astromer

NAMES = {
    "logistic": "logistic regression on the mean embedding",
    "linear": "linear head",
    "mlp": "MLP+ATT",
    "lstm": "LSTM+ATT",
    "skip": "skip head (Astromer 2)",
    "lstm-baseline": "LSTM on light curves (the paper's baseline)",
    "statistics": "12 trivial statistics, random forest",
    "features": "hand-crafted features, random forest",
}
COLUMNS = [
    *("set", "scenario", "model", "n", "split", "stars", "f1", "rmse", "rmse_over_std"),
    *("fit_seconds", "predict_seconds", "epochs", "history"),
]


def result_rows(plan: Plan, name: str) -> pd.DataFrame:
    """Give one row per fit that is done.

    Parameters
    ----------
    plan : Plan
        All fits.
    name : str
        Name of the labelled set.

    Returns
    -------
    rows : pandas.DataFrame
        Set, scenario, model ("embedder" is the encoder itself), labels per class (NaN: not a matter
        of labels), split, stars that were trained on; F1 of classifiers; of encoders the RMSE of
        hidden magnitudes of the test stars, in magnitudes and over their standard deviation;
        seconds, epochs, and the losses of each epoch.
    """
    rows = []
    for fit in plan.fits():
        result = fit.result()
        if result is None:
            continue
        of_encoder = fit.model == EMBEDDER
        scores = {
            "f1": np.nan if of_encoder else result["score"],
            "rmse": -result["score"] if of_encoder else np.nan,
            "rmse_over_std": -result["relative_score"] if of_encoder else np.nan,
        }
        about = {"set": name, "scenario": fit.scenario, "model": fit.model, "split": fit.split}
        rows.append(result | about | scores | {"n": fit.samples_per_class})
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.astype({"n": "Int64", "split": int, "epochs": "Int64"})


def write_tables(rows: pd.DataFrame, plan: Plan, options: argparse.Namespace) -> list[Path]:
    """Write all rows as CSV, and a page of tables."""
    rows_file = options.output / f"{options.name}.csv"
    rows.drop(columns="history").to_csv(rows_file, index=False)
    page = options.output / f"{options.name}.md"
    parts = [_head(rows, plan, options), _f1_table(rows, options)]
    if options.scenarios:
        parts += [_rmse_table(rows, options), _all_stars_table(rows, options)]
    parts.append(_cost_table(rows, options))
    page.write_text("\n".join(parts), encoding="utf-8")
    return [rows_file, page]


def _head(rows: pd.DataFrame, plan: Plan, options: argparse.Namespace) -> str:
    classes = "all" if options.classes is None else ", ".join(options.classes)
    seen = "" if options.below_percent == 100 else f", percent of id below {options.below_percent}"
    lines = [
        f"# {options.name}: the paper's experiment",
        "",
        f"{len(rows)} of {len(plan.fits())} fits are done. Mean ± standard deviation over "
        f"{options.splits} splits; a cell with fewer says so.",
        "",
        f"- Stars: {plan.n_stars} ({classes}{seen}); test: {options.test_per_class} of each class, "
        "the same for all numbers of labels.",
        f"- Weights: {options.weights}, sklearn_astromer {sklearn_astromer.__version__}. "
        f"Fine-tuning: {options.finetune_epochs} epochs on the labelled stars, "
        f"{options.finetune_epochs_all} on all but the test.",
        f"- Heads and LSTM: {_training(options)}.",
        *(f"- ({name}) {text}." for name, text in SCENARIOS.items() if name in options.scenarios),
        "",
    ]
    return "\n".join(lines)


def _training(options: argparse.Namespace) -> str:
    epochs = "the epochs of the package"
    if options.epochs is not None:
        epochs = f"at most {options.epochs} epochs"
    if set(options.scenarios) & set(TRAINED_WITH_HEAD):
        epochs += f", then at most {options.encoder_epochs} with the encoder in (b) and (c)"
    if options.validation_fraction is None:
        return (
            f"{epochs}; heads train on all labelled stars, the LSTM on light curves keeps a fifth "
            f"of them for validation (patience {options.patience})"
        )
    if not options.validation_fraction:
        return f"{epochs}; all labelled stars to train with"
    return (
        f"{epochs}, patience {options.patience}; {options.validation_fraction:.0%} of the labelled "
        "stars for validation (logistic regression and forests train with all)"
    )


def _f1_table(rows: pd.DataFrame, options: argparse.Namespace) -> str:
    lines = ["## Macro F1 against labels per class (Eq. 7 and Fig. 11 of the paper)", ""]
    lines += _header(["scenario", "model", *map(str, options.per_class)])
    for scenario, model in planned_models(options):
        chosen = select(rows, scenario, model)
        cells = [cell(chosen.f1[chosen.n == n], options.splits) for n in options.per_class]
        lines.append(_line([scenario, NAMES[model], *cells]))
    return "\n".join([*lines, ""])


def _rmse_table(rows: pd.DataFrame, options: argparse.Namespace) -> str:
    title = "## RMSE of hidden magnitudes of the test stars (Fig. 9)"
    lines = [title, "", "The change is that from the released encoder, on the same stars.", ""]
    lines += _header(["encoder", "RMSE (mag)", "RMSE / std", "change (mag)"])
    released = select(rows, "0", EMBEDDER).set_index("split").rmse
    encoders: list[tuple[str, str, int | None]] = [("released", "0", None)]
    if set(options.scenarios) & {"a", "b"}:
        encoders += [(f"(a) {n} of each class", "a", n) for n in options.per_class]
    if "c" in options.scenarios:
        encoders.append(("(c) all but the test", "c", None))
    for name, scenario, n in encoders:
        chosen = select(rows, scenario, EMBEDDER)
        if n is not None:
            chosen = chosen[chosen.n == n]
        cells = [cell(chosen[column], options.splits) for column in ("rmse", "rmse_over_std")]
        change = (chosen.set_index("split").rmse - released).dropna()
        cells.append("" if scenario == "0" else cell(change, options.splits, "{:+.4f}"))
        lines.append(_line([name, *cells]))
    return "\n".join([*lines, ""])


def _all_stars_table(rows: pd.DataFrame, options: argparse.Namespace) -> str:
    """Table 5 of the paper."""
    if "c" not in options.scenarios:
        return ""
    lines = ["## Fine-tuning on all stars but those of the test (Table 5)", ""]
    lines += _header(["stars", "epochs", "seconds", "RMSE fine-tuned", "RMSE released"])
    tuned, released = select(rows, "c", EMBEDDER), select(rows, "0", EMBEDDER)
    stars = f"{tuned.stars.mean():.0f}" if len(tuned) else "-"
    cells = [
        cell(tuned.epochs, options.splits, "{:.1f}"),
        cell(tuned.fit_seconds, options.splits, "{:.0f}"),
        cell(tuned.rmse, options.splits),
        cell(released.rmse, options.splits),
    ]
    return "\n".join([*lines, _line([stars, *cells]), ""])


def _cost_table(rows: pd.DataFrame, options: argparse.Namespace) -> str:
    most = max(options.per_class)
    lines = [f"## Epochs and seconds of a fit with {most} labels per class (Fig. 12)", ""]
    lines += ["Epochs include those without a better loss, for which the patience waits.", ""]
    lines += _header(["scenario", "model", "epochs", "seconds"])
    for scenario, model in planned_models(options):
        chosen = select(rows, scenario, model)
        chosen = chosen[chosen.n == most]
        epochs = "none" if model in ("logistic", "statistics", "features") else None
        cells = [
            epochs or cell(chosen.epochs, options.splits, "{:.0f}"),
            cell(chosen.fit_seconds, options.splits, "{:.1f}"),
        ]
        lines.append(_line([scenario, NAMES[model], *cells]))
    return "\n".join([*lines, ""])


def planned_models(options: argparse.Namespace) -> list[tuple[str, str]]:
    """Give the scenarios and models of a run, in the order of tables."""
    pairs = [(BASELINE, name) for name in BASELINES if name in options.models]
    for scenario in (name for name in SCENARIOS if name in options.scenarios):
        pairs += [
            (scenario, name)
            for name in EMBEDDING_MODELS
            if name in options.models and (name != "logistic" or scenario in ("0", "a"))
        ]
    return pairs


def select(rows: pd.DataFrame, scenario: str, model: str) -> pd.DataFrame:
    """Give the rows of one model in one scenario."""
    return rows[(rows.scenario == scenario) & (rows.model == model)]


def cell(values: pd.Series, n_splits: int, form: str = "{:.3f}") -> str:
    """Give mean and standard deviation, and how many splits there are if some are missing."""
    missing = "" if len(values) == n_splits else f" ({len(values)} of {n_splits} splits)"
    if len(values) == 0:
        return f"-{missing}"
    numbers = values.to_numpy(float)
    # A single split has no spread, which is not the same as none.
    spread = "" if len(values) == 1 else " ± " + form.replace("+", "").format(numbers.std())
    return f"{form.format(numbers.mean())}{spread}{missing}"


def _header(names: Iterable[str]) -> list[str]:
    names = list(names)
    return [_line(names), _line(["---"] * len(names))]


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
