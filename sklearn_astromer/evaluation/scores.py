"""The paper's score."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets, unique_labels

__all__ = ["f1_macro"]


def f1_macro(y_true: Any, y_pred: Any) -> float:
    """Average the F1 score over the classes (Eq. 7 of the paper).

    With the precision P and the recall R of a class, its F1 is 2PR / (P + R), or 0 if no star of
    the class was found. The classes are those of `y_true`, and all count the same.

    Parameters
    ----------
    y_true : array-like of shape (n_stars,)
        True classes.
    y_pred : array-like of shape (n_stars,)
        Predicted classes.

    Returns
    -------
    f1 : float
        Between 0 and 1.

    Raises
    ------
    ValueError
        If the two differ in length or in the type of their labels, are empty, or are no classes.

    Notes
    -----
    ``sklearn.metrics.f1_score(average="macro")``, and with it ``scoring="f1_macro"``, is the same
    where every predicted class is in `y_true`, as it is with `FewShotSplit`. Otherwise it counts
    the other classes with an F1 of 0, while here they only lower the recall of the true ones.

    References
    ----------
    Donoso-Oliva, C., Becker, I., Protopapas, P., et al. 2023, A&A, 670, A54, Eq. 7.

    Examples
    --------
    >>> from sklearn_astromer.evaluation import f1_macro
    >>> round(f1_macro(["Mira", "Mira", "RRab"], ["Mira", "RRab", "RRab"]), 3)
    0.667
    """
    true, predicted = column_or_1d(y_true), column_or_1d(y_pred)
    check_consistent_length(true, predicted)
    if len(true) == 0:
        raise ValueError("y_true is empty: there is nothing to score.")
    check_classification_targets(true)
    unique_labels(true, predicted)
    scores = []
    for label in np.unique(true):
        of_class, as_class = true == label, predicted == label
        found = np.sum(of_class & as_class)
        if found == 0:
            scores.append(0.0)
            continue
        precision, recall = found / np.sum(as_class), found / np.sum(of_class)
        scores.append(2 * precision * recall / (precision + recall))
    return float(np.mean(scores))
