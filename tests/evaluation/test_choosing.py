"""Which stars are chosen, and what is said of classes that have too few."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from sklearn_astromer.evaluation.choosing import (
    class_codes,
    classes_with_enough,
    rank_in_class,
)


def test__class_codes__any_labels__sorted_classes_and_their_positions() -> None:
    classes, codes = class_codes(np.array(["RRab", "EC", "RRab"]))
    assert classes == ["EC", "RRab"]
    assert codes.tolist() == [1, 0, 1]
    assert codes.dtype == np.int64


def test__rank_in_class__many_stars__counts_those_before_of_the_same_class() -> None:
    codes = np.random.RandomState(0).randint(0, 3, 5000)
    rank = rank_in_class(codes)
    seen: Counter[int] = Counter()
    for code, found in zip(codes.tolist(), rank.tolist(), strict=True):
        assert found == seen[code]
        seen[code] += 1
    assert rank.dtype == np.int64


def chosen(counts: list[int], on_too_few: str, needed: int = 4) -> list[bool]:
    """Which classes of so many stars take part; they are called a, b, c and so on."""
    codes = np.repeat(np.arange(len(counts)), counts)
    classes = [chr(ord("a") + number) for number in range(len(counts))]
    keep = classes_with_enough(
        classes, codes, needed, on_too_few, purpose="to try", remedy="Have more"
    )
    assert keep.dtype == bool
    return keep.tolist()


def test__classes_with_enough__too_few__left_out_taken_or_refused() -> None:
    assert chosen([4, 5, 9], "error") == [True] * 3
    assert chosen([4, 3, 9], "skip") == [True, False, True]
    assert chosen([4, 3, 9], "all") == [True] * 3
    message = (
        r"^4 stars of each class are needed \(to try\), but there are only 3 of 'b'\. Have more, "
        r'or leave those classes out with on_too_few="skip"\.$'
    )
    with pytest.raises(ValueError, match=message):
        chosen([4, 3, 9], "error")


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ([], r"^y holds 0 classes; at least 2 are needed\.$"),
        ([9], r"^y holds 1 class \('a'\); at least 2 are needed\.$"),
        (
            [3, 2],
            r"^4 stars of each class are needed \(to try\), and fewer than two classes have them: "
            r"none\. There are only 3 of 'a', 2 of 'b'\. Have more\.$",
        ),
        ([3, 9], r"them: 9 of 'b'\. There are only 3 of 'a'\."),
    ],
)
def test__classes_with_enough__fewer_than_two_remain__says_what_there_is(
    counts: list[int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        chosen(counts, "skip")


def test__classes_with_enough__many_lack_stars__ten_are_named() -> None:
    with pytest.raises(ValueError, match=r"1 of 'j'\. Have more"):
        chosen([1] * 10, "error")
    with pytest.raises(ValueError, match=r"1 of 'j', too few of 1 more\. Have more"):
        chosen([1] * 11, "error")
