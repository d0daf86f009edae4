"""Frames with light curves beside ordinary columns, in a ``ColumnTransformer``."""

from __future__ import annotations

import nested_pandas
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sklearn
from example_curves import random_curves, random_embedder
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.fixes import parse_version

from sklearn_astromer import AstromerEmbedder
from sklearn_astromer.light_curves import as_light_curves, holds_light_curves

SERIES_LOSE_INDEX = parse_version(sklearn.__version__) < parse_version("1.8")
CURVES = random_curves(range(5, 17))
COLOUR = np.linspace(-1, 1, len(CURVES))
PARALLAX = np.arange(1.0, len(CURVES) + 1)
TIMES, MAGNITUDES = ([curve[:, column] for curve in CURVES] for column in (0, 1))


def pandas_arrays():
    return pd.DataFrame(
        {"colour": COLOUR, "time": TIMES, "mag": MAGNITUDES, "name": "star", "parallax": PARALLAX}
    )


def pandas_arrow():
    columns = {"time": TIMES, "mag": MAGNITUDES, "colour": COLOUR, "parallax": PARALLAX}
    return pa.table(columns).to_pandas(types_mapper=pd.ArrowDtype)


def pandas_curves():
    frame = pd.DataFrame({"colour": COLOUR, "parallax": PARALLAX}, index=PARALLAX[::-1])
    frame["lightcurve"] = pd.Series(CURVES, index=frame.index)
    return frame


def nested():
    flat = pd.DataFrame({"hmjd": np.concatenate(TIMES), "mag": np.concatenate(MAGNITUDES)})
    flat.index = np.repeat(np.arange(len(CURVES)), [len(curve) for curve in CURVES])
    stars = nested_pandas.NestedFrame({"colour": COLOUR, "parallax": PARALLAX})
    return stars.join_nested(flat, "lightcurve")


def polars_lists():
    return pl.DataFrame(
        {
            "time": [values.tolist() for values in TIMES],
            "mag": [values.tolist() for values in MAGNITUDES],
            "colour": COLOUR,
            "parallax": PARALLAX,
        }
    )


def polars_structs():
    return polars_lists().select("colour", "parallax", lightcurve=pl.struct("time", "mag"))


FRAMES = {
    "pandas arrays": (pandas_arrays, ["time", "mag"]),
    "pandas Arrow types": (pandas_arrow, ["time", "mag"]),
    "pandas curves in cells": (pandas_curves, ["lightcurve"]),
    "pandas curves in cells, by name": (pandas_curves, "lightcurve"),
    "nested-pandas": (nested, ["lightcurve"]),
    "nested-pandas, by name": (nested, "lightcurve"),
    "polars lists": (polars_lists, ["time", "mag"]),
    "polars structs": (polars_structs, ["lightcurve"]),
    "polars structs, by name": (polars_structs, "lightcurve"),
}


def columns_of(embedder, columns):
    return ColumnTransformer(
        [("lc", embedder, columns), ("rest", "passthrough", ["colour", "parallax"])]
    )


@pytest.fixture(scope="module")
def embedder():
    return AstromerEmbedder.pretrained("macho", finetune=False)


@pytest.fixture(scope="module")
def expected(embedder):
    return np.column_stack([embedder.transform(CURVES), COLOUR, PARALLAX])


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.parametrize("container", ["default", "pandas", "polars"])
def test__column_transformer__light_curves_beside_numbers__both(
    name, container, embedder, expected
):
    if (name, container) == ("pandas curves in cells, by name", "pandas") and SERIES_LOSE_INDEX:
        pytest.skip("scikit-learn before 1.8 does not hand on the index of a series")
    make, columns = FRAMES[name]
    transformer = columns_of(embedder, columns).set_output(transform=container)
    result = transformer.fit_transform(make())
    np.testing.assert_array_equal(np.asarray(result), expected)
    np.testing.assert_array_equal(np.asarray(transformer.transform(make())), expected)
    names = transformer.get_feature_names_out()
    assert names[[0, -2]].tolist() == ["lc__astromerembedder0", "rest__colour"]
    if container != "default":
        assert list(result.columns) == names.tolist()


@pytest.mark.parametrize("name", FRAMES)
def test__column_transformer__inside_cross_validation__same_as_on_numbers(name, embedder, expected):
    make, columns = FRAMES[name]
    y = np.arange(len(CURVES)) % 2
    classifier = make_pipeline(StandardScaler(), LogisticRegression())
    model = make_pipeline(columns_of(embedder, columns), clone(classifier))
    predicted = cross_val_predict(model, make(), y, cv=3, method="predict_proba")
    of_numbers = cross_val_predict(classifier, expected, y, cv=3, method="predict_proba")
    np.testing.assert_allclose(predicted, of_numbers, atol=1e-6)


def test__column_transformer__nested_parameters__searched():
    model = make_pipeline(
        columns_of(random_embedder(finetune=True, max_epochs=1), ["time", "mag"]),
        LogisticRegression(),
    )
    search = GridSearchCV(model, {"columntransformer__lc__output": ["mean", "max"]}, cv=2)
    search.fit(pandas_arrays(), np.arange(len(CURVES)) % 2)
    assert search.best_estimator_[0].transform(pandas_arrays()).shape == (len(CURVES), 8 + 2)


# A single column


@pytest.mark.parametrize("make", [pandas_curves, nested, polars_structs])
def test__as_light_curves__series_or_frame_of_one_column__light_curves(make):
    for X in (make()["lightcurve"], make()[["lightcurve"]]):
        assert holds_light_curves(X)
        for curve, expected in zip(as_light_curves(X), CURVES, strict=True):
            np.testing.assert_array_equal(curve, expected)


@pytest.mark.parametrize(
    "series",
    [
        pd.Series([1.0, 2.0]),
        pd.Series(["a", "b"]),
        pd.Series(["a", 1.0], dtype=object),
        pl.Series([1.0, 2.0]),
    ],
)
def test__holds_light_curves__series_of_other_things__false(series):
    assert not holds_light_curves(series)


def test__as_light_curves__nested_column_of_an_arrow_table__light_curves():
    column = polars_structs().to_arrow()["lightcurve"]
    for X in (column, column.combine_chunks(), pa.chunked_array([column.chunk(0)[:2], column[2:]])):
        assert holds_light_curves(X)
        for curve, expected in zip(as_light_curves(X), CURVES, strict=True):
            np.testing.assert_array_equal(curve, expected)


def test__as_light_curves__one_column_of_magnitudes__time_is_missing():
    for X in (pandas_arrays()["mag"], pandas_arrays()[["mag"]], polars_lists()["mag"]):
        with pytest.raises(ValueError, match="no columns of time and magnitude were recognised"):
            as_light_curves(X)


def test__as_light_curves__series_with_a_faulty_curve__position():
    curves = [*CURVES[:3], CURVES[3].T]
    with pytest.raises(ValueError, match=r"light curve 3 has shape \(2, 8\)"):
        as_light_curves(pd.Series(curves))
