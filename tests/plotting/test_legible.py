"""All displays at the width of a journal's column: nothing is cut off, and nothing overlaps."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from itertools import combinations
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from example_curves import random_embedder
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from sklearn_astromer import plotting
from sklearn_astromer.plotting import (
    AttentionDisplay,
    EmbeddingDisplay,
    FewShotDisplay,
    LearningCurveDisplay,
    LightCurveDisplay,
    ReconstructionDisplay,
)

COLUMN_WIDTH = 3.5
SMALLEST_TYPE = 6.0


def curve(first: float, length: int = 60) -> np.ndarray:
    random = np.random.RandomState(0)
    time = first + np.sort(random.uniform(0, 2400, length))
    magnitude = 17 + np.sin(time / 60) + 0.02 * random.normal(size=length)
    return np.column_stack([time, magnitude, np.full(length, 0.02)])


def embedding(n_classes: int | None, **params: Any) -> Any:
    points = np.random.RandomState(0).normal(size=(90, 4))
    y = None if n_classes is None else [f"class {k % n_classes}" for k in range(90)]
    return EmbeddingDisplay.from_predictions(points, y, **params)


def few_shot(n_estimators: int, numbers: tuple[int, ...], ax: Any = None) -> Any:
    rows = [
        (f"model number {k}", n, 0.5 + 0.04 * np.log(n) - 0.02 * k, 0.02)
        for k in range(n_estimators)
        for n in numbers
    ]
    columns = ["estimator", "samples_per_class", "f1_mean", "f1_std"]
    return FewShotDisplay.from_table(pd.DataFrame(rows, columns=columns), ax=ax)


def learning(n: int, ax: Any = None) -> Any:
    epochs = range(1, 40)
    return LearningCurveDisplay.from_histories(
        {
            f"head {k}": [
                {"epoch": e, "train_loss": k + 1 / e, "valid_loss": k + 1.2 / e} for e in epochs
            ]
            for k in range(n)
        },
        ax=ax,
    )


def attention(first: float, **params: Any) -> Any:
    return AttentionDisplay.from_estimator(random_embedder({"n_heads": 4}), curve(first), **params)


PICTURES: dict[str, Callable[[], Any]] = {
    "light curve": lambda: LightCurveDisplay.from_light_curve(curve(52000)),
    "light curve, Julian dates": lambda: LightCurveDisplay.from_light_curve(curve(2450000)),
    "light curve, folded": lambda: LightCurveDisplay.from_light_curve(curve(0), period=377.0),
    "reconstruction": lambda: ReconstructionDisplay.from_estimator(random_embedder(), curve(52000)),
    "reconstruction, folded": lambda: ReconstructionDisplay.from_estimator(
        random_embedder(), curve(2450000), period=377.0
    ),
    "reconstruction, Julian dates": lambda: ReconstructionDisplay.from_estimator(
        random_embedder(), curve(2450000)
    ),
    "attention, map": lambda: attention(0),
    "attention, light curve": lambda: attention(52000, kind="light_curve"),
    "attention, Julian dates": lambda: attention(2450000, kind="light_curve", observation=3),
    "embedding, no classes": lambda: embedding(None),
    "embedding, one class": lambda: embedding(1),
    "embedding, eight classes": lambda: embedding(8, method="tsne"),
    "embedding, thirty classes": lambda: embedding(30),
    "few shot": lambda: few_shot(3, (20, 50, 100, 500)),
    "few shot, one number": lambda: few_shot(4, (20,)),
    "few shot, thirty models": lambda: few_shot(30, (20, 50, 100, 500)),
    "learning curve": lambda: learning(1),
    "learning curves": lambda: learning(4),
    "learning curves, thirty": lambda: learning(30),
}


# With legends, in axes that a user gives.
IN_OWN_AXES: dict[str, Callable[[Any], Any]] = {
    "reconstruction": lambda ax: ReconstructionDisplay.from_estimator(
        random_embedder(), curve(52000), ax=ax
    ),
    "embedding, one class": lambda ax: embedding(1, ax=ax),
    "embedding, eight classes": lambda ax: embedding(8, ax=ax),
    "embedding, thirty classes": lambda ax: embedding(30, ax=ax),
    "few shot": lambda ax: few_shot(3, (20, 50, 100, 500), ax),
    "learning curve": lambda ax: learning(1, ax),
    "learning curves, thirty": lambda ax: learning(30, ax),
}


def shown_texts(figure: Figure) -> list[Text]:
    """All text of a figure that is drawn, without ticks beyond the limits of their axes."""
    beyond = set()
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
                if not ax.axison or not low <= tick.get_loc() <= high:
                    beyond |= {tick.label1, tick.label2}
    texts = figure.findobj(Text)
    return [
        text
        for text in texts
        if text.get_visible() and text.get_text().strip() and text not in beyond
    ]


def overlap(one: Bbox, other: Bbox) -> float:
    """Common area in square pixels."""
    common = Bbox.intersection(one, other)
    return 0.0 if common is None else common.width * common.height


@pytest.mark.parametrize("name", PICTURES)
def test__displays__at_column_width__are_legible(name: str) -> None:
    mpl.rcParams["figure.figsize"] = (COLUMN_WIDTH, 2.6)
    figure = PICTURES[name]().figure_
    assert figure.get_figwidth() == COLUMN_WIDTH
    figure.canvas.draw()
    boxes = {text: text.get_window_extent() for text in shown_texts(figure)}
    whole = figure.bbox.padded(1)
    for text, box in boxes.items():
        assert text.get_size() >= SMALLEST_TYPE, text
        assert whole.contains(box.x0, box.y0), f"{text} is cut off"
        assert whole.contains(box.x1, box.y1), f"{text} is cut off"
    for (text, box), (other, other_box) in combinations(boxes.items(), 2):
        assert overlap(box, other_box) < 1, f"{text} overlaps {other}"
    for ax in figure.axes:
        if ax.axison and ax.get_label() != "<colorbar>":
            # Room for the data: a sixth of the column, at least.
            assert min(ax.get_window_extent().size) / figure.dpi > COLUMN_WIDTH / 6
        legend = ax.get_legend()
        if legend is not None:
            for other in figure.axes:
                assert overlap(legend.get_window_extent(), other.get_window_extent()) < 1
    # Every axis that has numbers says what they are.
    for ax in figure.axes:
        if not ax.axison or ax.get_label() == "<colorbar>":
            continue
        shared = figure.get_supxlabel() and figure.get_supylabel()
        bottom = any(label.get_visible() for label in ax.get_xticklabels())
        assert shared or ax.get_xlabel() or not bottom
        assert shared or ax.get_ylabel()


@pytest.mark.parametrize("layout", [None, "constrained", "tight"])
@pytest.mark.parametrize("name", IN_OWN_AXES)
def test__displays__axes_of_the_user__legends_stay_in_the_figure_and_off_the_neighbours(
    name: str, layout: str | None
) -> None:
    figure, axes = plt.subplots(1, 2, figsize=(13, 5), layout=layout)
    for ax in axes:
        IN_OWN_AXES[name](ax)
    figure.canvas.draw()
    for ax in axes:
        legend = ax.get_legend().get_window_extent()
        for corner in legend.corners():
            assert figure.bbox.padded(1).contains(*corner), "cut off"
        for other in axes:
            assert overlap(legend, other.get_window_extent()) < 1
            assert overlap(legend, other.yaxis.label.get_window_extent()) < 1
        # Room for the data: half of what the axes might have.
        assert min(ax.get_window_extent().size) / figure.dpi > 2


@pytest.mark.parametrize("name", ["reconstruction", "embedding, eight classes"])
def test__displays__axes_of_the_user__without_a_grid_or_with_a_later_layout__keep_the_legend(
    name: str,
) -> None:
    figure, ax = plt.subplots(figsize=(6, 4))
    IN_OWN_AXES[name](ax)
    figure.tight_layout()
    free = plt.figure(figsize=(6, 4)).add_axes((0.15, 0.2, 0.75, 0.7))
    IN_OWN_AXES[name](free)
    for drawn in (ax, free):
        drawn.figure.canvas.draw()
        legend = drawn.get_legend().get_window_extent()
        for corner in legend.corners():
            assert drawn.figure.bbox.padded(1).contains(*corner), "cut off"


@pytest.mark.parametrize("name", PICTURES)
def test__displays__drawn__leave_the_settings_of_matplotlib_alone(name: str) -> None:
    before, backend = dict(mpl.rcParams), mpl.get_backend()
    PICTURES[name]().figure_.canvas.draw()
    assert dict(mpl.rcParams) == before
    assert mpl.get_backend() == backend == "agg"


@pytest.mark.parametrize("name", PICTURES)
def test__displays__without_matplotlib__print_the_install_line(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=r'pip install "sklearn-astromer\[plot\]"'):
        PICTURES[name]()
    monkeypatch.undo()


@pytest.mark.parametrize("name", plotting.__all__)
def test__displays__all__have_the_methods_of_scikit_learn(name: str) -> None:
    display = getattr(plotting, name)
    assert hasattr(display, "plot")
    assert hasattr(display, "from_estimator")
    assert "ax" in inspect.signature(display.plot).parameters
    for method in ("from_estimator", "plot"):
        assert inspect.getdoc(getattr(display, method))
