"""Light curves, their portraits, and how much of a portrait is in the embedding."""

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_astromer import AstromerEmbedder, LightCurves
from sklearn_astromer.datasets import make_variable_stars
from sklearn_astromer.network.config import ARCHITECTURES
from sklearn_astromer.preparation import observations_for
from sklearn_astromer.training.portraits import PROFILE_BINS, portraits

CLASSES = ("RRab", "Cepheid", "contact binary", "Mira")
N_TRAIN = 30


def profiles(curves: LightCurves) -> np.ndarray:
    """Give the folded profiles, the first part of the portraits; 0 where a bin is empty."""
    observations = observations_for(ARCHITECTURES["folding"], curves, device=torch.device("cpu"))
    return np.nan_to_num(portraits(observations)[:, :PROFILE_BINS])


X, y = make_variable_stars(N_TRAIN, classes=CLASSES, cadence="asas", random_state=0)
X_new, y_new = make_variable_stars(1, classes=CLASSES, cadence="asas", random_state=1)
embedder = AstromerEmbedder.pretrained()
model = make_pipeline(StandardScaler(), Ridge(alpha=30.0))
told = model.fit(embedder.transform(X), profiles(X)).predict(embedder.transform(X_new))
true = profiles(X_new)

figure, axes = plt.subplots(2, len(CLASSES), figsize=(9.0, 4.2), layout="constrained")
phase = 2 * np.arange(PROFILE_BINS) / PROFILE_BINS
for (curve, portrait), name in zip(axes.T, CLASSES, strict=True):
    star = int(np.flatnonzero(y_new == name)[0])
    time, magnitude, _ = X_new[star].T
    curve.plot(time - time[0], magnitude, ".", ms=2, color="#555555")
    curve.invert_yaxis()
    curve.set(title=name, xlabel="time (days)")
    portrait.step(phase, true[star], where="mid", color="black", lw=1.2, label="portrait")
    portrait.plot(phase, told[star], "o", ms=3.5, color="#D55E00", label="from the embedding")
    portrait.invert_yaxis()
    portrait.set(xlabel="phase", xticks=[0, 1, 2])
axes[0, 0].set_ylabel("magnitude")
axes[1, 0].set_ylabel("magnitude\n(standard deviations)")
handles, labels = axes[1, 0].get_legend_handles_labels()
figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=9)
