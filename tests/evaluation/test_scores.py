"""Eq. 7 of the paper, beside scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score

from sklearn_astromer.evaluation import f1_macro


@pytest.mark.parametrize("seed", range(5))
def test__f1_macro__random_predictions__as_scikit_learn(seed: int) -> None:
    random = np.random.RandomState(seed)
    names = np.array(["EC", "ED", "Mira", "RRab"])
    true, predicted = names[random.randint(0, 4, (2, 60))]
    expected = f1_score(true, predicted, average="macro")
    assert f1_macro(true, predicted) == pytest.approx(expected, abs=1e-12)


def test__f1_macro__worked_by_hand() -> None:
    # a: P 1/2, R 1/2, F1 1/2; b: P 1/2, R 1, F1 2/3; c is never found.
    true, predicted = ["a", "a", "b", "c"], ["a", "b", "b", "a"]
    assert f1_macro(true, predicted) == pytest.approx((1 / 2 + 2 / 3 + 0) / 3)
    # The first class is never found.
    assert f1_macro(["a", "b", "c"], ["b", "b", "c"]) == pytest.approx((0 + 2 / 3 + 1) / 3)


def test__f1_macro__predicted_class_that_no_star_has__adds_no_term() -> None:
    true, predicted = [1, 1, 2, 2], [1, 3, 2, 2]
    assert f1_macro(true, predicted) == pytest.approx((2 / 3 + 1) / 2)
    with_labels = f1_score(true, predicted, average="macro", labels=[1, 2])
    assert f1_macro(true, predicted) == pytest.approx(with_labels)
    assert f1_score(true, predicted, average="macro") == pytest.approx((2 / 3 + 1) / 3)


@pytest.mark.parametrize(
    ("true", "predicted", "message"),
    [
        ([], [], r"^y_true is empty: there is nothing to score\.$"),
        ([1, 2], [1], "inconsistent numbers"),
        (["a", "b"], [0, 1], "Mix of label input types"),
        ([0.5, 1.2], [0.5, 1.2], "continuous"),
    ],
)
def test__f1_macro__bad_input__is_an_error(true: Any, predicted: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        f1_macro(true, predicted)
