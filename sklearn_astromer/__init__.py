"""ASTROMER embeddings of astronomical light curves as scikit-learn estimators."""

from sklearn_astromer import datasets, weights
from sklearn_astromer.embedder import AstromerEmbedder
from sklearn_astromer.light_curves import LightCurves, as_light_curves

__version__ = "0.1.0"

__all__ = ["AstromerEmbedder", "LightCurves", "as_light_curves", "datasets", "weights"]
