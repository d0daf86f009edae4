"""
Save and share
==============

Weights are kept in a folder without pickle, which anybody can read without running your code; whole
pipelines with joblib. And a colleague can start from either.
"""

# %%
# A network of your own
# ---------------------
# Fine-tuned for two epochs, so that there is something to save.
import tempfile
from pathlib import Path

import numpy as np

from sklearn_astromer import AstromerEmbedder
from sklearn_astromer.datasets import make_variable_stars

X, y = make_variable_stars(15, cadence="ogle", random_state=0)
tuned = AstromerEmbedder.pretrained(max_epochs=2, random_state=0).fit(X)

# %%
# Save it
# -------
# A folder with two files: the weights as `safetensors <https://huggingface.co/docs/safetensors>`_,
# and all else as JSON. It may be put beside a paper.
scratch = tempfile.TemporaryDirectory()
work = Path(scratch.name)
folder = tuned.save(work / "my-survey")
for file in sorted(folder.iterdir()):
    print(f"{file.name:<22}{file.stat().st_size / 1e6:8.3f} MB")

# %%
# The JSON tells what made it, and can be read without this package: the parameters (here those that
# have a value) and what was learned beside the weights, such as the errors of each epoch.
import json

saved = json.loads((folder / "embedder.json").read_text())
for name, value in saved["parameters"].items():
    if value is not None:
        print(f"{name:<20} {value}")
print(sorted(saved["fitted"]["history_"][-1]))

# %%
# Load it
# -------
# The same numbers come out, and the history of its training is there too.
loaded = AstromerEmbedder.load(folder)
print("equal:", np.array_equal(loaded.transform(X[:20]), tuned.transform(X[:20])))

# %%
# The folder is also a source of weights, by its path, wherever a name of weights would do: to
# fine-tune on, to use with other parameters, or in a grid search.
embedder = AstromerEmbedder.pretrained(folder, finetune=False)
print("equal:", np.array_equal(embedder.transform(X[:20]), tuned.transform(X[:20])))

# %%
# A whole classifier
# ------------------
# joblib keeps whatever scikit-learn made, the weights within. Two cautions: to load such a file can
# run any code that somebody put there, so load only what you trust; and it is meant for the same
# versions of the packages. For the long term, keep the folder.
import joblib
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

model = make_pipeline(embedder, StandardScaler(), LogisticRegression(max_iter=2000)).fit(X, y)
joblib.dump(model, work / "classifier.joblib")
print(f"{(work / 'classifier.joblib').stat().st_size / 1e6:.1f} MB")

# %%
# Elsewhere
# ---------
# All that a colleague needs is the package and this file.
classifier = joblib.load(work / "classifier.joblib")
X_new, y_new = make_variable_stars(10, cadence="ogle", random_state=1)
probability = classifier.predict_proba(X_new)
predicted = classifier.classes_[probability.argmax(axis=1)]
print(f"right: {(predicted == y_new).sum()} of {len(y_new)}")

# %%
# One new star of each of six classes, folded on the period that the embedder found on the way (of
# binaries it may be half of the true one); in the title, what it is taken for and with what
# probability. These simulated classes were part of the training of ``variables``, so that the
# probabilities say little of real stars.
import matplotlib.pyplot as plt

from sklearn_astromer.plotting import LightCurveDisplay

periods = classifier[0].find_periods(X_new)
figure, axes = plt.subplots(2, 3, figsize=(9, 4.8), layout="constrained")
kinds = ["RRab", "RRc", "delta Scuti", "Cepheid", "detached binary", "contact binary"]
for ax, kind in zip(axes.flat, kinds, strict=True):
    star = np.flatnonzero(y_new == kind)[0]
    LightCurveDisplay.from_light_curve(X_new, star, period=periods[star], ax=ax, markersize=2)
    ax.set_title(f"{predicted[star]}: {100 * probability[star].max():.0f} %", fontsize="medium")
    ax.set_xlabel(f"phase (period {periods[star]:.5g} d)")
for ax in axes[:, 1:].flat:
    ax.set_ylabel("")
plt.show()
scratch.cleanup()
