"""
Fine-tune on your survey
========================

``fit`` of an embedder that has weights goes on training them on your light curves, without labels:
it hides half of each window and learns to predict it. Here the paper's network, trained on MACHO,
gets to know a sparse survey of long-period variables; and whether that was worth it is measured.
"""

# %%
# A survey of its own
# -------------------
# A `Cadence` describes when a survey observes and how well: here a named one, changed. It takes a
# V-band image in eight nights, for four years, and all of its stars are Miras.
from dataclasses import replace

from sklearn_astromer.datasets import CADENCES, make_variable_stars

survey = replace(
    CADENCES["ogle"], band="V", amplitude_scale=1.0, span=1500.0, revisit=8.0, error_floor=0.02
)
X, _ = make_variable_stars({"Mira": 160}, cadence=survey, random_state=0)
X_new, _ = make_variable_stars({"Mira": 60}, cadence=survey, random_state=1)
X

# %%
# Train
# -----
# A fifth of the light curves is kept for validation, and the weights of the epoch with the lowest
# validation error are kept. Fine-tuning is careful by default: a small learning rate, and a penalty
# (``anchor``) on leaving the embeddings that the network gave before, so that it does not forget
# what it knows.
from sklearn_astromer import AstromerEmbedder

shipped = AstromerEmbedder.pretrained("macho", random_state=0)
tuned = AstromerEmbedder.pretrained("macho", max_epochs=15, random_state=0).fit(X)
print(f"{len(tuned.history_)} epochs: {', '.join(tuned.history_[0])}")

# %%
# ``history_`` has a row for each epoch, and `LearningCurveDisplay` draws it. Validation stars are
# others than those of the training, so that their errors differ from the start.
import matplotlib.pyplot as plt

from sklearn_astromer.plotting import LearningCurveDisplay, ReconstructionDisplay

with plt.rc_context({"figure.figsize": (6.4, 4.0)}):
    LearningCurveDisplay.from_estimator(tuned)

# %%
# Was it worth it?
# ----------------
# Ask stars that were in neither training nor validation. ``score`` hides half of each window and
# gives minus the error of the predictions, here relative to the spread of the same magnitudes: -1
# is no better than to predict their mean. Beside it, without any fine-tuning, the other network
# that ships, which searches the period of each star first (and whose training had simulated Miras).
other = AstromerEmbedder.pretrained("variables", random_state=0)
embedders = {"macho, as it ships": shipped, "macho, fine-tuned": tuned, "variables": other}
for name, embedder in embedders.items():
    print(f"{name:<20} {embedder.score(X_new, relative=True):.3f}")

# %%
# The same star, with the same observations hidden:
figure = plt.figure(figsize=(10, 4.8), layout="constrained")
for part, (name, embedder) in zip(figure.subfigures(1, 3), embedders.items(), strict=True):
    axes = part.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    ReconstructionDisplay.from_estimator(embedder, X_new, 3, ax=axes)
    error = axes[0].get_title().replace(" = ", "\n= ")
    axes[0].set_title(f"{name}\n{error}", fontsize="small")
    axes[1].locator_params(axis="x", nbins=4)

# %%
# Fine-tuning helped, but little, and less than the better weights. So compare the weights that ship
# first, and keep some stars apart to see whether fine-tuning is a gain. With labels look at their
# scores as well, since a lower error need not be a better embedding: of ASAS, 200 unlabelled light
# curves did not make ``variables`` any better to classify with (:doc:`/pretraining`).
plt.show()
# sphinx_gallery_thumbnail_number = 2
