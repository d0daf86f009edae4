"""
Fine-tune on your survey
========================

``fit`` of an embedder that has weights goes on training them on your light curves, without labels:
it hides a half of each window and learns to predict it. Here the paper's network, trained on MACHO,
gets to know a sparse survey of long-period variables.
"""

# %%
# A survey of its own
# -------------------
# A `Cadence` describes when a survey observes and how well. This one takes a V-band image every
# eighth night for four years, and it holds Miras alone.
from dataclasses import replace

from sklearn_astromer.datasets import CADENCES, make_variable_stars

survey = replace(
    CADENCES["ogle"], band="V", amplitude_scale=1.0, span=1500.0, revisit=8.0, error_floor=0.02
)
X, _ = make_variable_stars({"Mira": 160}, cadence=survey, random_state=0)
X_new, _ = make_variable_stars({"Mira": 60}, cadence=survey, random_state=1)
X

# %%
# Before
# ------
# ``score`` hides half of each window and gives minus the error of the prediction; relative to the
# spread of the same magnitudes, -1 is no better than to predict their mean.
from sklearn_astromer import AstromerEmbedder

macho = AstromerEmbedder.pretrained("macho", random_state=0)
print(f"macho, as it ships: {macho.score(X_new, relative=True):.2f}")

# %%
# Train
# -----
# A fifth of the light curves is kept for validation, and the weights of the best epoch are kept.
# By default fine-tuning is careful: a small learning rate, and a penalty (``anchor``) on leaving
# the embeddings that the network gave before, so that it does not forget what it knows. For a
# survey so different from MACHO, the second embedder is given freer rein.
careful = AstromerEmbedder.pretrained("macho", max_epochs=15, random_state=0).fit(X)
free = AstromerEmbedder.pretrained(
    "macho", anchor=0.0, learning_rate=1e-3, max_epochs=15, random_state=0
).fit(X)
free.history_[-1]

# %%
# ``history_`` has a row for each epoch, and `LearningCurveDisplay` draws it.
import matplotlib.pyplot as plt

from sklearn_astromer.plotting import LearningCurveDisplay, ReconstructionDisplay

with plt.rc_context({"figure.figsize": (6.4, 4.0)}):
    LearningCurveDisplay.from_estimator({"careful (default)": careful, "free": free})

# %%
# After
# -----
# On stars that were in neither training nor validation:
for name, embedder in {"careful": careful, "free": free}.items():
    print(f"macho, {name}: {embedder.score(X_new, relative=True):.2f}")

# %%
# The same star before and after, with the same observations hidden:
figure = plt.figure(figsize=(9, 4.4), layout="constrained")
parts = figure.subfigures(1, 2)
for part, (name, embedder) in zip(
    parts, {"as it ships": macho, "fine-tuned": free}.items(), strict=True
):
    axes = part.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    ReconstructionDisplay.from_estimator(embedder, X_new, 3, ax=axes)
    axes[0].set_title(f"{name}: {axes[0].get_title()}", fontsize="small")

# %%
# Is it worth it?
# ---------------
# A lower error is not always a better embedding. So look at what you want to do with it: here, to
# tell the period of a Mira from its embedding.
plt.show()
