"""Names for results: the same in every process, and others when anything changes."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_astromer import AstromerEmbedder
from sklearn_astromer.evaluation.fingerprints import fingerprint

ROOT = Path(__file__).resolve().parents[2]


def statistics(X: Any, which: Any = ("mean", {"std", "min", "max"})) -> Any:
    return [len(which) + curve[:, 1].std() for curve in X]


def adder(amount: float) -> Any:
    return lambda X: X + amount


def small_network(fill: float = 0.5) -> torch.nn.Module:
    network = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.LayerNorm(3))
    for parameter in network.parameters():
        torch.nn.init.constant_(parameter, fill)
    return network


def frozen(fill: float = 0.5) -> FrozenEstimator:
    """A fitted thing with arrays and a torch module inside."""
    fitted = LogisticRegression().fit(np.arange(6.0).reshape(-1, 1), [0, 0, 0, 1, 1, 1])
    fitted.network_ = small_network(fill)
    return FrozenEstimator(fitted)


def examples() -> dict[str, Any]:
    used = np.random.RandomState(0)
    used.rand(3)
    return {
        "pipeline": make_pipeline(
            AstromerEmbedder(weights="macho", finetune=False), StandardScaler(), frozen()
        ),
        "function": make_pipeline(FunctionTransformer(statistics), FunctionTransformer(np.log)),
        "closure": FunctionTransformer(adder(2.0)),
        "random state": LogisticRegression(random_state=used),
        "generator": np.random.default_rng(3),
        "frozen": frozen(),
        "module": small_network(),
        "half": torch.ones(3, dtype=torch.bfloat16),
        "containers": {"b": {3, "x", (1, 2)}, "a": [None, 1.5, b"y", float("nan")]},
        "frame": pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]}),
        "objects": np.array(["a", None, 3], object),
        "empty": np.zeros((0, 3)),
    }


def test__fingerprint__other_process__is_the_same() -> None:
    code = (
        "import test_fingerprints as t\n"
        "for name, thing in t.examples().items(): print(name, t.fingerprint(thing), sep='=')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": f"{ROOT}:{Path(__file__).parent}", "PYTHONHASHSEED": "7"},
    )
    there = dict(line.split("=") for line in done.stdout.splitlines())
    here = {name: fingerprint(thing) for name, thing in examples().items()}
    assert here == there
    assert len(set(here.values())) == len(here)


@pytest.mark.parametrize("name", list(examples()))
def test__fingerprint__copy__is_the_same(name: str) -> None:
    thing = examples()[name]
    if hasattr(thing, "get_params"):
        assert fingerprint(clone(thing)) == fingerprint(thing)
    assert fingerprint(examples()[name]) == fingerprint(thing)


def test__fingerprint__parts_that_are_one_object_or_two__are_the_same() -> None:
    part = np.arange(3.0)
    assert fingerprint([part, part]) == fingerprint([part, part.copy()])
    assert fingerprint(np.arange(6.0)[::2]) == fingerprint(np.array([0.0, 2.0, 4.0]))


def test__fingerprint__fitted_estimator__counts_as_its_clone_unless_frozen() -> None:
    X, y = np.arange(6.0).reshape(-1, 1), [0, 0, 0, 1, 1, 1]
    fitted = LogisticRegression().fit(X, y)
    assert fingerprint(fitted) == fingerprint(LogisticRegression())
    other = LogisticRegression().fit(X, y[::-1])
    assert fingerprint(FrozenEstimator(fitted)) != fingerprint(FrozenEstimator(other))
    before = fingerprint(FrozenEstimator(fitted))
    fitted.history_ = [{"seconds": 1.3}]
    assert fingerprint(FrozenEstimator(fitted)) == before


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (LogisticRegression(C=1.0), LogisticRegression(C=1.5)),
        (LogisticRegression(), StandardScaler()),
        (
            make_pipeline(AstromerEmbedder(weights="macho", max_epochs=1), StandardScaler()),
            make_pipeline(AstromerEmbedder(weights="macho", max_epochs=2), StandardScaler()),
        ),
        (FrozenEstimator(LogisticRegression()), LogisticRegression()),
        (frozen(0.5), frozen(0.25)),
        (FunctionTransformer(lambda X: X + 1), FunctionTransformer(lambda X: X + 2)),
        (FunctionTransformer(np.log), FunctionTransformer(np.exp)),
        (adder(1.0), adder(2.0)),
        (np.random.RandomState(0), np.random.RandomState(1)),
        (np.zeros(3), np.zeros(3, np.float32)),
        (np.zeros((2, 3)), np.zeros((3, 2))),
        (np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1, 2], mask=[1, 0])),
        (StandardScaler(), StandardScaler().set_output(transform="pandas")),
        (1, True),
        (1, 1.0),
        ("1", 1),
        ([1, [2]], [[1], 2]),
        ((1,), [1]),
        (["ab", "c"], ["a", "bc"]),
    ],
)
def test__fingerprint__anything_else__differs(one: Any, other: Any) -> None:
    assert fingerprint(one) != fingerprint(other)


def test__fingerprint__thing_that_holds_itself__ends() -> None:
    loop: dict[str, Any] = {}
    loop["self"] = loop
    assert fingerprint(loop) != fingerprint({"self": {}})


def test__fingerprint__lock__is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"a _thread.lock among the parameters.*cache=None"):
        fingerprint(FunctionTransformer(kw_args={"lock": threading.Lock()}))
