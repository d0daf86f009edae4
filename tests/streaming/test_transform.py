"""Light curves are streamed from Parquet and Arrow to embeddings: what comes out, and of whom."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from example_curves import random_embedder
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import StandardScaler
from star_tables import CURVES, IDS, N_ROWS, MeanAndCount, embeddings, run

from sklearn_astromer import (
    AstromerClassifier,
    AstromerEmbedder,
    FoldedCurve,
    LightCurves,
)
from sklearn_astromer.errors import LightCurveWarning


@pytest.mark.parametrize("batch_rows", [1, 4, 7, 30, 1000])
def test__transform_parquet__any_batch__equals_transform(
    star_file: Path, tmp_path: Path, batch_rows: int
) -> None:
    embedder = random_embedder()
    table = run(embedder, star_file, tmp_path / "out", batch_rows=batch_rows)
    np.testing.assert_allclose(embeddings(table), embedder.transform(CURVES), atol=1e-6)
    assert table["id"].to_pylist() == IDS
    assert table["row"].to_pylist() == list(range(N_ROWS))
    assert table["n_observations"].to_pylist() == [len(curve) for curve in CURVES]
    assert table.schema.field("embedding").type == pa.list_(pa.float32(), 8)
    parts = sorted(file.name for file in (tmp_path / "out").glob("*.parquet"))
    assert parts == [f"part-{number:05d}.parquet" for number in range(-(-30 // batch_rows))]
    assert [pq.read_metadata(tmp_path / "out" / name).num_rows for name in parts] == [
        min(batch_rows, N_ROWS - first) for first in range(0, N_ROWS, batch_rows)
    ]


def test__transform_parquet__pipeline_in_float64__keeps_every_digit(
    star_file: Path, tmp_path: Path
) -> None:
    pipeline = make_pipeline(MeanAndCount(), StandardScaler()).fit(CURVES)
    table = run(pipeline, star_file, tmp_path / "out", batch_rows=8, dtype="float64")
    np.testing.assert_array_equal(embeddings(table), pipeline.transform(CURVES))
    assert table.schema.field("embedding").type == pa.list_(pa.float64(), 2)


def test__transform_parquet__folded_curve__nan_stays_nan(star_file: Path, tmp_path: Path) -> None:
    folded = FoldedCurve(n_bins=6, min_period=5.0, with_period=True)
    table = run(folded, star_file, tmp_path / "out", batch_rows=9, dtype="float64")
    np.testing.assert_allclose(embeddings(table), folded.transform(CURVES), rtol=1e-9, atol=1e-9)


def test__transform_parquet__union_without_fit__equals_transform(
    star_file: Path, tmp_path: Path
) -> None:
    union = make_union(random_embedder(), MeanAndCount())
    table = run(union, star_file, tmp_path / "out", batch_rows=8)
    np.testing.assert_allclose(embeddings(table), union.transform(CURVES), rtol=1e-5, atol=1e-6)


def test__transform_parquet__real_survey__equals_transform(asas_file: Path, tmp_path: Path) -> None:
    table = run(MeanAndCount(), asas_file, tmp_path / "out", batch_rows=1000)
    curves = LightCurves.read_parquet(asas_file)
    assert curves.ids is not None
    assert table["id"].to_pylist() == curves.ids.tolist()
    np.testing.assert_allclose(embeddings(table), MeanAndCount().transform(curves), rtol=1e-6)


def test__transform_parquet__manifest__tells_what_was_done(star_file: Path, tmp_path: Path) -> None:
    run(MeanAndCount(), star_file, tmp_path / "out", batch_rows=8)
    manifest = json.loads((tmp_path / "out" / "_manifest.json").read_text())
    assert manifest["estimator"] == "MeanAndCount()"
    assert manifest["features"] == ["mean", "count"]
    assert manifest["batch_rows"] == 8
    assert manifest["files"][0]["path"] == str(star_file)
    assert manifest["files"][0]["rows"] == N_ROWS
    assert manifest["files"][0]["bytes"] == star_file.stat().st_size
    assert manifest["finished"] == {"rows": N_ROWS, "without_observation": 0}


def test__transform_parquet__verbose__shows_rate_and_time_left(
    star_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(MeanAndCount(), star_file, tmp_path / "quiet", batch_rows=8)
    assert capsys.readouterr().err == ""
    run(MeanAndCount(), star_file, tmp_path / "shown", batch_rows=8, verbose=1)
    shown = capsys.readouterr().err
    assert "30/30" in shown
    assert "curve/s" in shown


LABELS = np.array(["RRab", "RRc", "Mira"])[np.arange(N_ROWS) % 3]


@pytest.mark.parametrize("kind", ["pipeline", "AstromerClassifier"])
def test__transform_parquet__classifier__its_probabilities(
    star_file: Path, tmp_path: Path, kind: str
) -> None:
    if kind == "pipeline":
        classifier = make_pipeline(random_embedder(), LogisticRegression())
    else:
        classifier = AstromerClassifier(
            random_embedder(), train_encoder=True, encoder_epochs=1, max_epochs=2, random_state=0
        )
    classifier.fit(CURVES, LABELS)
    out = tmp_path / "out"
    table = run(classifier, star_file, out, method="predict_proba", batch_rows=8)
    expected = classifier.predict_proba(CURVES)
    np.testing.assert_allclose(np.stack(table["probability"].to_pylist()), expected, atol=1e-6)
    assert table.column_names == ["row", "id", "n_observations", "probability"]
    manifest = json.loads((out / "_manifest.json").read_text())
    assert manifest["features"] == ["probability_Mira", "probability_RRab", "probability_RRc"]
    assert manifest["method"] == "predict_proba"


def test__transform_parquet__regressor__a_column_of_numbers(
    star_file: Path, tmp_path: Path
) -> None:
    y = np.array([curve[:, 1].mean() for curve in CURVES])
    regressor = make_pipeline(MeanAndCount(), LinearRegression()).fit(CURVES, y)
    table = run(
        regressor, star_file, tmp_path / "out", method="predict", batch_rows=8, dtype="float64"
    )
    np.testing.assert_allclose(table["prediction"].to_numpy(), y, atol=1e-6)
    assert table.schema.field("prediction").type == pa.float64()
    both = make_pipeline(MeanAndCount(), LinearRegression()).fit(CURVES, np.column_stack([y, y]))
    with pytest.raises(ValueError, match=r"shape \(30, 2\); one number for each .*: \(30,\)"):
        run(both, star_file, tmp_path / "both", method="predict")


def test__transform_parquet__star_without_observations__nothing_predicted(tmp_path: Path) -> None:
    classifier = make_pipeline(MeanAndCount(), LogisticRegression()).fit(CURVES, LABELS)
    rows = pa.table({"mjd": [[1.0, 2.0], []], "mag": [[15.0, 16.0], []]})
    with pytest.warns(LightCurveWarning, match="1 of 2 .*: their probability is NaN"):
        table = run(classifier, rows, tmp_path / "out", method="predict_proba")
    probability = np.stack(table["probability"].to_pylist())
    assert probability[0].sum() == pytest.approx(1)
    assert np.isnan(probability[1]).all()


def test__transform_parquet__method_it_does_not_have__says_which(
    star_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    classifier = make_pipeline(MeanAndCount(), LogisticRegression())
    with pytest.raises(NotFittedError):
        run(classifier, star_file, out, method="predict_proba")
    classifier.fit(CURVES, LABELS)
    with pytest.raises(TypeError, match=r'has no transform.* Ask for method="predict_proba"\.'):
        run(classifier, star_file, out)
    with pytest.raises(TypeError, match=r"a classifier, method=.predict_proba. gives"):
        run(classifier, star_file, out, method="predict")
    with pytest.raises(TypeError, match=r'MeanAndCount has no predict_proba.* method="transform"'):
        run(MeanAndCount(), star_file, out, method="predict_proba")
    with pytest.raises(ValueError, match="method must be one of "):
        run(MeanAndCount(), star_file, out, method="embed")
    assert not out.exists()


def test__transform_parquet__failed_at_once__may_be_called_otherwise(
    star_file: Path, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="a list; one row per light curve"):
        run(random_embedder(output="sequence"), star_file, tmp_path / "out")
    table = run(random_embedder(), star_file, tmp_path / "out")
    np.testing.assert_allclose(embeddings(table), random_embedder().transform(CURVES), atol=1e-6)


def test__transform_parquet__curve_the_estimator_refuses__is_named(
    star_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    transform = MeanAndCount.transform

    def refusing(self: MeanAndCount, X: Any) -> np.ndarray:
        if any(len(curve) == len(CURVES[19]) for curve in X):
            raise ValueError("too long for me")
        return transform(self, X)

    monkeypatch.setattr(MeanAndCount, "transform", refusing)
    with pytest.raises(ValueError, match=r"row group 2, row 19 .*: too long for me"):
        run(MeanAndCount(), star_file, tmp_path / "out", batch_rows=10)

    def refusing_many(self: MeanAndCount, X: Any) -> np.ndarray:
        if len(X) == 10:
            raise TypeError("these do not go together")
        return transform(self, X)

    monkeypatch.setattr(MeanAndCount, "transform", refusing_many)
    place = r"from .*row group 1, row 10, to .*row group 2, row 19"
    with pytest.raises(TypeError, match=f"{place}: these do not go together"):
        run(MeanAndCount(), star_file, tmp_path / "out", batch_rows=10)


def test__transform_parquet__estimator_that_will_not_do__says_why(
    star_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(NotFittedError):
        run(AstromerEmbedder(), star_file, out)
    with pytest.raises(TypeError, match="a LogisticRegression has no transform"):
        run(LogisticRegression(), star_file, out)
    assert not out.exists()
    with pytest.raises(
        ValueError, match='a list; one row per light curve is needed: output="mean"'
    ):
        run(random_embedder(output="sequence"), star_file, out)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_rows": 0}, "batch_rows must be a positive integer, got 0"),
        ({"batch_rows": 2.5}, "batch_rows must be a positive integer"),
        ({"on_empty": "drop"}, 'on_empty must be one of "nan", "raise"'),
        ({"dtype": "int8"}, "dtype must be one of"),
        ({"columns": {"mag": "mag"}}, "columns may name time, magnitude, .*; got 'mag'"),
    ],
)
def test__transform_parquet__parameter_not_valid__says_what_is(
    star_file: Path, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        run(MeanAndCount(), star_file, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test__transform_parquet__without_pyarrow__gives_the_install_line(
    star_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r'pip install "sklearn-astromer\[tables\]"'):
        run(MeanAndCount(), star_file, tmp_path / "out")
