"""Colours, axes and legends that all displays share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_astromer import parameters
from sklearn_astromer.errors import ParameterError

# Colours that colour-blind people can tell apart (Okabe & Ito 2008, Color Universal Design).
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, BLACK, YELLOW = "#CC79A7", "#56B4E9", "#000000", "#F0E442"
GREY, MIDDLE_GREY, DARK_GREY = "#999999", "#777777", "#555555"

COLOURS = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY, BLACK, YELLOW)
# One fewer than colours: 8 and 7 have no common divisor, so that the first 56 pairs all differ.
MARKERS = ("o", "s", "^", "D", "v", "P", "*")
MOST_LOOKS = len(COLOURS) * len(MARKERS)
DASHES = ("-", "--", ":", "-.")

# Julian dates from here on have too many digits to be read: they are given minus a round number.
LONG_TIME = 1e5
ROUND_TIME = 1e4

# In units of the font size, about: a letter, the gaps beside an entry of a legend, and a line.
LETTER, GAPS, LINE = 0.58, 1.5, 1.35
# Legends that need more than this share of the width go below.
WIDEST_LEGEND = 0.4
# Of axes of the user, this share at most goes to a legend.
MOST_ROOM = 0.8


def new_figure() -> Any:
    """Make a figure of the size that the user has set.

    Returns
    -------
    figure : matplotlib.figure.Figure
        Empty, with a layout that makes room for what is outside of axes.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            'Pictures need matplotlib: pip install "sklearn-astromer[plot]".'
        ) from error
    return plt.figure(layout="constrained")


def new_axes() -> Any:
    """Make axes in a figure of their own, see `new_figure`."""
    return new_figure().subplots()


