"""Pictures in the manner of scikit-learn's displays; they need matplotlib (extra ``plot``).

Each display has a module of its own; ``axes.py`` has colours, axes and legends, and ``inputs.py``
what they are given. matplotlib is imported when something is drawn.
"""

from sklearn_astromer.plotting.attention import AttentionDisplay
from sklearn_astromer.plotting.embedding import EmbeddingDisplay
from sklearn_astromer.plotting.few_shot import FewShotDisplay
from sklearn_astromer.plotting.learning_curve import LearningCurveDisplay
from sklearn_astromer.plotting.light_curve import LightCurveDisplay
from sklearn_astromer.plotting.reconstruction import ReconstructionDisplay

__all__ = [
    "AttentionDisplay",
    "EmbeddingDisplay",
    "FewShotDisplay",
    "LearningCurveDisplay",
    "LightCurveDisplay",
    "ReconstructionDisplay",
]
