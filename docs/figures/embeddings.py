"""Simulated variable stars in the plane, by the weights that are the default."""

from sklearn_astromer import AstromerEmbedder
from sklearn_astromer.datasets import make_variable_stars
from sklearn_astromer.plotting import EmbeddingDisplay

X, y = make_variable_stars(n_per_class=50, cadence="ogle", random_state=0)
display = EmbeddingDisplay.from_estimator(
    AstromerEmbedder.pretrained(), X, y, method="tsne", random_state=0, s=14
)
display.figure_.set_size_inches(7.5, 4.2)
