"""Scores with their spread against the number of labels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from sklearn_astromer.evaluation import few_shot_curve
from sklearn_astromer.plotting import FewShotDisplay

NUMBERS = (2, 5, 10)


def stars() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.RandomState(0)
    y = np.repeat(["a", "b", "c"], 30)
    return random.normal(size=(90, 2)) + np.repeat(np.arange(3), 30)[:, None], y


def table(**params: object) -> pd.DataFrame:
    models = {"nearest": KNeighborsClassifier(1), "logistic": LogisticRegression()}
    return few_shot_curve(
        models, *stars(), **({"samples_per_class": NUMBERS, "test_per_class": 10} | params)
    )


def band(display: FewShotDisplay, position: int) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper edge of the shading at the numbers of labels."""
    vertices = display.bands_[position].get_paths()[0].vertices
    edges = [vertices[np.isclose(vertices[:, 0], n), 1] for n in NUMBERS]
    return np.array([edge.min() for edge in edges]), np.array([edge.max() for edge in edges])


@pytest.mark.parametrize("per_split", [False, True])
def test__from_table__means_or_splits__draw_the_same_lines_and_bands(per_split: bool) -> None:
    display = FewShotDisplay.from_table(table(per_split=per_split))
    means = table()
    # In the order of the table.
    assert [line.get_label() for line in display.lines_] == ["nearest", "logistic"]
    for position, (name, line) in enumerate(
        zip(("nearest", "logistic"), display.lines_, strict=True)
    ):
        rows = means[means.estimator == name]
        np.testing.assert_allclose(line.get_xdata(), NUMBERS)
        np.testing.assert_allclose(line.get_ydata(), rows.f1_mean)
        low, high = band(display, position)
        np.testing.assert_allclose(low, rows.f1_mean - rows.f1_std)
        np.testing.assert_allclose(high, rows.f1_mean + rows.f1_std)
    assert display.ax_.get_xscale() == "log"
    assert display.ax_.get_xlabel() == "labels per class"
    assert display.ax_.get_ylabel() == "macro F1"
    assert [tick.get_text() for tick in display.ax_.get_xticklabels()] == ["10", "5", "2"]
    assert display.legend_.get_title().get_text() == "mean \N{PLUS-MINUS SIGN} std"


def test__from_estimator__one_estimator__has_the_name_of_its_class() -> None:
    display = FewShotDisplay.from_estimator(
        LogisticRegression(), *stars(), NUMBERS, test_per_class=10, random_state=3
    )
    expected = few_shot_curve(
        {"LogisticRegression": LogisticRegression()},
        *stars(),
        NUMBERS,
        test_per_class=10,
        random_state=3,
    )
    assert display.lines_[0].get_label() == "LogisticRegression"
    np.testing.assert_allclose(display.lines_[0].get_ydata(), expected.f1_mean)


def test__from_estimator__other_score__names_the_axis() -> None:
    display = FewShotDisplay.from_estimator(
        {"one": LogisticRegression()},
        *stars(),
        NUMBERS,
        test_per_class=10,
        scoring="balanced_accuracy",
        per_split=True,
    )
    assert display.ax_.get_ylabel() == "balanced accuracy"


def test__from_table__tables_of_several_calls__are_joined_in_any_order() -> None:
    rows = table()
    joined = pd.concat(
        [rows[rows.estimator == "logistic"][::-1], rows[rows.estimator == "nearest"]]
    )
    display = FewShotDisplay.from_table(joined)
    assert [line.get_label() for line in display.lines_] == ["logistic", "nearest"]
    np.testing.assert_allclose(display.lines_[0].get_xdata(), NUMBERS)


def test__from_table__one_number_of_labels__is_drawn_with_error_bars_side_by_side() -> None:
    display = FewShotDisplay.from_table(table(samples_per_class=[5]))
    x = [float(line.get_xdata()[0]) for line in display.lines_]
    assert x[0] < 5 < x[1]
    segments = [container.lines[2][0].get_segments()[0] for container in display.bands_]
    rows = table(samples_per_class=[5])
    for segment, mean, spread in zip(segments, rows.f1_mean, rows.f1_std, strict=True):
        np.testing.assert_allclose(segment[:, 1], [mean - spread, mean + spread])
    assert [tick.get_text() for tick in display.ax_.get_xticklabels()] == ["5"]


def test__from_table__one_split__has_no_spread() -> None:
    display = FewShotDisplay.from_table(table(n_splits=1))
    assert display.bands_ == []
    assert display.legend_.get_title().get_text() == ""


def test__from_table__numbers_close_together__keep_labels_that_do_not_touch() -> None:
    numbers = [2, 5, 10, 11, 12, 20]
    display = FewShotDisplay.from_table(table(samples_per_class=numbers))
    shown = sorted(int(tick.get_text()) for tick in display.ax_.get_xticklabels())
    assert {2, 5, 20} < set(shown)
    assert len({10, 11, 12} & set(shown)) == 1


def test__from_table__thirty_estimators__all_look_different() -> None:
    rows = pd.DataFrame(
        [(f"model {k}", n, 3, 0.5, 0.1) for k in range(30) for n in NUMBERS],
        columns=["estimator", "samples_per_class", "n_splits", "f1_mean", "f1_std"],
    )
    display = FewShotDisplay.from_table(rows)
    looks = {(line.get_color(), line.get_marker()) for line in display.lines_}
    assert len(looks) == len(display.legend_.get_texts()) == 30


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (pd.DataFrame({"estimator": ["a"]}), r"lacks the column\(s\) \['samples_per_class'\]"),
        (table().iloc[:0], "is empty"),
        (table()[["estimator", "samples_per_class"]], "neither a mean and a std"),
        (pd.concat([table(), table()]), "'nearest' for the same number of labels more than once"),
    ],
)
def test__from_table__another_table__raises(rows: pd.DataFrame, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FewShotDisplay.from_table(rows)


def test__plot__too_many_estimators__raises() -> None:
    rows = pd.DataFrame(
        {
            "estimator": np.arange(57),
            "samples_per_class": 5,
            "f1_mean": 0.5,
            "f1_std": 0.1,
        }
    )
    with pytest.raises(ValueError, match="57 estimators cannot be told apart"):
        FewShotDisplay(rows).plot()
