"""More light curves than fit in memory: from Parquet or Arrow to embeddings in Parquet.

`transform_parquet` (``transform.py``) reads pieces of the source (``sources.py``), makes of them
what the estimator takes (``forms.py``), embeds them (``embedding.py``) and writes part files beside
a manifest (``target.py``). `sample_curves` (``sample.py``) draws light curves to train on.
"""

from sklearn_astromer.streaming.sample import sample_curves
from sklearn_astromer.streaming.transform import transform_parquet

__all__ = ["sample_curves", "transform_parquet"]
