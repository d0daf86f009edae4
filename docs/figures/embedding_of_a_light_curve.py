"""From a light curve, cut into windows, to one vector per observation, and to one for all."""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_astromer import AstromerEmbedder
from sklearn_astromer.datasets import make_variable_stars

WINDOW = 200
EPOCH = 2450000

X, _ = make_variable_stars(1, classes=["Mira"], cadence="asas", random_state=3)
time, magnitude, _ = X[0].T
embedder = AstromerEmbedder.pretrained(output="sequence")
rows = embedder.transform(X)[0]
mean = embedder.set_params(output="mean").transform(X)[0]

figure = plt.figure(figsize=(7.5, 5.2), layout="constrained")
curve, of_observations, of_curve = figure.subplots(
    3, 1, gridspec_kw={"height_ratios": [3, 4, 0.7], "hspace": 0.06}
)
starts = np.arange(0, len(time), WINDOW)
for number, start in enumerate(starts):
    window = slice(start, start + WINDOW)
    label = f"window {number + 1}: {len(time[window])} observations"
    curve.plot(time[window] - EPOCH, magnitude[window], ".", ms=3.5, label=label)
curve.invert_yaxis()
curve.set(
    xlabel="HJD - 2,450,000 (days)", ylabel="magnitude", title="A light curve (simulated Mira)"
)
curve.legend(fontsize=8, loc="lower left", ncols=2, frameon=False)
curve.set_ylim(15.3, None)

limit = np.percentile(np.abs(rows), 98)
image = of_observations.imshow(
    rows.T, aspect="auto", cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest"
)
for start in starts[1:]:
    of_observations.axvline(start - 0.5, color="black", lw=1)
of_observations.set(
    xlabel="observation",
    ylabel="component",
    title='One row of 128 numbers per observation: output="sequence"',
)
of_curve.imshow(
    mean[None], aspect="auto", cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest"
)
of_curve.set(yticks=[], xlabel="component", title='Their mean over all observations: output="mean"')
figure.colorbar(image, ax=[of_observations, of_curve], label="value", aspect=30)
