"""`BandEmbedder`: one embedding per band, side by side."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from example_curves import random_curves, random_embedder, small_embedder
from nested_pandas import NestedFrame
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_astromer import AstromerEmbedder, FoldedCurve, LightCurves
from sklearn_astromer.bands import BandEmbedder

G = random_curves([6, 9, 5, 7, 0, 8], seed=1)
R = random_curves([4, 0, 6, 8, 5, 7], seed=2)
IN_G = np.array([True, True, True, True, False, True])
IN_R = np.array([True, False, True, True, True, True])
WIDTH = 8


def stars(g=G, r=R, names=("mjd", "mag", "band"), bands=("g", "r")):
    """A frame with the observations of both bands mixed, in order of time."""
    rows = {name: [] for name in names}
    for curve_in_g, curve_in_r in zip(g, r, strict=True):
        both = np.concatenate([curve_in_g, curve_in_r])
        labels = np.repeat(np.array(bands, object), [len(curve_in_g), len(curve_in_r)])
        order = np.argsort(both[:, 0], kind="stable")
        for name, values in zip(names, (both[:, 0], both[:, 1], labels), strict=True):
            rows[name].append(values[order].tolist())
    return pd.DataFrame(rows | {"colour": np.arange(float(len(g)))})


def nested_stars():
    frame = stars()
    flat = frame[["mjd", "mag", "band"]].explode(["mjd", "mag", "band"])
    flat = flat.astype({"mjd": float, "mag": float, "band": str})
    return NestedFrame(frame[["colour"]]).join_nested(flat, "lightcurve")


@pytest.fixture(scope="module")
def frozen():
    """Fitted, and left as it is by `fit`."""
    return FrozenEstimator(random_embedder())


# What comes out


@pytest.mark.parametrize(
    "make",
    [
        stars,
        nested_stars,
        lambda: pl.from_pandas(stars()),
        lambda: pa.Table.from_pandas(stars()),
        lambda: stars().to_dict("list"),
    ],
    ids=["pandas", "nested-pandas", "polars", "Arrow", "dict"],
)
def test__transform__two_bands__embeddings_of_each_by_itself(make, frozen):
    embedding = BandEmbedder(frozen).transform(make())
    assert embedding.shape == (6, 2 * WIDTH + 2)
    assert embedding.dtype == np.float32
    for band, curves, seen in ((0, G, IN_G), (1, R, IN_R)):
        block = embedding[:, band * WIDTH : (band + 1) * WIDTH]
        alone = frozen.transform(
            [curve for curve, there in zip(curves, seen, strict=True) if there]
        )
        np.testing.assert_allclose(block[seen], alone, rtol=0, atol=1e-6)
        assert np.isnan(block[~seen]).all()
        np.testing.assert_array_equal(embedding[:, 2 * WIDTH + band], ~seen)


def test__transform__zeros_and_no_indicator__as_asked(frozen):
    with_nan = BandEmbedder(frozen).transform(stars())
    zeros = BandEmbedder(frozen, missing="zero", add_indicator=False).transform(stars())
    np.testing.assert_array_equal(zeros, np.nan_to_num(with_nan[:, : 2 * WIDTH]))


def test__transform__order_of_bands__order_of_blocks(frozen):
    one, other = (
        BandEmbedder(frozen, bands=bands).transform(stars()) for bands in (["g", "r"], ["r", "g"])
    )
    np.testing.assert_array_equal(other[:, :WIDTH], one[:, WIDTH : 2 * WIDTH])
    np.testing.assert_array_equal(other[:, -1], one[:, -2])


def test__transform__observations_without_a_measurement__band_is_missing(frozen):
    frame = stars()
    at = frame.index[IN_G & IN_R][0]
    in_r = [band == "r" for band in frame.at[at, "band"]]
    frame.at[at, "mag"] = [
        np.nan if hidden else mag for hidden, mag in zip(in_r, frame.at[at, "mag"], strict=True)
    ]
    embedding = BandEmbedder(frozen).transform(frame)
    assert embedding[at, -2:].tolist() == [0, 1]
    assert np.isnan(embedding[at, WIDTH : 2 * WIDTH]).all()


def test__transform__part_of_the_rows__same_as_in_the_whole(frozen):
    whole = BandEmbedder(frozen).transform(stars())
    for at in range(6):
        row = BandEmbedder(frozen).transform(stars()[at : at + 1])
        np.testing.assert_allclose(row[0], whole[at], rtol=0, atol=1e-6)


def test__transform__numbered_bands_and_given_columns__found(frozen):
    frame = stars(names=("epoch", "value", "passband_id"), bands=(1, 2))
    columns = {"time": "epoch", "magnitude": "value", "band_column": "passband_id"}
    embedder = BandEmbedder(frozen, bands=[1, 2], columns=columns)
    np.testing.assert_array_equal(
        embedder.transform(frame), BandEmbedder(frozen).transform(stars())
    )
    assert embedder.get_feature_names_out()[0] == "1_0"


def test__transform__pretrained_and_not_fitted__every_band_with_the_same_weights():
    embedding = BandEmbedder(AstromerEmbedder.pretrained("macho")).transform(stars())
    assert embedding.shape == (6, 514)
    by_default = BandEmbedder().transform(stars())
    best = BandEmbedder(AstromerEmbedder.pretrained()).transform(stars())
    np.testing.assert_array_equal(by_default, best)
    g = AstromerEmbedder.pretrained("macho").transform([G[0]])
    np.testing.assert_allclose(embedding[0, :256], g[0], rtol=0, atol=2e-5)


# Fitting


def test__fit__two_bands__each_on_its_own_light_curves():
    embedder = BandEmbedder(small_embedder()).fit(stars())
    assert list(embedder.embedders_) == ["g", "r"]
    embedding = embedder.transform(stars())
    for band, curves, seen in (("g", G, IN_G), ("r", R, IN_R)):
        known = [curve for curve, there in zip(curves, seen, strict=True) if there]
        alone = small_embedder().fit(known)
        block = embedding[seen, :WIDTH] if band == "g" else embedding[seen, WIDTH : 2 * WIDTH]
        np.testing.assert_allclose(block, alone.transform(known), rtol=0, atol=1e-6)


class Recorder(FoldedCurve):
    """Keeps what it was fitted on."""

    def fit(self, X: LightCurves, y: Any = None) -> Recorder:
        self.seen_ = X, y
        return super().fit(X)


def test__fit__labels__those_of_the_band():
    y = np.array(list("abcdef"))
    embedder = BandEmbedder(Recorder()).fit(stars(), y)
    for band, curves, seen in (("g", G, IN_G), ("r", R, IN_R)):
        known, labels = embedder.embedders_[band].seen_
        assert labels.tolist() == y[seen].tolist()
        assert known.lengths.tolist() == [
            len(curve) for curve, there in zip(curves, seen, strict=True) if there
        ]
    assert BandEmbedder(Recorder()).fit(stars()).embedders_["g"].seen_[1] is None


def test__fit__embedder__is_left_alone():
    embedder = small_embedder()
    BandEmbedder(embedder).fit(stars())
    assert not hasattr(embedder, "network_")


def test__fit__bands_changed_later__those_of_the_fit_stay(frozen):
    embedder = BandEmbedder(frozen).fit(stars())
    before = embedder.transform(stars())
    embedder.set_params(bands=["r", "z"])
    np.testing.assert_array_equal(embedder.transform(stars()), before)
    assert embedder.get_feature_names_out()[0] == "g_0"


def test__transform__without_fit_or_weights__not_fitted():
    embedder = BandEmbedder(small_embedder())
    with pytest.raises(NotFittedError):
        embedder.transform(stars())
    with pytest.raises(NotFittedError):
        embedder.get_feature_names_out()


# Names and containers


def test__get_feature_names_out__any_embedder__after_the_band(frozen):
    names = BandEmbedder(frozen).get_feature_names_out().tolist()
    assert names[:2] == ["g_0", "g_1"]
    assert names[-3:] == ["r_7", "g_missing", "r_missing"]
    folded = FoldedCurve(n_bins=4, with_period=True)
    own = folded.get_feature_names_out().tolist()
    names = BandEmbedder(folded, add_indicator=False).get_feature_names_out().tolist()
    assert names == [f"{band}_{name}" for band in "gr" for name in own]
    pipeline = make_pipeline(AstromerEmbedder.pretrained("macho", finetune=False), StandardScaler())
    names = BandEmbedder(pipeline).fit(stars()).get_feature_names_out()
    assert names[256] == "r_0"


@pytest.mark.parametrize(
    ("container", "kind"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame)]
)
def test__set_output__data_frames__named_columns(container, kind, frozen):
    embedder = BandEmbedder(frozen)
    plain = embedder.transform(stars())
    frame = embedder.set_output(transform=container).fit_transform(stars())
    assert isinstance(frame, kind)
    assert list(frame.columns) == embedder.get_feature_names_out().tolist()
    np.testing.assert_array_equal(np.asarray(frame), plain)
    inner = BandEmbedder(random_embedder().set_output(transform=container))
    np.testing.assert_array_equal(inner.fit(stars()).transform(stars()).shape, plain.shape)


def test__band_embedder__clone_pickle_and_nested_parameters__as_everywhere():
    embedder = BandEmbedder(small_embedder(), bands=["r", "g"])
    twin = clone(embedder.set_params(embedder__max_epochs=1, missing="zero"))
    assert (twin.embedder.max_epochs, twin.missing, twin.bands) == (1, "zero", ["r", "g"])
    fitted = twin.fit(stars())
    expected = fitted.transform(stars())
    np.testing.assert_array_equal(copy.deepcopy(fitted).transform(stars()), expected)
    np.testing.assert_array_equal(clone(fitted).fit_transform(stars()), expected)


def test__band_embedder__joblib__same_embeddings(tmp_path):
    fitted = BandEmbedder(small_embedder(max_epochs=1)).fit(stars())
    joblib.dump(fitted, tmp_path / "embedder.joblib")
    again = joblib.load(tmp_path / "embedder.joblib")
    np.testing.assert_array_equal(again.transform(stars()), fitted.transform(stars()))


# Inside scikit-learn


def test__band_embedder__column_transformer_and_search__run(frozen):
    frame, y = pd.concat([stars()] * 2, ignore_index=True), [0, 1] * 6
    columns = ColumnTransformer(
        [
            ("lc", BandEmbedder(frozen), ["mjd", "mag", "band"]),
            ("rest", "passthrough", ["colour"]),
        ]
    )
    model = make_pipeline(columns, RandomForestClassifier(n_estimators=5, random_state=0))
    assert cross_val_predict(model, frame, y, cv=3).shape == (12,)
    assert columns.fit(frame).get_feature_names_out()[-1] == "rest__colour"
    linear = make_pipeline(BandEmbedder(frozen), SimpleImputer(), LogisticRegression())
    search = GridSearchCV(
        linear, {"bandembedder__bands": [["g"], ["g", "r"]]}, cv=2, error_score="raise"
    )
    assert search.fit(frame, y).predict(frame).shape == (12,)
    nested = ColumnTransformer([("lc", BandEmbedder(frozen), "lightcurve")])
    np.testing.assert_array_equal(
        nested.fit_transform(nested_stars()), BandEmbedder(frozen).transform(stars())
    )


@pytest.mark.parametrize(
    "check",
    [
        "check_estimator_cloneable",
        "check_estimator_repr",
        "check_get_params_invariance",
        "check_mixin_order",
        "check_no_attributes_set_in_init",
        "check_parameters_default_constructible",
        "check_set_params",
        "check_valid_tag_types",
    ],
)
def test__scikit_learn_checks__without_data__pass(check):
    getattr(estimator_checks, check)("BandEmbedder", BandEmbedder(small_embedder()))


class BandEmbedderOfGrids(BandEmbedder):
    """Takes the plain numbers that scikit-learn checks with, for observations in both bands."""

    def fit(self, X: Any, y: Any = None) -> BandEmbedderOfGrids:
        return super().fit(self._table(X, reset=True), y)

    def transform(self, X: Any) -> Any:
        check_is_fitted(self)
        return super().transform(self._table(X, reset=False))

    def _table(self, X: Any, *, reset: bool) -> pa.Table:
        # Of a single observation nothing can be hidden in training.
        least = {"ensure_min_features": 2} if reset else {}
        X = validate_data(self, X, reset=reset, dtype=np.float64, ensure_all_finite=False, **least)
        days = np.arange(X.shape[1])
        return pa.table(
            {
                "time": [np.concatenate([days, days]) for _ in X],
                "mag": [np.concatenate([row, -row]) for row in X],
                "band": [["g"] * len(days) + ["r"] * len(days) for _ in X],
            }
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        return tags


# scikit-learn's numbers are no magnitudes.
@pytest.mark.filterwarnings("ignore:.* light curves have magnitudes beyond")
@parametrize_with_checks([BandEmbedderOfGrids(small_embedder())])
def test__scikit_learn_checks__with_data__all_pass(
    estimator: Any, check: Callable[[Any], None]
) -> None:
    check(estimator)


# What cannot be


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"bands": "gr"}, r"list of different names.*got 'gr'"),
        ({"bands": []}, "list of different names"),
        ({"bands": ["g", "g"]}, "list of different names"),
        ({"missing": "mean"}, 'missing must be one of "nan", "zero"'),
        ({"add_indicator": "yes"}, "add_indicator must be True or False"),
        ({"columns": {"tme": "mjd"}}, "columns may name time, .*; got 'tme'"),
        ({"columns": {"time": "mdj"}}, "'mdj'.*Did you mean 'mjd'"),
    ],
)
def test__fit__parameter_not_valid__value_error(params, message, frozen):
    with pytest.raises(ValueError, match=message):
        BandEmbedder(frozen, **params).fit(stars())
    with pytest.raises(ValueError, match=message):
        BandEmbedder(frozen, **params).transform(stars())


@pytest.mark.parametrize(
    "X", [G, LightCurves([1.0], [1.0], offsets=[0, 1]), np.ones((3, 4)), "gr"], ids=type
)
def test__fit__no_table__type_error(X, frozen):
    with pytest.raises(TypeError, match="is not a table; give a data frame"):
        BandEmbedder(frozen).fit(X)


def test__fit__band_without_a_measurement__named(frozen):
    with pytest.raises(ValueError, match=r"no light curve has a measurement in band 'z'"):
        BandEmbedder(frozen, bands=["g", "z"]).fit(stars())
    assert BandEmbedder(frozen, bands=["g", "z"]).transform(stars())[:, -1].all()


def test__transform__no_band_at_all__bands_of_the_table_named(frozen):
    with pytest.raises(
        ValueError, match=r"no observation of band 'u' or 'z'; the bands are: 'g', 'r'"
    ):
        BandEmbedder(frozen, bands=["u", "z"]).transform(stars())


def test__transform__no_band_at_all_after_fit__all_missing(frozen):
    fitted = BandEmbedder(frozen).fit(stars())
    row = fitted.transform(stars(bands=("u", "z")))[0]
    assert np.isnan(row[:-2]).all()
    assert row[-2:].tolist() == [1, 1]


def test__transform__table_without_bands_or_rows__says_so(frozen):
    with pytest.raises(ValueError, match=r"no column of the band was recognised.*band_column"):
        BandEmbedder(frozen).transform(stars().drop(columns="band"))
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        BandEmbedder(frozen).transform(pa.Table.from_pandas(stars())[:0])


def test__transform__sequence__one_row_per_light_curve_is_needed():
    embedder = AstromerEmbedder.pretrained("macho", output="sequence")
    with pytest.raises(ValueError, match="gave a list for band 'g'; one row per light curve"):
        BandEmbedder(embedder).transform(stars())
