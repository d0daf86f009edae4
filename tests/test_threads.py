"""Processes that work side by side share the cores: torch takes no more threads than its part."""

from __future__ import annotations

import os

import joblib
import numpy as np
import pytest
import torch
from joblib.externals.loky import get_reusable_executor
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from sklearn_astromer import AstromerEmbedder
from sklearn_astromer.datasets import make_variable_stars


def n_threads(estimator: object, X: object, y: object) -> float:
    """A scorer that tells how many threads torch has after it embedded light curves."""
    estimator.predict(X)
    return torch.get_num_threads() if os.getpid() != int(os.environ["TEST_PARENT"]) else np.inf


def test__cross_val_score__two_jobs__torch_has_half_of_the_cores_in_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TEST_PARENT", str(os.getpid()))
    # Workers that are there already keep the environment that they were born into.
    get_reusable_executor().shutdown(wait=True)
    curves, kinds = make_variable_stars(
        4, classes=["RRab", "Mira"], cadence="atlas", random_state=0
    )
    pipeline = make_pipeline(AstromerEmbedder.pretrained("macho"), LogisticRegression())
    threads = cross_val_score(pipeline, curves, kinds, scoring=n_threads, cv=2, n_jobs=2)
    get_reusable_executor().shutdown(wait=True)
    assert (threads <= max(1, joblib.cpu_count() // 2)).all(), threads
