"""
Classify from 20 labels
=======================

The purpose of pre-training: a classifier that works from a handful of labelled stars. An embedder
and any scikit-learn classifier make a ``Pipeline``; how good it is with 2, 5, 10 or 20 labels per
class is measured on the same test stars.
"""

# %%
# A survey that the weights do not know
# -------------------------------------
# The weights ``variables`` were trained on simulated stars of these eight classes at four cadences.
# To make it harder, these are observed by a survey that was none of the four: two years, one visit
# in four nights on average, larger errors. The classes are still those that training knew, so the
# scores below say little of other classes; scores on real stars are in :doc:`/pretraining`.
from dataclasses import replace

from sklearn_astromer.datasets import CADENCES, make_variable_stars

survey = replace(
    CADENCES["ogle"], span=700.0, revisit=4.0, season=0.5, error_floor=0.015, amplitude_scale=0.8
)
X, y = make_variable_stars(45, cadence=survey, random_state=2)
X

# %%
# A pipeline
# ----------
# With ``finetune=False``, ``fit`` leaves the weights alone and trains only what follows.
# `FewShotSplit` keeps 25 test stars of each class, and gives 20 others to train with; three times,
# with other stars.
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_astromer import AstromerEmbedder
from sklearn_astromer.evaluation import FewShotSplit, SamplesPerClass, few_shot_curve

embedder = AstromerEmbedder.pretrained(finetune=False)
logistic = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
model = make_pipeline(embedder, logistic)
cv = FewShotSplit(20, test_per_class=25, n_splits=3, random_state=0)
f1 = cross_val_score(model, X, y, cv=cv, scoring="f1_macro")
print(f"macro F1 {f1.mean():.2f} ± {f1.std():.2f}")

# %%
# The number of labels in a grid search
# -------------------------------------
# A frozen embedder gives the same rows in every fold, so they are computed once from here on.
# `SamplesPerClass` makes the number of labels a parameter like any other, beside those of the
# classifier: with few labels, a stronger penalty (a smaller C) may be better.
Z = embedder.transform(X)
search = GridSearchCV(
    SamplesPerClass(logistic, random_state=0),
    {"samples_per_class": [2, 20], "estimator__logisticregression__C": [0.01, 1.0]},
    cv=FewShotSplit(test_per_class=25, random_state=0),
    scoring="f1_macro",
).fit(Z, y)
for parameters, score in zip(
    search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
):
    n_labels = parameters["samples_per_class"]
    print(
        f"{n_labels:>3} labels, C={parameters['estimator__logisticregression__C']:g}: {score:.2f}"
    )

# %%
# A C that was chosen on the test stars would flatter the score; :doc:`/evaluation` tells how to
# choose it on the training stars alone.
#
# Against what anybody would try first
# ------------------------------------
# A fair comparison needs a rival: a random forest on simple statistics of the magnitudes. And the
# paper's network with the weights ``macho``, which knows neither errors nor periods of less than
# six days.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy import stats
from sklearn.ensemble import RandomForestClassifier

from sklearn_astromer.plotting import FewShotDisplay


def statistics(curves):
    """Spread, shape and roughness of the magnitudes of each light curve."""
    rows = []
    for curve in curves:
        magnitude = curve[:, 1] - curve[:, 1].mean()
        percentiles = np.percentile(magnitude, (5, 25, 50, 75, 95))
        shape = magnitude.std(), stats.skew(magnitude), stats.kurtosis(magnitude)
        rows.append([*shape, *percentiles, np.abs(np.diff(magnitude)).mean()])
    return np.array(rows)


forest = RandomForestClassifier(100, random_state=0)
features = {
    "variables + logistic": (Z, logistic),
    "macho + logistic": (AstromerEmbedder.pretrained("macho").transform(X), logistic),
    "statistics + forest": (statistics(X), forest),
}
table = pd.concat(
    few_shot_curve({name: classifier}, values, y, [2, 5, 10, 20], test_per_class=25)
    for name, (values, classifier) in features.items()
)
with plt.rc_context({"figure.figsize": (6.4, 4.2)}):
    FewShotDisplay.from_table(table)

# %%
# What is mistaken for what
# -------------------------
# The last of the three splits, with 20 labels per class.
from sklearn.metrics import ConfusionMatrixDisplay

train, test = list(cv.split(Z, y))[-1]
predicted = logistic.fit(Z[train], y[train]).predict(Z[test])
figure, ax = plt.subplots(figsize=(6.4, 5.4), layout="constrained")
ConfusionMatrixDisplay.from_predictions(
    y[test], predicted, ax=ax, cmap="Blues", xticks_rotation=40, colorbar=False
)
ax.set(xlabel="predicted class", ylabel="true class")
plt.setp(ax.get_xticklabels(), ha="right", rotation_mode="anchor")
plt.show()
