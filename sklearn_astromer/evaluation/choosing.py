"""Stars of each class in random order: what the splitter and the meta-estimator choose from."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_astromer.errors import ParameterError

__all__ = ["class_codes", "classes_with_enough", "rank_in_class"]

# Longer lists of classes are cut short in messages: continuous targets make thousands.
CLASSES_SHOWN = 10


def class_codes(labels: NDArray[Any]) -> tuple[list[Any], NDArray[np.int64]]:
    """Sort the classes and number them.

    Parameters
    ----------
    labels : ndarray of shape (n_stars,)

    Returns
    -------
    classes : list
        The different labels, sorted.
    codes : ndarray of int64, shape (n_stars,)
        For each star the position of its class in `classes`.

    Raises
    ------
    ValueError
        If the labels cannot be sorted, since they are of several types.
    """
    try:
        classes, codes = np.unique(labels, return_inverse=True)
    except TypeError as problem:
        kinds = sorted({type(label).__name__ for label in labels.tolist()})
        raise ValueError(
            f"the labels are of the types {', '.join(kinds)}, which cannot be sorted; "
            "use labels of one type."
        ) from problem
    return classes.tolist(), codes.astype(np.int64)


def rank_in_class(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Tell how many stars of its own class stand before each star.

    Parameters
    ----------
    codes : ndarray of int64, shape (n_stars,)
        Classes of the stars, in the order that counts.

    Returns
    -------
    rank : ndarray of int64, shape (n_stars,)
        0 for the first star of its class, 1 for the second, and so on.
    """
    by_class = np.argsort(codes, kind="stable")
    counts = np.bincount(codes)
    rank = np.empty(len(codes), np.int64)
    rank[by_class] = np.arange(len(codes)) - np.repeat(np.cumsum(counts) - counts, counts)
    return rank


def classes_with_enough(
    classes: list[Any],
    codes: NDArray[np.int64],
    needed: int,
    on_too_few: str,
    *,
    purpose: str,
    remedy: str,
) -> NDArray[np.bool_]:
    """Decide which classes take part.

    Parameters
    ----------
    classes : list
        Labels of the classes.
    codes : ndarray of int64, shape (n_stars,)
        Class of each star.
    needed : int
        Stars of each class that are needed.
    on_too_few : {"error", "skip", "all"}
        "skip" leaves out classes with fewer, "all" keeps them.
    purpose, remedy : str
        For the message: what the stars are needed for, and what to do about it.

    Returns
    -------
    keep : ndarray of bool, shape (n_classes,)

    Raises
    ------
    ValueError
        If a class has too few stars and `on_too_few` is "error", or fewer than two classes remain.
    """
    if len(classes) < 2:
        raise ValueError(
            f"y holds {len(classes)} class{'es' * (len(classes) != 1)}"
            f"{''.join(f' ({label!r})' for label in classes)}; at least 2 are needed."
        )
    counts = np.bincount(codes, minlength=len(classes))
    enough = counts >= needed
    if on_too_few == "all" or enough.all():
        return np.ones(len(classes), bool)
    lacking = _listed(classes, counts, ~enough)
    if on_too_few == "error":
        raise ParameterError(
            f"{needed} stars of each class are needed ({purpose}), but there are only {lacking}. "
            f'{remedy}, or leave those classes out with on_too_few="skip".'
        )
    if enough.sum() < 2:
        left = _listed(classes, counts, enough) or "none"
        raise ParameterError(
            f"{needed} stars of each class are needed ({purpose}), and fewer than two classes have "
            f"them: {left}. There are only {lacking}. {remedy}."
        )
    return enough


def _listed(classes: list[Any], counts: NDArray[np.integer[Any]], chosen: NDArray[np.bool_]) -> str:
    positions = np.flatnonzero(chosen)
    parts = [f"{counts[k]} of {classes[k]!r}" for k in positions[:CLASSES_SHOWN]]
    if len(positions) > CLASSES_SHOWN:
        parts.append(f"too few of {len(positions) - CLASSES_SHOWN} more")
    return ", ".join(parts)
