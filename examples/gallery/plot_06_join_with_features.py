"""
Join with hand-crafted features
===============================

Embeddings do not replace what you know: they are columns like any others. ``FeatureUnion`` puts
features of light curves side by side, and ``ColumnTransformer`` those of other columns of a table.
"""

# %%
# Blocks of features
# ------------------
# Each block is a transformer of light curves: an embedding, here of the paper's network, which
# knows nothing of short periods; the folded light curve; numbers about the best period; and a
# function of your own, in a ``FunctionTransformer``. A PCA leaves ten of the 256 columns of the
# embedding, so that they do not outvote all others.
import numpy as np
from scipy import stats
from sklearn.decomposition import PCA
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_astromer import AstromerEmbedder, FoldedCurve, PeriodFinder
from sklearn_astromer.datasets import make_variable_stars


def statistics(curves):
    """Amplitude, skewness, kurtosis and roughness of each light curve."""
    rows = []
    for curve in curves:
        magnitude = curve[:, 1]
        amplitude = np.ptp(np.percentile(magnitude, (5, 95)))
        roughness = np.abs(np.diff(magnitude)).mean() / magnitude.std()
        rows.append([amplitude, stats.skew(magnitude), stats.kurtosis(magnitude), roughness])
    return np.array(rows)


def names(transformer, input_features):
    """Name the columns of `statistics`."""
    return np.array(["amplitude", "skewness", "kurtosis", "roughness"], dtype=object)


embedding = make_pipeline(
    AstromerEmbedder.pretrained("macho", finetune=False), StandardScaler(), PCA(10, random_state=0)
)
union = FeatureUnion(
    [
        ("embedding", embedding),
        ("folded", FoldedCurve(n_bins=24)),
        ("period", PeriodFinder()),
        ("statistics", FunctionTransformer(statistics, feature_names_out=names)),
    ]
)
X, y = make_variable_stars(40, cadence="ogle", random_state=0)
features = union.fit_transform(X)
print(features.shape, union.get_feature_names_out()[[0, 10, 34, -1]])

# %%
# What each of them is worth
# --------------------------
# A random forest on each block and on some together, scored on the same test stars. No block learns
# anything from labels, so that they may be computed beforehand. The
# simulated stars have neither blends nor the Blazhko effect, which blur the folds of real ones.
import matplotlib.pyplot as plt
import pandas as pd
from sklearn.ensemble import RandomForestClassifier

from sklearn_astromer.evaluation import FewShotSplit, few_shot_curve
from sklearn_astromer.plotting import FewShotDisplay

block = np.array([name.split("__")[0] for name in union.get_feature_names_out()])
choices = {
    "statistics": ["statistics"],
    "embedding": ["embedding"],
    "folded, period": ["folded", "period"],
    "folded, period, statistics": ["folded", "period", "statistics"],
    "all": ["folded", "period", "statistics", "embedding"],
}
forest = RandomForestClassifier(60, random_state=0)
few_shot_table = pd.concat(
    few_shot_curve(
        {name: forest}, features[:, np.isin(block, chosen)], y, [5, 20], test_per_class=20
    )
    for name, chosen in choices.items()
)
columns = ["estimator", "samples_per_class", "f1_mean", "f1_std"]
print(few_shot_table[columns].round(3).to_string(index=False))
with plt.rc_context({"figure.figsize": (6.4, 4.4)}):
    FewShotDisplay.from_table(few_shot_table)

# %%
# Period and shape say most here. What the embedding of ``macho`` adds to them is little, since it
# knows nothing of periods of less than six days; ``variables`` knows of periods what these blocks
# know (:doc:`/pretraining`).
#
# A table with other columns
# --------------------------
# Survey catalogues have light curves beside ordinary columns. The colours here are invented: around
# a typical V - I of each class, with a scatter of 0.15 mag.
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

typical_colour = {
    "RRab": 0.6,
    "RRc": 0.45,
    "Cepheid": 0.8,
    "detached binary": 0.3,
    "contact binary": 0.7,
    "delta Scuti": 0.35,
    "Mira": 3.0,
    "constant": 0.9,
}
random = np.random.default_rng(0)
catalogue = pd.DataFrame(
    {
        "time": [curve[:, 0] for curve in X],
        "mag": [curve[:, 1] for curve in X],
        "err": [curve[:, 2] for curve in X],
        "colour": [random.normal(typical_colour[kind], 0.15) for kind in y],
    }
)
catalogue[["colour"]].head(3)

# %%
# The embedder takes the columns of the light curve, and the colour stays as it is. All of it is one
# estimator, to be fitted, cross-validated and saved as one. Which classes does the colour help?
curve_columns = ["time", "mag", "err"]
joined = ColumnTransformer(
    [("embedding", embedding, curve_columns), ("colour", "passthrough", ["colour"])]
)
classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
by_light_curve = make_pipeline(embedding, classifier)
with_colour = make_pipeline(joined, classifier)

train, test = next(FewShotSplit(20, test_per_class=20, random_state=0).split(X, y))
kinds = np.unique(y)
figure, ax = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
models = {
    "light curve": (by_light_curve, curve_columns, "o", "#0072B2"),
    "light curve and colour": (with_colour, list(catalogue), "D", "#D55E00"),
}
for name, (model, chosen, marker, colour) in models.items():
    table = catalogue[chosen]
    predicted = model.fit(table.iloc[train], y[train]).predict(table.iloc[test])
    f1 = f1_score(y[test], predicted, labels=kinds, average=None)
    ax.plot(f1, kinds, marker, color=colour, label=f"{name} (macro F1 {f1.mean():.2f})")
ax.set(xlabel="F1 (20 labels per class, one split)", xlim=(0, 1.03))
ax.invert_yaxis()
ax.grid(axis="y", color="#dddddd")
figure.legend(loc="outside lower center", ncols=2, fontsize="small", frameon=False)
plt.show()
