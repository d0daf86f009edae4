"""
Embed and cluster
=================

An embedder turns light curves of any length into rows of a matrix, and everything in scikit-learn
takes it from there. Here it is a map of variable stars, and a clustering that finds most of their
classes without a single label.
"""

# %%
# Light curves
# ------------
# Forty simulated stars of each of eight classes, as a small survey would observe them: two years of
# the I band, a visit in two nights, no wrong measurements. Your own may be a list of arrays with
# the columns time, magnitude and error, a data frame, or one of many other things
# (:doc:`/inputs`).
from dataclasses import replace

from sklearn_astromer.datasets import CADENCES, VARIABLE_STAR_CLASSES, make_variable_stars

survey = replace(
    CADENCES["ogle"], span=700.0, revisit=2.0, season=0.6, error_floor=0.015, outlier_share=0.0
)
X, y, truth = make_variable_stars(40, cadence=survey, random_state=0, return_parameters=True)
X

# %%
# The star of largest amplitude of each class, folded on its true period, with a second cycle in
# grey. Constant stars have no period.
import matplotlib.pyplot as plt
import numpy as np

from sklearn_astromer.plotting import LightCurveDisplay

figure, axes = plt.subplots(2, 4, figsize=(10, 4.6), layout="constrained")
for ax, kind in zip(axes.flat, VARIABLE_STAR_CLASSES, strict=True):
    stars = np.flatnonzero(y == kind)
    star = stars[truth["amplitude"][stars].argmax()]
    period = None if kind == "constant" else truth["period"][star]
    LightCurveDisplay.from_light_curve(X, star, period=period, ax=ax, markersize=2.5)
    ax.set_title(kind)
    if period is not None:
        ax.set_xlabel(f"phase (period {period:.4g} d)")
for ax in axes[:, 1:].flat:
    ax.set_ylabel("")

# %%
# Embeddings
# ----------
# `AstromerEmbedder.pretrained` gives an embedder with the best weights that ship, ``variables``. It
# needs no ``fit``. The result is one row per light curve, in the same order.
from sklearn_astromer import AstromerEmbedder

embedder = AstromerEmbedder.pretrained()
Z = embedder.transform(X)
Z.shape

# %%
# Two of the 128 dimensions at a time say little; a t-SNE keeps neighbours together. It knows
# nothing of the classes, which only colour the points. Distances between groups, and their sizes,
# mean nothing.
from sklearn_astromer.plotting import EmbeddingDisplay

with plt.rc_context({"figure.figsize": (8, 5)}):
    display = EmbeddingDisplay.from_predictions(Z, y, method="tsne", s=30)

# %%
# These classes were shown to the network in its training, on other simulated stars, so that it has
# every reason to keep them apart. It has none for kinds of stars that it never saw.
#
# Clusters
# --------
# k-means has to be told how many clusters there are; what they are it finds by itself. Columns are
# standardised first, since their scales differ, and reduced to the directions that matter.
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

clustering = make_pipeline(
    StandardScaler(), PCA(10, random_state=0), KMeans(8, n_init=20, random_state=0)
)
cluster = clustering.fit_predict(Z)
print(f"adjusted Rand index {adjusted_rand_score(y, cluster):.2f}")

# %%
# The index is 1 if clusters and classes are the same, and 0 on average if stars are dealt out by
# chance. Which class went where, clusters sorted by what most of their stars are:
from scipy.optimize import linear_sum_assignment

counts = np.array([np.bincount(cluster[y == kind], minlength=8) for kind in VARIABLE_STAR_CLASSES])
counts = counts[:, linear_sum_assignment(-counts)[1]]

figure, ax = plt.subplots(figsize=(6.4, 4.6), layout="constrained")
image = ax.imshow(counts, cmap="Blues", aspect="auto")
for (row, column), count in np.ndenumerate(counts):
    if count:
        ax.text(
            column, row, count, ha="center", va="center", color="white" if count > 20 else "black"
        )
ax.set(xlabel="cluster", ylabel="class", yticks=range(8), yticklabels=VARIABLE_STAR_CLASSES)
ax.set_xticks(range(8), [str(number) for number in range(1, 9)])
figure.colorbar(image, label="number of stars")
plt.show()
# sphinx_gallery_thumbnail_number = 2
