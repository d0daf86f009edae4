"""Colours, axes and legends of all displays."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from sklearn_astromer.plotting import axes


def relative_luminance(colour: str) -> float:
    """As in WCAG 2: weights of linear red, green and blue."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def test__looks__as_many_as_are_allowed__all_differ() -> None:
    scatter = {(look["color"], look["marker"]) for look in map(axes.scatter_look, range(56))}
    lines = {(look["color"], look["marker"]) for look in map(axes.line_look, range(56))}
    assert len(scatter) == len(lines) == axes.MOST_LOOKS == 56
    assert len({axes.scatter_look(position)["color"] for position in range(8)}) == 8


def test__line_look__every_colour__stands_out_from_white() -> None:
    for position in range(8):
        luminance = relative_luminance(axes.line_look(position)["color"])
        # Contrast of 2 and more; that of yellow is 1.3.
        assert 1.05 / (luminance + 0.05) > 2


def test__check_looks__one_more__raises() -> None:
    axes.check_looks(56, "classes")
    with pytest.raises(ValueError, match="57 classes cannot be told apart"):
        axes.check_looks(57, "classes")


def test__panels__three_in_two_columns__leave_the_last_place_empty() -> None:
    made = axes.panels(None, 3, 2, sharex=True)
    assert made.shape == (3,)
    everything = made[0].figure.axes
    assert [ax.axison for ax in everything] == [True, True, True, False]
    # Of those at the bottom of a column, and of no other.
    shown = [any(label.get_visible() for label in ax.get_xticklabels()) for ax in made]
    assert shown == [False, True, True]


def test__panels__given_axes__are_taken_as_they_are() -> None:
    given = plt.subplots(2, 2)[1]
    assert list(axes.panels(given, 4, 1)) == list(given.ravel())
    assert list(axes.panels(given[0, 0], 1, 1)) == [given[0, 0]]
    with pytest.raises(ValueError, match="ax has 4 axes for 3 panels"):
        axes.panels(given, 3, 1)


@pytest.mark.parametrize(
    ("first", "name"),
    [
        (0.0, "time (days)"),
        (52000.0, "time (days)"),
        (99999.0, "time (days)"),
        (2450000.0, "time \N{MINUS SIGN} 2450000 (days)"),
        (2459999.0, "time \N{MINUS SIGN} 2450000 (days)"),
    ],
)
def test__time_axis__zero_points_of_surveys__are_named(first: float, name: str) -> None:
    ax = plt.subplots()[1]
    time = np.array([first, np.nan, first + 3000])
    ax.plot(time, [1, 2, 3])
    assert axes.time_axis(ax, time) == name
    assert ax.get_xlabel() == name


def legend_of(n: int, width: float, label: str = "class {}") -> object:
    ax = plt.subplots(figsize=(width, 2.6), layout="constrained")[1]
    for number in range(n):
        ax.plot([0, 1], [0, 1], label=label.format(number))
    return axes.legend_outside(ax, title="class", may_grow=True)


def test__legend_outside__few_names__stands_beside() -> None:
    legend = legend_of(3, 3.5)
    figure = legend.figure
    figure.canvas.draw()
    assert legend.get_window_extent().x0 > legend.axes.get_window_extent().x1
    assert figure.get_figheight() == 2.6


def test__legend_outside__many_names__stands_below_a_higher_figure() -> None:
    legend = legend_of(30, 3.5)
    figure = legend.figure
    figure.canvas.draw()
    assert legend.get_window_extent().y1 < legend.axes.get_window_extent().y0
    assert figure.get_figheight() > 3.5


def test__legend_outside__long_names__stand_in_one_column() -> None:
    assert legend_of(3, 3.5, "a name that fills all of a column {}")._ncols == 1


def test__legend_outside__nothing_with_a_label__is_none() -> None:
    assert axes.legend_outside(plt.subplots()[1]) is None
