"""The two networks as boxes: the paper's, and the one behind the weights `variables`."""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from sklearn_astromer import weights
from sklearn_astromer.network import NetworkConfig

INPUT, INSIDE, NORM, OUTPUT = "#CFE3F3", "#FBE3B0", "#E4E4E4", "#CBE9DC"
WIDTH, HEIGHT, GAP = 5.4, 0.9, 0.42


def box(
    ax: Axes, y: float, text: str, colour: str, *, x: float = 0.0, width: float = WIDTH
) -> None:
    shape = FancyBboxPatch(
        (x - width / 2, y - HEIGHT / 2), width, HEIGHT, boxstyle="round,pad=0,rounding_size=0.12",
        facecolor=colour, edgecolor="#444444", lw=0.8,
    )  # fmt: skip
    ax.add_patch(shape)
    ax.text(x, y, text, ha="center", va="center", fontsize=8, color="black")


def arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    ax.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "lw": 0.9, "color": "#444444"})


def inputs(ax: Axes, texts: list[str]) -> None:
    """Draw what goes in side by side, and the plus sign that joins it."""
    places = [-2.5, 2.5] if len(texts) == 2 else [-3.85, 0.0, 3.85]
    width = 4.6 if len(texts) == 2 else 3.65
    for x, text in zip(places, texts, strict=True):
        box(ax, 0.0, text, INPUT, x=x, width=width)
        arrow(ax, (x, HEIGHT / 2), (x * 0.06, 1.05))
    ax.text(0.0, 1.22, "+", ha="center", va="center", fontsize=13)


def bypass(ax: Axes, low: float, high: float) -> None:
    """Draw a residual connection from below a pair of boxes to above it."""
    x = WIDTH / 2 + 0.42
    ax.plot([0, x, x], [low, low, high], color="#444444", lw=0.9)
    arrow(ax, (x, high), (0.0, high))


def network(ax: Axes, config: NetworkConfig, title: str) -> None:
    size, hidden_size = config.embedding_size, config.feedforward_size
    activation = "GELU" if config.residual else "tanh"
    attention = f"attention: {config.n_heads} heads of {size // config.n_heads}"
    feedforward = f"linear to {hidden_size}, {activation}, linear to {size}"
    if config.residual:
        inputs(ax, ["time: waves of\n64 periods, linear", "magnitude, error,\nspread: linear",
                    "phase and period:\nlinear"])  # fmt: skip
        stack = [
            ("LayerNorm", NORM),
            (attention, INSIDE),
            ("LayerNorm", NORM),
            (feedforward, INSIDE),
        ]
    else:
        inputs(
            ax, [f"time encoding:\n{size} sines and cosines", f"magnitude:\nlinear, 1 to {size}"]
        )
        stack = [
            (attention, INSIDE),
            ("LayerNorm", NORM),
            (feedforward, INSIDE),
            ("LayerNorm", NORM),
        ]
    step = HEIGHT + GAP
    y = 1.22 + 0.28 + 0.55 + HEIGHT / 2
    first = y
    arrow(ax, (0, 1.42), (0, y - HEIGHT / 2))
    for text, colour in stack:
        box(ax, y, text, colour)
        arrow(ax, (0, y + HEIGHT / 2), (0, y + HEIGHT / 2 + GAP))
        y += step
    if config.residual:
        for pair in (0, 1):
            low = first + 2 * pair * step - HEIGHT / 2 - GAP * 0.65
            bypass(ax, low, low + 2 * step - 0.16)
    frame = FancyBboxPatch(
        (-WIDTH / 2 - 0.85, first - HEIGHT / 2 - 0.34), WIDTH + 1.7, 4 * step - GAP + 0.62,
        boxstyle="round,pad=0,rounding_size=0.2", fill=False, edgecolor="#888888", ls="--", lw=0.9,
    )  # fmt: skip
    ax.add_patch(frame)
    ax.text(-WIDTH / 2 - 1.0, first + 1.5 * step, f"{config.n_blocks} times", rotation=90,
            ha="right", va="center", fontsize=9)  # fmt: skip
    y += 0.18
    if config.residual:
        box(ax, y, "LayerNorm", NORM)
        arrow(ax, (0, y + HEIGHT / 2), (0, y + HEIGHT / 2 + GAP))
        y += step
    box(ax, y, f"embedding: {size} numbers per observation", OUTPUT, width=6.6)
    y += step
    branches = {
        -2.5: "mean: embedding\nof the light curve",
        2.5: "decoder: LayerNorm,\nlinear; magnitudes",
    }
    for x, text in branches.items():
        arrow(ax, (0.3 * x, y - step + HEIGHT / 2), (x, y - HEIGHT / 2))
        box(ax, y, text, OUTPUT, x=x, width=4.6)
    ax.set_title(title, fontsize=10)
    ax.set_aspect("equal")
    ax.set_xlim(-5.8, 5.8)
    ax.set_ylim(-0.6, 11.8)
    ax.axis("off")


figure, (left, right) = plt.subplots(1, 2, figsize=(9.0, 5.0), layout="constrained")
network(left, weights.load("macho").config, "the paper's: macho, atlas")
network(right, weights.load("variables").config, 'architecture="folding": variables')
