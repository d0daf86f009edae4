"""
Find odd stars
==============

What a survey did not look for: an isolation forest on embeddings ranks stars by how easily they are
told apart from all others. Among 360 simulated stars there are eight to which something odd
happens; do they come out on top?
"""

# %%
# Ordinary stars
# --------------
from sklearn_astromer.datasets import make_variable_stars

X, y = make_variable_stars(
    {
        "RRab": 90,
        "RRc": 50,
        "Cepheid": 50,
        "contact binary": 70,
        "detached binary": 40,
        "constant": 60,
    },
    cadence="ogle",
    random_state=0,
)
X

# %%
# and odd ones
# ------------
# Something happens to eight of the constant stars, of a kind that is not among the classes that
# were simulated to train the weights.
import numpy as np

random = np.random.default_rng(0)


def microlensing(time, peak, crossing=30.0, impact=0.15):
    """Paczynski (1986): a point lens passes in front of a point source."""
    u = np.hypot(impact, (time - peak) / crossing)
    return -2.5 * np.log10((u**2 + 2) / (u * np.sqrt(u**2 + 4)))


def dust_cloud(time, start):
    """Fades by three magnitudes within weeks and comes back slowly, as R Coronae Borealis does."""
    since = np.clip(time - start, 0, None)
    return 3.0 * np.minimum(since / 20, 1) * np.exp(-since / 250)


def dwarf_nova(time, peak, every=180.0):
    """Bursts of two and a half magnitudes, a week long, twice a year."""
    away = (time - peak + every / 2) % every - every / 2
    return -2.5 * np.exp(-0.5 * (away / 6) ** 2)


def be_star(time, start):
    """Half a magnitude brighter at once, by a new disc of gas, and slowly back."""
    return np.where(time > start, -0.5 * np.exp(-np.clip(time - start, 0, None) / 400), 0.0)


curves, kind = list(X), y.astype(object)
events = {
    "microlensing": microlensing,
    "dust cloud": dust_cloud,
    "dwarf nova": dwarf_nova,
    "Be star": be_star,
}
for star, name in zip(np.flatnonzero(y == "constant"), [*events] * 2, strict=False):
    curve = curves[star].copy()
    time = curve[:, 0]
    curve[:, 1] += events[name](time, time[0] + random.uniform(0.3, 0.7) * np.ptp(time))
    curves[star], kind[star] = curve, name
is_odd = kind != y

# %%
# Embed and rank
# --------------
# An isolation forest cuts the space at random, one column at a time; odd stars stand alone after
# few cuts. It works better on few columns that do not repeat each other, hence the PCA.
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_astromer import AstromerEmbedder

forest = make_pipeline(
    AstromerEmbedder.pretrained(finetune=False),
    StandardScaler(),
    PCA(20, random_state=0),
    IsolationForest(n_estimators=300, random_state=0),
)
oddness = -forest.fit(curves).score_samples(curves)
order = np.argsort(-oddness)
print(f"planted among the oddest eight: {is_odd[order[:8]].sum()} of {is_odd.sum()}")
for star in np.flatnonzero(is_odd):
    print(f"  {kind[star]:<12} rank {list(order).index(star) + 1}")

# %%
# The oddest eight
# ----------------
# Orange: what was planted. The others are stars with some wrong measurements: look at your own list
# like this before you believe it, since what is wrong with the data of a survey is odd as well.
import matplotlib.pyplot as plt

from sklearn_astromer.plotting import LightCurveDisplay

ORANGE, BLUE = "#D55E00", "#0072B2"
figure, axes = plt.subplots(2, 4, figsize=(10, 4.8), layout="constrained")
for rank, (ax, star) in enumerate(zip(axes.flat, order, strict=False), start=1):
    colour = ORANGE if is_odd[star] else BLUE
    LightCurveDisplay.from_light_curve(curves, star, ax=ax, color=colour, markersize=2)
    ax.set_title(f"{rank}: {kind[star]}", color=colour, fontsize="medium")
    ax.locator_params(axis="x", nbins=3)
for ax in axes[:, 1:].flat:
    ax.set_ylabel("")
for ax in axes[0]:
    ax.set_xlabel("")

# %%
# Where the line is
# -----------------
# How odd all of the stars are. There is no gap between odd and ordinary: how far down the list you
# look is a matter of time.
figure, ax = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
ax.hist(oddness[~is_odd], bins=40, color=BLUE, label=f"{(~is_odd).sum()} ordinary stars")
ax.plot(oddness[is_odd], np.full(is_odd.sum(), 1.5), "v", color=ORANGE, label="planted")
ax.set(xlabel="anomaly score (arbitrary unit)", ylabel="number of stars")
ax.legend(frameon=False)
plt.show()
