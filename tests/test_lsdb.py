"""LSDB catalogs with a nested light curve become catalogs with embeddings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from example_curves import random_curves, random_embedder

from sklearn_astromer.dask import transform

nested_pandas = pytest.importorskip("nested_pandas")

N_ROWS = 24
CURVES = random_curves([3 + (7 * row) % 41 for row in range(N_ROWS)], seed=3)
ADDED = [f"astromerembedder{number}" for number in range(8)]


@pytest.fixture
def lsdb() -> Iterator[Any]:
    """LSDB, computing in this thread."""
    lsdb = pytest.importorskip("lsdb", reason='needs pip install "sklearn-astromer[lsdb]"')
    import dask

    with dask.config.set(scheduler="synchronous"):
        yield lsdb


def stars() -> Any:
    lists = pd.ArrowDtype(pa.list_(pa.float64()))
    frame = nested_pandas.NestedFrame(
        {
            "id": np.arange(N_ROWS),
            "ra": np.linspace(10.0, 350.0, N_ROWS),
            "dec": np.linspace(-40.0, 40.0, N_ROWS),
            "mjd": pd.Series([list(curve[:, 0]) for curve in CURVES], dtype=lists),
            "mag": pd.Series([list(curve[:, 1]) for curve in CURVES], dtype=lists),
        }
    )
    return frame.nest_lists(["mjd", "mag"], "lightcurve")


def test__transform__hats_catalog__stays_a_catalog_with_embeddings(
    lsdb: Any, tmp_path: Path
) -> None:
    lsdb.from_dataframe(stars(), highest_order=1, partition_rows=8).write_catalog(
        tmp_path / "survey", catalog_name="survey", progress_bar=False
    )
    catalog = lsdb.open_catalog(tmp_path / "survey")
    embedder = random_embedder()
    lazy = transform(catalog, embedder)
    assert isinstance(lazy, lsdb.catalog.Catalog)
    assert catalog.npartitions == lazy.npartitions > 2
    assert list(lazy.columns) == ["id", "ra", "dec", "n_observations", *ADDED]
    assert (lazy.dtypes[ADDED] == np.float32).all()

    lazy.write_catalog(tmp_path / "embedded", catalog_name="embedded", progress_bar=False)
    written = lsdb.open_catalog(tmp_path / "embedded").compute(progress_bar=False)
    assert sorted(written["id"]) == list(range(N_ROWS))
    wanted = embedder.transform(CURVES)[written["id"].to_numpy(int)]
    np.testing.assert_allclose(written[ADDED].to_numpy(np.float32), wanted, atol=1e-6)
    lengths = np.array([len(curve) for curve in CURVES])
    assert written["n_observations"].tolist() == lengths[written["id"].to_numpy(int)].tolist()


def test__transform__faulty_light_curve_in_a_catalog__names_the_pixel(lsdb: Any) -> None:
    frame = stars()
    frame["lightcurve.mag"] = np.inf
    catalog = lsdb.from_dataframe(frame, margin_threshold=None, partition_rows=N_ROWS)
    lazy = transform(catalog, random_embedder())
    with pytest.raises(RuntimeError, match=r"HEALPix order \d+, pixel \d+, row 0 .*is infinite"):
        lazy.compute(progress_bar=False)
