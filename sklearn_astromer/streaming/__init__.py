"""More light curves than fit in memory: from Parquet or Arrow to embeddings in Parquet.

`transform_parquet` (``transform.py``) reads pieces of the source (``sources.py``), makes of them
what the estimator takes (``forms.py``) and writes part files beside a manifest (``target.py``).
"""

from sklearn_astromer.streaming.transform import transform_parquet

__all__ = ["transform_parquet"]
