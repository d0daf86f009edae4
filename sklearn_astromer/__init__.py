"""ASTROMER embeddings of astronomical light curves as scikit-learn estimators."""

from sklearn_astromer import datasets, evaluation, periods, weights
from sklearn_astromer.bands import BandEmbedder
from sklearn_astromer.classifier import AstromerClassifier
from sklearn_astromer.embedder import AstromerEmbedder
from sklearn_astromer.light_curves import LightCurves, as_light_curves
from sklearn_astromer.lstm_classifier import LSTMClassifier
from sklearn_astromer.periods import FoldedCurve, PeriodFinder
from sklearn_astromer.regressor import AstromerRegressor

__version__ = "0.1.0"

__all__ = [
    "AstromerClassifier",
    "AstromerEmbedder",
    "AstromerRegressor",
    "BandEmbedder",
    "FoldedCurve",
    "LSTMClassifier",
    "LightCurves",
    "PeriodFinder",
    "as_light_curves",
    "datasets",
    "evaluation",
    "periods",
    "weights",
]
