"""`FewShotSplit`: the same test stars, however few stars there are to train with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_consistent_length, check_random_state

from sklearn_astromer import parameters
from sklearn_astromer.evaluation.choosing import (
    class_codes,
    classes_with_enough,
    rank_in_class,
)
from sklearn_astromer.input_checks import checked_labels

__all__ = ["FewShotSplit"]

Split = tuple[NDArray[np.int64], NDArray[np.int64]]


class FewShotSplit:
    """Split stars into a balanced test set and few stars of each class to train with.

    Each split draws a random order of all stars. The first `test_per_class` stars of each class
    are the test; those that follow are for training. The test stars therefore do not depend on
    `samples_per_class` (as in Sect. 5.4 of the paper: "we do not change our 100 samples per class
    test set"), and a smaller training set is part of each larger one.

    Parameters
    ----------
    samples_per_class : int or None, default=None
        Stars of each class to train with. None: all that are not for the test, so that something
        else, `SamplesPerClass` for example, can choose among them.
    test_per_class : int, default=100
        Stars of each class to test with (the paper's number).
    n_splits : int, default=3
        Number of splits (the paper's number of folds). Stars may be in the test of several.
    random_state : int, RandomState or None, default=None
        Source of chance. An int gives the same splits every time.
    on_too_few : {"error", "skip"}, default="error"
        What to do about classes with fewer stars than `test_per_class` + `samples_per_class` (+ 1,
        if that is None): raise, or leave them out of training and test. Which ones are left out
        then depends on `samples_per_class`, and so does the test.

    Raises
    ------
    ValueError
        If a parameter is not valid.

    References
    ----------
    Donoso-Oliva, C., Becker, I., Protopapas, P., et al. 2023, A&A, 670, A54, Sect. 5.4.

    Examples
    --------
    >>> from sklearn_astromer.evaluation import FewShotSplit
    >>> y = ["Mira"] * 5 + ["RRab"] * 8
    >>> cv = FewShotSplit(2, test_per_class=3, n_splits=2, random_state=0)
    >>> [(len(train), len(test)) for train, test in cv.split(None, y)]
    [(4, 6), (4, 6)]
    """

    def __init__(
        self,
        samples_per_class: int | None = None,
        *,
        test_per_class: int = 100,
        n_splits: int = 3,
        random_state: int | np.random.RandomState | None = None,
        on_too_few: str = "error",
    ) -> None:
        if samples_per_class is not None:
            parameters.whole("samples_per_class", samples_per_class, remark=" or None")
        parameters.whole("test_per_class", test_per_class)
        parameters.whole("n_splits", n_splits)
        parameters.one_of("on_too_few", on_too_few, ("error", "skip"))
        self.samples_per_class = samples_per_class
        self.test_per_class = test_per_class
        self.n_splits = n_splits
        self.random_state = random_state
        self.on_too_few = on_too_few

    def split(self, X: Any, y: Any, groups: Any = None) -> Iterator[Split]:
        """Give the positions of the training and test stars of each split.

        Parameters
        ----------
        X : light curves, array-like or None
            Only its length is looked at.
        y : array-like of shape (n_stars,)
            Classes: labels of any type that can be sorted.
        groups : ignored

        Yields
        ------
        train, test : ndarray of int64
            Positions, in random order.

        Raises
        ------
        ValueError
            If there are no labels, or `X` and `y` differ in length, or a class has too few stars;
            the message names all such classes.
        """
        if y is None:
            raise ValueError("FewShotSplit needs the classes of the stars, but y is None.")
        labels = checked_labels(y)
        check_consistent_length(X, labels)
        classes, codes = class_codes(labels)
        keep = self._classes_that_take_part(classes, codes)
        random = check_random_state(self.random_state)
        n_test = self.test_per_class
        for _ in range(self.n_splits):
            order = random.permutation(len(codes))
            rank = rank_in_class(codes[order])
            for_training = keep[codes[order]] & (rank >= n_test)
            if self.samples_per_class is not None:
                for_training &= rank < n_test + self.samples_per_class
            for_test = keep[codes[order]] & (rank < n_test)
            yield order[for_training].astype(np.int64), order[for_test].astype(np.int64)

    def _classes_that_take_part(
        self, classes: list[Any], codes: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        to_train = 1 if self.samples_per_class is None else self.samples_per_class
        least = "at least " * (self.samples_per_class is None)
        return classes_with_enough(
            classes,
            codes,
            self.test_per_class + to_train,
            self.on_too_few,
            purpose=f"{self.test_per_class} to test and {least}{to_train} to train",
            remedy="Lower test_per_class or samples_per_class",
        )

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Give the number of splits.

        Parameters
        ----------
        X, y, groups : ignored

        Returns
        -------
        n_splits : int
        """
        return self.n_splits

    def __repr__(self) -> str:
        return (
            f"FewShotSplit(samples_per_class={self.samples_per_class}, "
            f"test_per_class={self.test_per_class}, n_splits={self.n_splits}, "
            f"random_state={self.random_state!r}, on_too_few={self.on_too_few!r})"
        )
