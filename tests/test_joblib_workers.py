"""Workers of joblib: their numbers are those of one process, and one that dies harms nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from example_curves import random_embedder
from example_heads import QUICK, frozen_embedder, labelled_curves, narrow_heads
from joblib import parallel_config
from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import TerminatedWorkerError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

from sklearn_astromer import AstromerClassifier, AstromerEmbedder
from sklearn_astromer.evaluation import FewShotSplit, SamplesPerClass, few_shot_curve
from sklearn_astromer.evaluation.cache import read_result

X, Y = labelled_curves(8)


class Mortal(AstromerEmbedder):
    """An embedder that a machine short of memory kills, in a process that is not this one."""

    def __init__(
        self, weights: Any = None, *, finetune: bool = False, dies: bool = True, parent: int = 0
    ) -> None:
        super().__init__(weights, finetune=finetune)
        self.dies = dies
        self.parent = parent

    def transform(self, X: Any) -> Any:
        if self.dies and os.getpid() != self.parent:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().transform(X)


@pytest.fixture(scope="module", autouse=True)
def _workers() -> Iterator[None]:
    get_reusable_executor().shutdown(wait=True)
    # Several threads sum in another order.
    with narrow_heads(), parallel_config(backend="loky", inner_max_num_threads=1):
        yield
    get_reusable_executor().shutdown(wait=True)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_embedder().save(tmp_path_factory.mktemp("weights") / "random")


def test__n_jobs__two__numbers_are_those_of_one(weights: Path) -> None:
    head = AstromerClassifier(frozen_embedder(), head="linear", **QUICK)
    embedder = AstromerEmbedder(weights, max_epochs=1, learning_rate=1e-2, random_state=0)
    tuned = make_pipeline(embedder, LogisticRegression())
    few = SamplesPerClass(tuned, 3, random_state=0)
    splits = FewShotSplit(3, test_per_class=4, n_splits=2, random_state=0)
    grid = {"samples_per_class": [2, 3]}

    def numbers(n_jobs: int) -> list[Any]:
        search = GridSearchCV(few, grid, cv=splits, n_jobs=n_jobs).fit(X, Y)
        table = few_shot_curve(
            {"tuned": tuned, "head": head},
            *(X, Y, [2, 3]),
            test_per_class=4,
            n_splits=2,
            scoring="neg_log_loss",
            n_jobs=n_jobs,
        )
        return [
            cross_val_score(head, X, Y, cv=3, scoring="neg_log_loss", n_jobs=n_jobs),
            search.cv_results_["mean_test_score"],
            search.best_estimator_.estimator_[0].transform(X),
            table["neg_log_loss_mean"].to_numpy(),
        ]

    for one, two in zip(numbers(1), numbers(2), strict=True):
        np.testing.assert_array_equal(one, two)


def test__worker_killed__error_says_so_and_the_estimator_can_be_used_again(
    weights: Path, tmp_path: Path
) -> None:
    mortal = make_pipeline(Mortal(weights, parent=os.getpid()), LogisticRegression())
    with pytest.raises(TerminatedWorkerError):
        cross_val_score(mortal, X, Y, cv=3, n_jobs=2)
    well = make_pipeline(AstromerEmbedder(weights, finetune=False), LogisticRegression())
    splits = {"test_per_class": 4, "n_splits": 2, "cache": tmp_path}
    with pytest.raises(TerminatedWorkerError):
        few_shot_curve({"well": well, "mortal": mortal}, X, Y, [2, 3], n_jobs=2, **splits)
    # What is in the cache is whole; what is not is done now, by new workers.
    assert all(read_result(file) for file in tmp_path.iterdir())
    mortal.set_params(mortal__dies=False)
    again = few_shot_curve({"well": well, "mortal": mortal}, X, Y, [2, 3], n_jobs=2, **splits)
    means = again.groupby("estimator")["f1_mean"].apply(list)
    assert means["well"] == means["mortal"]
    assert not [file for file in tmp_path.iterdir() if file.suffix != ".json"]
