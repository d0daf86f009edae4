"""What `verbose` shows, as a user sees it."""

from __future__ import annotations

import logging
import sys
from typing import Any

import pytest
from example_curves import random_curves, random_embedder
from sklearn.frozen import FrozenEstimator

from sklearn_astromer import AstromerClassifier
from sklearn_astromer.progress import progress_bar

X, Y = random_curves([30] * 8), ["a", "b"] * 4


def bars_that_stay(shown: str) -> list[str]:
    """The names of bars that are still there at the end; one that goes is wiped out by blanks."""
    lines = [line.rpartition("\r")[2] for line in shown.split("\n")]
    return [line.partition(":")[0] for line in lines if "%" in line]


def folding_embedder(**params: Any) -> Any:
    return random_embedder(
        {
            "standardised": True,
            "shortest_period": 0.5,
            "longest_period": 90.0,
            "cycle_multiples": (1.0,),
        },
        **params,
    )


@pytest.mark.parametrize(
    ("verbose", "expected"), [(0, []), (1, ["network"]), (2, ["period search", "network"])]
)
def test__transform__each_verbosity__leaves_the_bars_it_promises(
    verbose: int, expected: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    folding_embedder(verbose=verbose).transform(X)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert bars_that_stay(shown.err) == expected
    # It was there, while it was needed.
    assert ("period search" in shown.err) is (verbose > 0)


@pytest.mark.parametrize(
    ("verbose", "expected"), [(0, []), (1, ["training"]), (2, ["network", "training"])]
)
def test__classifier_fit__each_verbosity__leaves_the_bars_it_promises(
    verbose: int, expected: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    embedder = random_embedder(finetune=False)

    classifier = AstromerClassifier(
        FrozenEstimator(embedder), head="linear", max_epochs=3, verbose=verbose, random_state=0
    )
    classifier.fit(X, Y)
    shown = capsys.readouterr()
    assert bars_that_stay(shown.err) == expected
    assert len(shown.out.splitlines()) == (3 if verbose == 2 else 0)


def test__progress_bar__in_a_notebook__is_a_widget() -> None:
    # tqdm.auto looks for the notebook when it is imported; elsewhere its bar is the plain one.
    bar = progress_bar(total=1, verbose=0, unit="curve")
    assert type(bar) is sys.modules["tqdm.auto"].tqdm


def test__logging__package__installs_no_handler() -> None:
    names = [name for name in logging.root.manager.loggerDict if name.startswith("sklearn_ast")]
    assert "sklearn_astromer.training.inference" in names
    assert not [name for name in names if logging.getLogger(name).handlers]
