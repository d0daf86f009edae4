"""Few stars to train with, and a test that stays the same."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV, check_cv, cross_val_score

from sklearn_astromer import LightCurves
from sklearn_astromer.evaluation import FewShotSplit

COUNTS = {"EC": 30, "Mira": 12, "RRab": 9}


def shuffled_labels(counts: dict[Any, int], seed: int = 3) -> np.ndarray:
    labels = np.repeat(np.array(list(counts)), list(counts.values()))
    return np.random.RandomState(seed).permutation(labels)


Y = shuffled_labels(COUNTS)


def splits(y: Any = Y, samples: int | None = None, **params: Any) -> list:
    params = {"test_per_class": 4, "random_state": 0} | params
    return list(FewShotSplit(samples, **params).split(None, y))


@pytest.mark.parametrize("samples", [1, 5])
def test__split__any_number__gives_so_many_of_each_class_and_no_star_twice(samples: int) -> None:
    found = splits(samples=samples, n_splits=4)
    assert len(found) == 4
    for train, test in found:
        assert train.dtype == test.dtype == np.int64
        assert Counter(Y[train]) == dict.fromkeys(COUNTS, samples)
        assert Counter(Y[test]) == dict.fromkeys(COUNTS, 4)
        assert len(set(train) | set(test)) == 3 * (samples + 4)


def test__split__none__trains_with_all_the_rest() -> None:
    for train, test in splits():
        assert sorted([*train, *test]) == list(range(len(Y)))
        assert Counter(Y[test]) == dict.fromkeys(COUNTS, 4)


def test__split__more_samples__same_test_and_the_smaller_training_is_inside() -> None:
    for few, more, rest in zip(splits(samples=2), splits(samples=5), splits(), strict=True):
        assert few[1].tolist() == more[1].tolist() == rest[1].tolist()
        assert set(few[0]) < set(more[0]) < set(rest[0])
        # In their random order too: the smaller ones come first.
        first = [star for star in more[0] if star in set(few[0])]
        assert first == few[0].tolist()


def test__split__random_state__decides() -> None:
    once, again = splits(random_state=5), splits(random_state=5)
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(once, again, strict=True))
    tests = {tuple(sorted(test)) for seed in range(3) for _, test in splits(random_state=seed)}
    assert len(tests) == 9


def test__split__order__is_random_within_both_parts() -> None:
    train, test = splits()[0]
    for part in (train, test):
        assert part.tolist() != sorted(part)
        assert (Y[part][1:] != Y[part][:-1]).sum() > len(COUNTS)


@pytest.mark.parametrize(
    "y",
    [
        pd.Series(Y),
        pd.Series(Y, dtype="category"),
        Y.astype(object),
        Y.tolist(),
        np.searchsorted(sorted(COUNTS), Y),
    ],
    ids=["pandas", "category", "object", "list", "int"],
)
def test__split__labels_of_any_type__give_the_same_stars(y: Any) -> None:
    for one, other in zip(splits(), splits(y), strict=True):
        assert one[0].tolist() == other[0].tolist()
        assert one[1].tolist() == other[1].tolist()


@pytest.mark.parametrize(
    "X",
    [
        LightCurves(np.arange(51.0), np.zeros(51), offsets=np.arange(52)),
        [np.zeros((2, 2))] * 51,
        pd.DataFrame({"a": range(51)}),
        None,
    ],
    ids=["light curves", "list", "frame", "none"],
)
def test__split__X_of_any_kind__needs_only_a_length(X: Any) -> None:
    (train, _), *_ = FewShotSplit(test_per_class=4, random_state=0).split(X, Y)
    assert train.tolist() == splits()[0][0].tolist()


def test__split__too_few__the_message_names_all_such_classes() -> None:
    message = (
        r"14 stars of each class are needed \(4 to test and 10 to train\), but there are only "
        r"12 of 'Mira', 9 of 'RRab'\. Lower test_per_class or samples_per_class"
    )
    with pytest.raises(ValueError, match=message):
        splits(samples=10)


def test__split__none_and_exactly_the_test__needs_one_more() -> None:
    assert len(splits(test_per_class=8)) == 3
    with pytest.raises(ValueError, match=r"9 to test and at least 1 to train.* only 9 of 'RRab'"):
        splits(test_per_class=9)


def test__split__skip__leaves_those_classes_out_of_both_parts() -> None:
    for train, test in splits(samples=8, on_too_few="skip"):
        assert Counter(Y[train]) == {"EC": 8, "Mira": 8}
        assert Counter(Y[test]) == {"EC": 4, "Mira": 4}
    # The stars of the other classes stay the same.
    kept = splits(samples=8, on_too_few="skip")[0][1]
    everything = splits(samples=2)[0][1]
    assert [star for star in everything if Y[star] != "RRab"] == kept.tolist()


def test__split__skip_leaves_one_class__is_an_error() -> None:
    with pytest.raises(ValueError, match=r"fewer than two classes have them: 30 of 'EC'\. There"):
        splits(samples=20, on_too_few="skip")


def test__split__thousands_of_classes__message_stays_short() -> None:
    with pytest.raises(ValueError, match="too few of 990 more") as caught:
        splits(np.arange(1000.0) + 0.5)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, r"^FewShotSplit needs the classes of the stars, but y is None\.$"),
        (["a"] * 10, r"1 class \('a'\); at least 2"),
        (["a", "b", None, "a", None], r"2 of 5 stars have no label, the first at position 2"),
        ([1.0, np.nan, 2.0], r"1 of 3 stars have no label, the first at position 1"),
        (pd.Series(["a", None], dtype="string"), "position 1"),
        (np.array(["a", 1, "b"], object), "types int, str, which cannot be sorted"),
        (np.zeros((4, 2)), "1d array"),
    ],
)
def test__split__bad_labels__are_named(y: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        splits(y)


def test__split__lengths_differ__is_an_error() -> None:
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        list(FewShotSplit(test_per_class=4).split(np.zeros(5), Y))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"samples_per_class": 0}, "samples_per_class must be a positive integer or None"),
        ({"test_per_class": 2.5}, "test_per_class must be a positive integer"),
        ({"n_splits": 0}, "n_splits must be"),
        ({"on_too_few": "all"}, 'on_too_few must be one of "error", "skip"'),
    ],
)
def test__init__bad_parameter__is_an_error(params: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FewShotSplit(**params)


def test__scikit_learn__takes_it_as_cv() -> None:
    cv = FewShotSplit(3, test_per_class=4, n_splits=2, random_state=0)
    assert check_cv(cv) is cv
    assert cv.get_n_splits() == cv.get_n_splits(None, Y) == 2
    X = np.zeros((len(Y), 1))
    assert cross_val_score(DummyClassifier(), X, Y, cv=cv).tolist() == pytest.approx([1 / 3] * 2)
    search = GridSearchCV(DummyClassifier(), {"strategy": ["prior"]}, cv=cv).fit(X, Y)
    assert search.n_splits_ == 2


def test__init__nothing_given__is_the_protocol_of_the_paper() -> None:
    assert repr(FewShotSplit()) == (
        "FewShotSplit(samples_per_class=None, test_per_class=100, n_splits=3, random_state=None, "
        "on_too_few='error')"
    )


def test__repr__shows_every_parameter() -> None:
    cv = FewShotSplit(20, test_per_class=50, random_state=1, on_too_few="skip")
    assert repr(eval(repr(cv))) == repr(cv)
    assert "samples_per_class=20, test_per_class=50, n_splits=3, random_state=1" in repr(cv)
