"""Numbers that the pages derive from docs/runs are those of the runs."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import linregress

DOCS = Path(__file__).resolve().parents[1] / "docs"


def one_line(page: str) -> str:
    return re.sub(r"\s+", " ", (DOCS / page).read_text(encoding="utf-8"))


def better_than_regression(stars: str, scenario: str) -> str:
    """Mean and standard error of what the linear head has more, in points, in pairs of fits."""
    fits = pd.read_csv(DOCS / "runs" / f"paper-{stars}.csv")
    # As text where there are letters, as numbers where there are none.
    fits["scenario"] = fits.scenario.astype(str)
    score = fits.dropna(subset="f1").set_index(["scenario", "model", "n", "split"]).f1.sort_index()
    more = 100 * (score[scenario, "linear"] - score["0", "logistic"])
    assert len(more) == more.notna().sum() >= 6
    return f"{abs(more.mean()):.1f} ± {more.sem():.1f}"


@pytest.mark.parametrize(
    ("stars", "scenario", "sentence"),
    [
        ("asas", "0", "it is {} points apart (mean and its standard error)"),
        ("asas", "b", "trained with the encoder (b) {} better"),
        ("ogle3", "0", "the frozen one is {} points (OGLE-III)"),
        ("ogle4", "0", "and {} points (OGLE-IV) above logistic regression"),
    ],
)
def test__results__linear_head_and_regression__differ_as_in_the_runs(
    stars: str, scenario: str, sentence: str
) -> None:
    expected = sentence.format(better_than_regression(stars, scenario))
    assert expected in one_line("results.md")


def test__pretraining__rise_with_each_doubling__is_that_of_the_run() -> None:
    log = pd.read_csv(DOCS / "runs" / "variables.csv")

    def rise(score: str, least: int) -> str:
        rows = log[log.windows >= least]
        line = linregress(np.log2(rows.windows), 100 * rows[score])
        return f"{line.slope:.1f} ± {line.stderr:.1f}"

    asas, ogle = "f1_asas", "f1_ogle3_cepheids"
    page = one_line("pretraining.md")
    assert rise(asas, 0) == rise(ogle, 0)
    assert f"rises by {rise(asas, 0)} points with each doubling on both sets" in page
    late = f"by {rise(asas, 204_800)} (ASAS) and {rise(ogle, 204_800)} (OGLE) from 204,800 windows"
    assert late in page
