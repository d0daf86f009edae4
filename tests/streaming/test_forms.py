"""Rows as an estimator takes them: several bands, and rows in which nothing was measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from example_curves import random_embedder
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from star_tables import CURVES, IDS, N_ROWS, MeanAndCount, embeddings, run, stars

from sklearn_astromer import (
    BandEmbedder,
)


def two_bands() -> pa.Table:
    bands = [["g", "r"] * len(curve) for curve in CURVES]
    bands[3:9] = [["r"] * len(band) for band in bands[3:9]]
    bands[10:14] = [["z"] * len(band) for band in bands[10:14]]
    bands = [band[: len(curve)] for band, curve in zip(bands, CURVES, strict=True)]
    return stars().append_column("filter", pa.array(bands))


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize("from_reader", [False, True])
def test__transform_parquet__band_embedder__equals_transform_where_measured(
    tmp_path: Path, fitted: bool, from_reader: bool
) -> None:
    table = two_bands()
    embedder = BandEmbedder(MeanAndCount(), bands=["g", "r"])
    if fitted:
        embedder.fit(table)
    wanted = embedder.transform(table)
    # Rows 10 to 13, of which a whole part consists, have no observation in g or r.
    wanted[10:14] = np.nan
    source: Any = table.to_reader(max_chunksize=7)
    if not from_reader:
        source = tmp_path / "stars.parquet"
        pq.write_table(table, source, row_group_size=7)
    with pytest.warns(UserWarning, match=r"4 of 30 .* in band \['g', 'r'\]"):
        done = run(embedder, source, tmp_path / "out", batch_rows=2, columns={"id": "id"})
    np.testing.assert_allclose(embeddings(done), wanted, rtol=1e-6)
    assert done["id"].to_pylist() == IDS
    counts = [len(curve) for curve in CURVES]
    counts[10:14] = [0] * 4
    assert done["n_observations"].to_pylist() == counts


def test__transform_parquet__band_embedder_and_names__belong_to_the_embedder(
    star_file: Path, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=r"name time in BandEmbedder\(columns="):
        run(BandEmbedder(MeanAndCount()), star_file, tmp_path / "out", columns={"time": "mjd"})


def test__transform_parquet__band_embedder_in_a_pipeline__is_given_tables(tmp_path: Path) -> None:
    table = two_bands()
    pq.write_table(table, tmp_path / "stars.parquet", row_group_size=7)
    bands = BandEmbedder(MeanAndCount(), bands=["g", "r"], missing="zero")
    pipeline = make_pipeline(bands, StandardScaler()).fit(table)
    with pytest.warns(UserWarning, match="4 of 30"):
        done = run(pipeline, tmp_path / "stars.parquet", tmp_path / "out", batch_rows=5)
    kept = np.r_[0:10, 14:N_ROWS]
    np.testing.assert_allclose(
        embeddings(done)[kept], pipeline.transform(table)[kept], rtol=1e-5, atol=1e-5
    )


def test__transform_parquet__several_bands_and_none_chosen__names_the_row(tmp_path: Path) -> None:
    pq.write_table(two_bands()[3:], tmp_path / "stars.parquet", row_group_size=7)
    with pytest.raises(ValueError, match=r"row group 0, row 6 .*several bands, 'g' and 'r'"):
        run(MeanAndCount(), tmp_path / "stars.parquet", tmp_path / "out")


def with_empty(tmp_path: Path) -> Path:
    times = [curve[:, 0] for curve in CURVES]
    magnitudes: list[Any] = [curve[:, 1] for curve in CURVES]
    magnitudes[9] = np.full(len(times[9]), np.nan)
    times[20], magnitudes[20] = [], []
    times[24], magnitudes[24] = None, None
    table = pa.table({"id": IDS, "time": times, "mag": magnitudes})
    pq.write_table(table, tmp_path / "gaps.parquet", row_group_size=7)
    return tmp_path / "gaps.parquet"


def test__transform_parquet__nothing_measured__is_nan_and_counted(tmp_path: Path) -> None:
    embedder = random_embedder()
    with pytest.warns(UserWarning, match="3 of 30 light curves have no observation"):
        table = run(embedder, with_empty(tmp_path), tmp_path / "out", batch_rows=4)
    empty = np.isin(np.arange(N_ROWS), [9, 20, 24])
    values = embeddings(table)
    assert np.isnan(values[empty]).all()
    np.testing.assert_allclose(values[~empty], embedder.transform(CURVES)[~empty], atol=1e-6)
    assert np.flatnonzero(table["n_observations"].to_numpy() == 0).tolist() == [9, 20, 24]
    manifest = json.loads((tmp_path / "out" / "_manifest.json").read_text())
    assert manifest["finished"]["without_observation"] == 3


def test__transform_parquet__nothing_measured_and_raise__names_the_first(tmp_path: Path) -> None:
    source = with_empty(tmp_path)
    with pytest.raises(ValueError, match=r"gaps.parquet, row group 1, row 9: .*on_empty"):
        run(MeanAndCount(), source, tmp_path / "out", batch_rows=6, on_empty="raise")


def test__transform_parquet__nothing_measured_at_all__is_an_error(
    star_file: Path, tmp_path: Path
) -> None:
    pq.write_table(two_bands(), star_file)
    for _ in range(2):
        with pytest.raises(ValueError, match=r"30 of 30 light curves .* in band 'G', so that"):
            run(MeanAndCount(), star_file, tmp_path / "out", columns={"band": "G"})


def test__transform_parquet__names_and_columns_differ__is_an_error(
    star_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = np.array(["mean"], dtype=object)
    monkeypatch.setattr(MeanAndCount, "get_feature_names_out", lambda self: names)
    with pytest.raises(ValueError, match=r"shape \(30, 2\); its feature names promise \(30, 1\)"):
        run(MeanAndCount(), star_file, tmp_path / "out")