def panels(ax: Any, n: int, n_columns: int, **kwargs: Any) -> NDArray[Any]:
    """Take the axes that were given, or make a figure with so many.

    Parameters
    ----------
    ax : matplotlib.axes.Axes, sequence of them, or None
        None: a new figure, of the size that the user has set.
    n : int
        How many axes.
    n_columns : int
        Columns of a new figure.
    **kwargs
        Handed on to `matplotlib.figure.Figure.subplots`.

    Returns
    -------
    panels : ndarray of Axes, shape (n,)

    Raises
    ------
    ImportError
        If matplotlib is missing.
    ValueError
        If the number of axes does not fit.
    """
    if ax is None:
        n_rows = -(-n // n_columns)
        grid = new_figure().subplots(n_rows, n_columns, squeeze=False, **kwargs).ravel()
        for empty in grid[n:]:
            empty.set_axis_off()
        for lowest in grid[max(n - n_columns, 0) : n]:
            # Above a place that stays empty, too.
            lowest.tick_params(labelbottom=True)
        return grid[:n]
    given = np.asarray(ax, dtype=object).ravel()
    if len(given) != n:
        raise ParameterError(f"ax has {len(given)} axes for {n} panels; give {n}, or None.")
    return given


def at_least_high(figure: Any, share: float) -> None:
    """Make a figure of ours so high as it must be, as a share of its width."""
    width, height = figure.get_size_inches()
    figure.set_figheight(max(height, share * width))


def scatter_look(position: int) -> dict[str, Any]:
    """Give the colour and the marker of one of many classes; the first 56 all differ."""
    edge = {"edgecolors": DARK_GREY, "linewidths": 0.3}
    return {"color": _colour(position), "marker": _marker(position), **edge}


def line_look(position: int) -> dict[str, Any]:
    """Give the colour, marker and dashes of one of many lines; the first 56 all differ."""
    colour = _colour(position)
    # A yellow line on white cannot be seen.
    return {
        "color": MIDDLE_GREY if colour == YELLOW else colour,
        "marker": _marker(position),
        "linestyle": DASHES[position // len(COLOURS) % len(DASHES)],
    }


def check_looks(n: int, things: str) -> None:
    """Raise a ValueError if there are more `things` than can be told apart."""
    if n > MOST_LOOKS:
        raise ParameterError(
            f"{n} {things} cannot be told apart in one picture, {MOST_LOOKS} can. Draw fewer, or "
            "join some."
        )


def _colour(position: int) -> str:
    return COLOURS[position % len(COLOURS)]


def _marker(position: int) -> str:
    return MARKERS[position % len(MARKERS)]


def time_axis(ax: Any, time: NDArray[np.float64], n_ticks: int = 6) -> str:
    """Keep the labels of the ticks of an axis of times short and apart, and name the axis.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where times were drawn, as they are.
    time : ndarray of float64
        Days.
    n_ticks : int, default=6
        About how many ticks there may be.

    Returns
    -------
    name : str
        Also that of the axis now.
    """
    first, last = np.nanmin(time), np.nanmax(time)
    long = first >= LONG_TIME
    # Five digits need more room.
    ax.locator_params(axis="x", nbins=n_ticks if long or last < ROUND_TIME else n_ticks - 2)
    if first == last:
        ax.set_xlim(first - 1, last + 1)
    name = "time (days)"
    if long:
        zero = np.floor(first / ROUND_TIME) * ROUND_TIME
        ax.xaxis.get_major_formatter().set_useOffset(zero)
        ax.xaxis.offsetText.set_visible(False)
        name = f"time \N{MINUS SIGN} {zero:.0f} (days)"
    ax.set_xlabel(name)
    return name


def phase_of(time: NDArray[np.float64], period: float) -> NDArray[np.float64]:
    """Fold times on a period, from the first one on; raise a ValueError if it is not positive."""
    parameters.positive("period", period)
    return np.mod((time - np.nanmin(time)) / period, 1.0)


def phase_axis(ax: Any, period: float) -> None:
    """Name an axis of phases."""
    ax.set_xlabel(f"phase (period {period:.6g} days)")


def bright_is_up(ax: Any) -> None:
    """Turn the axis of magnitudes upside down, unless it is so already."""
    if not ax.yaxis_inverted():
        ax.invert_yaxis()


def legend_outside(
    ax: Any,
    *,
    title: str | None = None,
    lines: bool = False,
    below: bool = False,
    handles_of: Any = None,
    may_grow: bool = False,
) -> Any:
    """Put a legend beside the axes or, where it would take too much of the width, below.

    It never goes over neighbouring axes: without a layout that makes room for it, the axes become
    smaller.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where it belongs to.
    title : str or None, default=None
        Of the legend.
    lines : bool, default=False
        Whether it explains lines, which need more room than markers.
    below : bool, default=False
        Whether it goes below in any case.
    handles_of : matplotlib.axes.Axes or None, default=None
        Where what it explains was drawn, with labels; None: in `ax`.
    may_grow : bool, default=False
        Whether the figure may become higher, by a legend below.

    Returns
    -------
    legend : matplotlib.legend.Legend or None
        None if nothing has a label.
    """
    from matplotlib.font_manager import FontProperties
    from matplotlib.transforms import ScaledTranslation

    handles, labels = (handles_of or ax).get_legend_handles_labels()
    if not handles:
        return None
    # Of the whole figure, where the axes are in a part of one.
    figure = ax.figure.figure
    size = FontProperties(size="small").get_size_in_points()
    box = ax.get_window_extent()
    # In units of the font size.
    width, height = (72 * side / figure.dpi / size for side in (box.width, box.height))
    handle = 2.0 if lines else 1.0
    wide = 0.0 if title is None else LETTER * len(title)
    entries = [LETTER * len(label) + handle + GAPS for label in labels]
    n_titles = 0 if title is None else 1
    n_beside = -(-len(labels) // max(1, int(height / LINE) - n_titles))
    look: dict[str, Any] = {
        "fontsize": size,
        "title": title,
        "title_fontsize": size,
        "frameon": False,
        "handlelength": handle,
        "handletextpad": 0.5,
        "columnspacing": 1.0,
        "borderaxespad": 0.0,
    }
    n_columns = next(n for n in range(len(labels), 0, -1) if n == 1 or _width(entries, n) < width)
    n_lines = -(-len(labels) // n_columns) + n_titles
    share_beside = max(wide, _width(entries, n_beside)) / width
    # A figure that may not grow loses height by a legend below.
    share_below = WIDEST_LEGEND if may_grow else max(WIDEST_LEGEND, n_lines * LINE / height)
    if not below and share_beside < share_below:
        look |= {"ncols": n_beside, "loc": "upper left", "bbox_to_anchor": (1.02, 1.0)}
        legend = ax.legend(handles, labels, **look)
        _make_room(ax, legend, beside=True)
        return legend
    if may_grow:
        figure.set_figheight(figure.get_figheight() + n_lines * size * LINE / 72)
    # Under the labels of the ticks, if there are any, and of the axis.
    down = 1.5 * ax.xaxis.label.get_size() + 6
    if any(label.get_visible() for label in ax.get_xticklabels()):
        down += 1.5 * size + 2
    place = ax.transAxes + ScaledTranslation(0, -down / 72, figure.dpi_scale_trans)
    look |= {"ncols": n_columns, "loc": "upper center", "bbox_to_anchor": (0.5, 0.0)}
    legend = ax.legend(handles, labels, bbox_transform=place, **look)
    _make_room(ax, legend, beside=False)
    return legend


def _make_room(ax: Any, legend: Any, *, beside: bool) -> None:
    """Make axes smaller by their legend, in a figure whose layout does not do that.

    Axes that a user gave may have neighbours, and the edge of the figure is never far.
    """
    if ax.figure.figure.get_layout_engine() is not None:
        return
    drawn, added = ax.get_window_extent(), legend.get_window_extent()
    if beside:
        share = (added.x1 - drawn.x1) / drawn.width
    else:
        share = (added.height + LINE * legend.get_texts()[0].get_size()) / drawn.height
    share = min(share, MOST_ROOM)
    spec = ax.get_subplotspec()
    if spec is None:
        box = ax.get_position()
        width, height = (1 - share, 1.0) if beside else (1.0, 1 - share)
        bottom = box.y1 - box.height * height
        ax.set_position((box.x0, bottom, box.width * width, box.height * height))
        return
    # Part of the same cell of the grid, as colour bars do it: a layout that is asked for later
    # moves both.
    ratios = (1 - share, share)
    if beside:
        ax.set_subplotspec(spec.subgridspec(1, 2, width_ratios=ratios, wspace=0)[0])
    else:
        ax.set_subplotspec(spec.subgridspec(2, 1, height_ratios=ratios, hspace=0)[0])


def _width(entries: list[float], n_columns: int) -> float:
    """Give the width of a legend, whose columns are filled from top to bottom as by matplotlib."""
    sizes = [len(part) for part in np.array_split(np.arange(len(entries)), n_columns)]
    ends = np.cumsum(sizes)
    return sum(max(entries[end - size : end]) for size, end in zip(sizes, ends, strict=True))
