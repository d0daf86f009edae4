"""
Fill gaps
=========

The network was trained to predict magnitudes that it cannot see. So it can fill gaps, say what a
star did while the Moon, the Sun or the weather was in the way, and be tested: hide what you know.
"""

# %%
# Hide and predict
# ----------------
# Stars as OGLE would observe them, but without wrong measurements, which nothing could predict. A
# window of the network holds 200 observations, so the first 200 of each.
from dataclasses import replace

import numpy as np

from sklearn_astromer import AstromerEmbedder
from sklearn_astromer.datasets import CADENCES, make_variable_stars

kinds = ["Mira", "Cepheid", "RRab", "contact binary", "detached binary"]
survey = replace(CADENCES["ogle"], outlier_share=0.0)
X, y = make_variable_stars(25, classes=kinds, cadence=survey, random_state=1)
X = [curve[:200] for curve in X]
embedder = AstromerEmbedder.pretrained()
period = embedder.find_periods(X)
stars = {"Mira": np.flatnonzero(y == "Mira")[0]}
# The slowest Cepheid, whose light curve can be seen from night to night.
stars["Cepheid"] = np.argmax(np.where(y == "Cepheid", period, 0))

# %%
# ``hidden`` has a True for every observation whose magnitude the network does not get to see. Half
# of the observations of a Mira and of a Cepheid (of which one season is shown), at random:
import matplotlib.pyplot as plt

from sklearn_astromer.plotting import ReconstructionDisplay

random = np.random.default_rng(0)
at_random = [random.permutation(len(curve)) < len(curve) // 2 for curve in X]

figure = plt.figure(figsize=(9, 4.6), layout="constrained")
for part, (name, star) in zip(figure.subfigures(1, 2), stars.items(), strict=True):
    axes = part.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    ReconstructionDisplay.from_estimator(embedder, X, star, hidden=at_random[star], ax=axes)
    axes[0].set_title(f"{name}: {axes[0].get_title()}", fontsize="small")
    if name == "Cepheid":
        axes[0].set_xlim(X[star][0, 0] - 5, X[star][0, 0] + 225)

# %%
# How good is it?
# ---------------
# The error over the spread of what was hidden, for each class: 1 is no better than to predict the
# mean. Once half of the observations at random, once 40 in a row, which are months; and the same
# with the paper's network, ``macho``, which cannot see periods of less than six days.
in_a_row = [(np.arange(len(curve)) >= 80) & (np.arange(len(curve)) < 120) for curve in X]


def relative_error(embedder, hidden):
    """Root mean square of the errors over that of the deviations from each star's mean."""
    predicted = embedder.reconstruct(X, hidden=hidden)
    error, deviation = {}, {}
    for name in kinds:
        for star in np.flatnonzero(y == name):
            at, magnitude = hidden[star], X[star][:, 1]
            error.setdefault(name, []).extend((magnitude - predicted[star])[at])
            deviation.setdefault(name, []).extend((magnitude - magnitude.mean())[at])
    return [np.linalg.norm(error[name]) / np.linalg.norm(deviation[name]) for name in kinds]


print(f"{'':<24}" + "".join(f"{name:>17}" for name in kinds))
for weights in ("variables", "macho"):
    network = AstromerEmbedder.pretrained(weights)
    for how, hidden in {"half, at random": at_random, "40 in a row": in_a_row}.items():
        cells = "".join(f"{value:>17.2f}" for value in relative_error(network, hidden))
        print(f"{weights:<10}{how:<16}" + cells)

# %%
# What repeats can be filled: ``variables`` folds each light curve on its best period, which it
# searches in what is visible. These are simulated stars of classes that its training knew.
#
# Where nobody looked
# -------------------
# To ask for a magnitude at any time, put in an observation there and hide it. Its magnitude is a
# place-holder that ``variables`` never gets to see; let it be the mean. Together with the
# observations they should not be more than 200, the window of the network.


def fill(curve, times):
    """Predict the magnitudes of a light curve at other times."""
    asked = np.column_stack(
        [times, np.full(len(times), curve[:, 1].mean()), np.full(len(times), curve[:, 2].mean())]
    )
    both = np.concatenate([curve, asked])
    hidden = np.arange(len(both)) >= len(curve)
    return embedder.reconstruct([both], hidden=[hidden])[0][hidden]


figure, axes = plt.subplots(2, 1, figsize=(8, 5.4), layout="constrained")
for ax, (name, star) in zip(axes, stars.items(), strict=True):
    curve = X[star][:100]
    days = curve[:, 0] - curve[0, 0]
    # 100 times: over all of it, or around the end of the longest gap.
    asked = np.linspace(days[0], days[-1], 100)
    if name == "Cepheid":
        end = days[np.argmax(np.diff(days)) + 1]
        asked = np.linspace(end - 40, end + 40, 100)
    predicted = fill(curve, asked + curve[0, 0])
    ax.plot(days, curve[:, 1], "o", color="#777777", markersize=4, label="observed")
    ax.plot(asked, predicted, "-", color="#D55E00", label="predicted")
    ax.set(xlim=(asked[0] - 2, asked[-1] + 2), ylabel="magnitude (mag)")
    ax.set_title(f"{name}, period {period[star]:.4g} days", fontsize="medium")
    ax.invert_yaxis()
axes[0].legend(frameon=False)
axes[1].set_xlabel("time since the first observation (days)")
plt.show()
# sphinx_gallery_thumbnail_number = 2
