"""How well classifiers do with few labels: the paper's protocol, inside scikit-learn.

``splits.py`` sets test stars apart, ``samples_per_class.py`` fits on few stars of each class,
``scores.py`` scores, and ``curve.py`` does all of it for a table (``cache.py`` keeps its results,
under names that ``fingerprints.py`` makes). The stars are drawn in ``choosing.py``.
"""

from __future__ import annotations

from sklearn_astromer.evaluation.curve import few_shot_curve
from sklearn_astromer.evaluation.samples_per_class import SamplesPerClass
from sklearn_astromer.evaluation.scores import f1_macro
from sklearn_astromer.evaluation.splits import FewShotSplit

__all__ = ["FewShotSplit", "SamplesPerClass", "f1_macro", "few_shot_curve"]
