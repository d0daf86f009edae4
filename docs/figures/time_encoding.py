"""The time encoding of the paper's network, and the periods that each network is told of."""

import matplotlib.pyplot as plt
import numpy as np
import torch

from sklearn_astromer import weights
from sklearn_astromer.network.config import ARCHITECTURES
from sklearn_astromer.network.time_encoding import TimeEncoding

DAYS_PER_TURN = 2 * np.pi

released = weights.load("macho").config
paper, folding = ARCHITECTURES["paper"], ARCHITECTURES["folding"]
days = torch.linspace(-300, 300, 900, dtype=torch.float64)
# The even components are the sines; each cosine beside looks alike.
sines = TimeEncoding(released.embedding_size, released.time_base)(days).numpy()[:, ::2]

figure, (waves, periods) = plt.subplots(
    1, 2, figsize=(9.0, 3.6), layout="constrained", width_ratios=[1, 1.15]
)
image = waves.imshow(
    sines.T, aspect="auto", cmap="RdBu_r", extent=(-300, 300, released.embedding_size, 0)
)
waves.set(
    xticks=[-300, -150, 0, 150, 300],
    xlabel="time from the mean of the window (days)",
    ylabel="component (the even ones)",
    title="Sines of the encoding of macho",
)
figure.colorbar(image, ax=waves, label="sine")


def shortest_and_longest(time_base: float, size: int) -> tuple[float, float]:
    """Give the wavelengths (days) of the first and last component of the paper's encoding."""
    return DAYS_PER_TURN, DAYS_PER_TURN * time_base ** (2 * (size - 1) / size)


networks = {
    "paper, as written": shortest_and_longest(paper.time_base, paper.embedding_size),
    "macho, atlas": shortest_and_longest(released.time_base, released.embedding_size),
    "variables": (folding.shortest_period, folding.longest_period),
}
# Usual periods of the classes, in days.
stars = {
    "δ Scuti": (0.03, 0.3),
    "RR Lyrae": (0.2, 1.0),
    "eclipsing binaries": (0.2, 100.0),
    "Cepheids": (1.0, 100.0),
    "Miras": (80.0, 1000.0),
}
for row, (name, (shortest, longest)) in enumerate({**stars, **networks}.items()):
    colour = "#0072B2" if name in networks else "#999999"
    periods.barh(row, longest - shortest, left=shortest, color=colour, height=0.6)
periods.axhline(len(stars) - 0.5, color="black", lw=0.8)
periods.set_yticks(range(len(stars) + len(networks)), [*stars, *networks])
periods.set_xscale("log")
periods.set(
    xlim=(0.02, 1e8),
    xlabel="period (days)",
    title="Periods of stars, waves of encodings",
)
