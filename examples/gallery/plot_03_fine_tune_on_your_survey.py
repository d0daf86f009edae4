"""
Fine-tune on your survey
========================

``fit`` of an embedder that has weights goes on training them on your light curves, without labels:
it hides half of each window and learns to predict it. Here ``variables``, trained on surveys of
years, gets to know one of a month.
"""

# %%
# A survey of its own
# -------------------
# A `Cadence` describes when a survey observes and how well: a named one, changed. This is an
# observing campaign, 30 nights with six V-band exposures in each, on short-period stars.
from dataclasses import replace

from sklearn_astromer.datasets import CADENCES, make_variable_stars

survey = replace(
    CADENCES["ogle"],
    band="V",
    amplitude_scale=1.0,
    span=30.0,
    season=0.9,
    revisit=1.0,
    exposures=6.0,
    exposure_interval=0.03,
    error_floor=0.01,
    outlier_share=0.0,
)
kinds = ["RRab", "RRc", "delta Scuti", "contact binary", "detached binary"]
X, _ = make_variable_stars(16, classes=kinds, cadence=survey, random_state=0)
X_new, y_new = make_variable_stars(16, classes=kinds, cadence=survey, random_state=1)
X

# %%
# Before
# ------
# ``score`` hides half of each window and gives minus the error of the predictions. Relative to the
# spread of the same magnitudes, -1 is no better than to predict their mean.
from sklearn_astromer import AstromerEmbedder

shipped = AstromerEmbedder.pretrained("variables", random_state=0)
print(f"as it ships: {shipped.score(X_new, relative=True):.3f}")

# %%
# Train
# -----
# A fifth of the light curves is kept for validation, and the weights of the epoch with the lowest
# validation error are kept. By default fine-tuning is careful: a small learning rate, and a penalty
# (``anchor``) on leaving the embeddings that the network gave before, so that it does not forget
# what it knows. The second embedder is given freer rein.
careful = AstromerEmbedder.pretrained("variables", max_epochs=5, random_state=0).fit(X)
free = AstromerEmbedder.pretrained(
    "variables", anchor=0.0, learning_rate=5e-4, max_epochs=5, random_state=0
).fit(X)
print(f"{len(free.history_)} epochs: {', '.join(free.history_[0])}")

# %%
# ``history_`` has a row for each epoch, and `LearningCurveDisplay` draws it. Validation stars are
# others than those of the training, so that their errors differ from the start.
import matplotlib.pyplot as plt

from sklearn_astromer.plotting import LearningCurveDisplay, ReconstructionDisplay

with plt.rc_context({"figure.figsize": (6.8, 4.0)}):
    LearningCurveDisplay.from_estimator({"careful (default)": careful, "free": free})

# %%
# After
# -----
# On stars that were in neither training nor validation:
embedders = {"as it ships": shipped, "careful": careful, "free": free}
for name, embedder in embedders.items():
    print(f"{name:<12} {embedder.score(X_new, relative=True):.3f}")

# %%
# The same star before and after, with the same observations hidden:
import numpy as np

star = np.flatnonzero(y_new == "RRab")[0]
figure = plt.figure(figsize=(9, 4.4), layout="constrained")
for part, name in zip(figure.subfigures(1, 2), ["as it ships", "free"], strict=True):
    axes = part.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    ReconstructionDisplay.from_estimator(embedders[name], X_new, star, ax=axes)
    axes[0].set_title(f"{name}: {axes[0].get_title()}", fontsize="small")

# %%
# Is it worth it?
# ---------------
# A lower error is not always a better embedding. So look at what you want to do with it: here, to
# classify from five labels per class. All five classes were part of the training of ``variables``.
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_astromer.evaluation import few_shot_curve

logistic = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
for name, embedder in embedders.items():
    table = few_shot_curve(
        {name: logistic}, embedder.transform(X_new), y_new, [5], test_per_class=11, n_splits=5
    )
    print(f"{name:<12} macro F1 {table['f1_mean'][0]:.2f} ± {table['f1_std'][0]:.2f}")

# %%
# Fine-tuning lowers the error; whether it helps with your task is for your labels to tell.
plt.show()
