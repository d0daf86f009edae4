"""`AstromerEmbedder`: what goes in, what comes out, and what it says when something is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
import torch
from example_curves import random_curves, random_embedder, small_embedder
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_astromer import AstromerEmbedder, LightCurves

CURVES = random_curves([30, 3, 12, 1, 45, 20, 8, 17])
METHODS = ["transform", "reconstruct", "score"]


def frame_of(curves: list[np.ndarray]) -> dict[str, list[list[float]]]:
    return {
        "time": [curve[:, 0].tolist() for curve in curves],
        "mag": [curve[:, 1].tolist() for curve in curves],
    }


def test__fit__from_scratch__trains_and_leaves_its_parameters_alone() -> None:
    embedder = small_embedder(max_epochs=3)
    params = embedder.get_params()
    assert embedder.fit(CURVES) is embedder
    assert embedder.get_params() == params
    assert [row["epoch"] for row in embedder.history_] == [1, 2, 3]
    assert set(embedder.history_[0]) == {"epoch", "train_rmse", "valid_rmse", "seconds"}
    assert embedder.transform(CURVES).shape == (8, 8)
    assert embedder.transform(CURVES).dtype == np.float32


def test__fit__default_sizes__are_those_of_the_paper() -> None:
    embedder = AstromerEmbedder(max_epochs=1, random_state=0).fit(random_curves([5, 5]))
    config = embedder.network_.config
    assert config.to_dict() == {
        "embedding_size": 256,
        "n_blocks": 2,
        "n_heads": 4,
        "feedforward_size": 128,
        "window_size": 200,
        "dropout": 0.1,
        "time_base": 1000.0,
        "attention": "exclude",
    }


def test__fit__finetune_false__keeps_the_weights(tmp_path: Path) -> None:
    source = random_embedder()
    folder = source.save(tmp_path / "weights")
    embedder = AstromerEmbedder(weights=folder, finetune=False).fit(CURVES)
    np.testing.assert_array_equal(embedder.transform(CURVES), source.transform(CURVES))
    assert embedder.history_ == []


def test__fit__finetune_true__starts_from_the_weights_and_changes_them(tmp_path: Path) -> None:
    source = random_embedder()
    folder = source.save(tmp_path / "weights")
    before = source.transform(CURVES)
    embedder = AstromerEmbedder(weights=str(folder), max_epochs=1, random_state=0).fit(CURVES)
    after = embedder.transform(CURVES)
    assert 0 < np.abs(after - before).max() < 0.1
    # With hardly any learning nearly nothing changes, so that this was the start.
    embedder.set_params(learning_rate=1e-12).fit(CURVES)
    np.testing.assert_allclose(embedder.transform(CURVES), before, rtol=0, atol=1e-6)


def test__transform__weights_and_no_fit__works(tmp_path: Path) -> None:
    source = random_embedder()
    for name in (source.save(tmp_path / "w"), tmp_path / "w" / "network.safetensors"):
        embedder = AstromerEmbedder(weights=name)
        np.testing.assert_array_equal(embedder.transform(CURVES), source.transform(CURVES))
        assert not hasattr(embedder, "network_")


def test__transform__each_output__has_the_right_form() -> None:
    embedder = random_embedder()
    mean = embedder.transform(CURVES)
    largest = embedder.set_params(output="max").transform(CURVES)
    rows = embedder.set_params(output="sequence").transform(CURVES)
    assert isinstance(rows, list)
    assert [part.shape for part in rows] == [(len(curve), 8) for curve in CURVES]
    np.testing.assert_allclose(mean, [part.mean(0) for part in rows], rtol=0, atol=2e-6)
    np.testing.assert_allclose(largest, [part.max(0) for part in rows], rtol=0, atol=2e-6)


@pytest.mark.parametrize("attention", ["exclude", "additive"])
@pytest.mark.parametrize("n_observations", [1, 3, 200, 201, 400, 450, 30_000])
def test__transform__any_length__one_row_per_observation_and_their_mean(
    n_observations: int, attention: str
) -> None:
    embedder = random_embedder({"window_size": 200, "attention": attention}, output="sequence")
    curve = random_curves([n_observations])[0]
    (rows,) = embedder.transform([curve])
    assert rows.shape == (n_observations, 8)
    assert np.isfinite(rows).all()
    mean = embedder.set_params(output="mean").transform([curve])[0]
    np.testing.assert_allclose(mean, rows.astype(np.float64).mean(0), rtol=0, atol=5e-6)
    # Each window by itself gives the same rows: none is lost, doubled or moved.
    last = (n_observations - 1) // 200 * 200
    for first in {0, last}:
        (part,) = embedder.set_params(output="sequence").transform([curve[first : first + 200]])
        np.testing.assert_allclose(rows[first : first + 200], part, rtol=0, atol=5e-6)


@pytest.mark.parametrize("method", METHODS)
def test__method__neither_fitted_nor_weights__error_says_what_to_do(method: str) -> None:
    with pytest.raises(NotFittedError, match="Call fit, or start from pre-trained weights"):
        getattr(AstromerEmbedder(), method)(CURVES)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"output": "maen"}, 'output must be one of "mean", "max", "sequence", got \'maen\''),
        ({"precision": "half"}, "precision must be one of"),
        ({"hidden_fraction": 0.0}, "hidden_fraction must be greater than 0"),
        ({"hidden_fraction": 1}, "hidden_fraction must be .* less than 1"),
        ({"visible_fraction": 1.0}, "visible_fraction must be at least 0 and less than 1"),
        ({"validation_fraction": 1.5}, "validation_fraction"),
        ({"learning_rate": 0}, "learning_rate must be a positive number"),
        ({"learning_rate": float("inf")}, "learning_rate must be a positive number"),
        ({"anchor": -1.0}, "anchor must be zero or a positive number"),
        ({"anchor": float("nan")}, "anchor"),
        ({"max_epochs": 0}, "max_epochs must be a positive integer"),
        ({"max_epochs": 2.0}, "max_epochs"),
        ({"patience": True}, "patience must be a positive integer"),
        ({"batch_size": 0}, 'batch_size must be a positive integer or "auto"'),
        ({"batch_size": "large"}, "batch_size"),
        ({"device": "gpu"}, "device='gpu' is not a device"),
        ({"finetune": False}, "finetune=False .* weights=None: name some"),
        ({"embedding_size": 9}, "multiple of n_heads"),
        ({"n_blocks": 0}, "n_blocks must be a positive integer"),
        ({"window_size": 1.5}, "window_size must be a positive integer"),
        ({"dropout": 1.0}, "dropout must be in"),
        ({"time_base": 0.5}, "time_base must be greater than 1"),
        ({"attention": "exclud"}, 'attention must be "exclude" or "additive"'),
        ({"weights": "mach0"}, "Did you mean 'macho'"),
    ],
)
def test__fit__wrong_parameter__error_names_it(params: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        small_embedder(**params).fit(CURVES)


@pytest.mark.parametrize("method", METHODS)
def test__method__wrong_parameter_after_fit__is_noticed(method: str) -> None:
    with pytest.raises(ValueError, match="output must be one of"):
        getattr(random_embedder(output="sum"), method)(CURVES)


def test__pretrained__unknown_name__error_suggests_one_at_once() -> None:
    with pytest.raises(ValueError, match="Did you mean 'atlas'"):
        AstromerEmbedder.pretrained("atlsa")
    with pytest.raises(FileNotFoundError, match="no file or folder"):
        AstromerEmbedder.pretrained("no/such/folder")


def test__pretrained__sizes_that_do_not_fit__error_names_both(tmp_path: Path) -> None:
    folder = random_embedder().save(tmp_path / "weights")
    with pytest.raises(ValueError, match=r"embedding_size=16 does not fit .* is 8"):
        AstromerEmbedder.pretrained(folder, embedding_size=16)
    same = AstromerEmbedder.pretrained(folder, embedding_size=8, attention="additive", dropout=0.3)
    config = same.fit(CURVES).network_.config
    assert (config.attention, config.dropout, config.embedding_size) == ("additive", 0.3, 8)


def test__fit__sizes_as_numpy_integers__are_taken() -> None:
    embedder = small_embedder(embedding_size=np.int64(4), batch_size=np.int32(2))
    assert embedder.fit(CURVES).transform(CURVES).shape == (8, 4)


@pytest.mark.parametrize("method", ["fit", *METHODS])
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.full((4, 2), np.nan), r"1 of 3 light curves \(position 2\) have no observation"),
        (np.array([[1.0, np.inf], [2.0, 3.0]]), "light curve 2"),
        (np.ones((4, 5)), "light curve 2"),
        (np.ones(4), "light curve 2"),
    ],
)
def test__method__faulty_curve__error_names_its_position(
    method: str, bad: np.ndarray, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        getattr(random_embedder(), method)([CURVES[0], CURVES[1], bad])


@pytest.mark.parametrize("method", ["fit", *METHODS])
def test__method__no_curves__error_says_so(method: str) -> None:
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        getattr(random_embedder(), method)([])


def test__fit__nothing_can_be_hidden__error_says_so() -> None:
    with pytest.raises(ValueError, match="None of the validation light curves"):
        small_embedder().fit(random_curves([1, 1, 1]))
    with pytest.raises(ValueError, match=r"None of the training light curves .* share of 0.1"):
        small_embedder(hidden_fraction=0.1, validation_fraction=None).fit(random_curves([9, 5]))
    small_embedder(hidden_fraction=0.1, validation_fraction=None).fit(random_curves([10, 5]))


def test__fit__one_curve__needs_no_validation() -> None:
    with pytest.raises(ValueError, match="validation_fraction=None"):
        small_embedder().fit(random_curves([20]))
    small_embedder(validation_fraction=None).fit(random_curves([20]))


@pytest.mark.parametrize(
    ("hidden", "message"),
    [
        ([np.zeros(3, bool)], "hidden has 1 entries for 2"),
        ([np.zeros(3, bool), np.zeros(5, bool)], "light curve 1: hidden must be 12"),
        ([np.zeros(3), np.zeros(12, bool)], "light curve 0: .*float64"),
        ([np.zeros(3, bool), np.ones(12, bool)], "light curve 1: all of its measured"),
    ],
)
def test__reconstruct__wrong_hidden__error_names_the_curve(
    hidden: list[np.ndarray], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        random_embedder().reconstruct(CURVES[1:3], hidden=hidden)


def test__reconstruct__nan_observations__give_nan_there_alone() -> None:
    curve = CURVES[0].copy()
    curve[[2, 5], [0, 1]] = np.nan
    (predicted,) = random_embedder().reconstruct([curve])
    assert np.flatnonzero(np.isnan(predicted)).tolist() == [2, 5]


def test__score__same_random_state__is_reproducible_whatever_the_batch() -> None:
    scores = [
        random_embedder(batch_size=size).score(CURVES, relative=relative)
        for relative in (False, True)
        for size in (1, 3, "auto")
    ]
    np.testing.assert_allclose(scores[:3], scores[0], rtol=1e-5)
    np.testing.assert_allclose(scores[3:], scores[3], rtol=1e-5)
    assert scores[0] < 0
    assert random_embedder(random_state=1).score(CURVES) != scores[0]


def test__score__network_that_predicts_the_mean__is_minus_one() -> None:
    embedder = random_embedder()
    with torch.no_grad():
        embedder.network_.decoder.linear.weight.zero_()
        embedder.network_.decoder.linear.bias.zero_()
    assert embedder.score(CURVES, relative=True) == pytest.approx(-1)


def test__score__magnitudes_all_alike__relative_error_says_so() -> None:
    curves = [np.column_stack([np.arange(9.0), np.full(9, 12.0)])]
    assert random_embedder().score(curves) < 0
    with pytest.raises(ValueError, match="use relative=False"):
        random_embedder().score(curves, relative=True)


def test__feature_names__fitted__one_per_component() -> None:
    names = random_embedder().get_feature_names_out()
    assert names.tolist() == [f"astromerembedder{k}" for k in range(8)]


def test__set_output__pandas__keeps_the_index() -> None:
    frame = pd.DataFrame(frame_of(CURVES), index=[f"star {k}" for k in range(len(CURVES))])
    embedder = random_embedder().set_output(transform="pandas")
    out = embedder.transform(frame)
    assert out.index.tolist() == frame.index.tolist()
    assert out.columns.tolist() == embedder.get_feature_names_out().tolist()
    np.testing.assert_array_equal(out.to_numpy(), random_embedder().transform(CURVES))


def test__set_output__polars__gives_the_same_numbers() -> None:
    out = random_embedder().set_output(transform="polars").transform(pl.DataFrame(frame_of(CURVES)))
    assert isinstance(out, pl.DataFrame)
    np.testing.assert_array_equal(out.to_numpy(), random_embedder().transform(CURVES))


@pytest.mark.parametrize("everywhere", [False, True])
def test__set_output__sequence__is_an_error(everywhere: bool) -> None:
    embedder = random_embedder(output="sequence")
    with sklearn.config_context(transform_output="pandas" if everywhere else "default"):
        if not everywhere:
            embedder.set_output(transform="pandas")
        with pytest.raises(ValueError, match="a list, which no data frame can hold"):
            embedder.transform(CURVES)
        # What was said to the estimator itself goes before what was said to all.
        assert len(embedder.set_output(transform="default").transform(CURVES)) == 8


def test__repr__html__names_the_estimator() -> None:
    assert "AstromerEmbedder" in random_embedder()._repr_html_()
    assert "weights='macho'" in repr(AstromerEmbedder(weights="macho"))


def test__clone__all_parameters__are_kept() -> None:
    embedder = AstromerEmbedder("macho", output="max", learning_rate=0.1, attention="additive")
    assert clone(embedder).get_params() == embedder.get_params()


def test__fit__plain_array_then_curves__forgets_the_columns() -> None:
    grid = np.random.RandomState(0).randn(6, 12)
    embedder = small_embedder().fit(grid)
    assert embedder.n_features_in_ == 12
    with pytest.raises(ValueError, match="expecting 12 features"):
        embedder.transform(grid[:, :5])
    embedder.fit(CURVES)
    assert not hasattr(embedder, "n_features_in_")
    assert embedder.transform(grid[:, :5]).shape == (6, 8)


def test__grid_search__without_labels__ranks_by_the_hidden_error() -> None:
    grid = {"astromerembedder__learning_rate": [1e-3, 1e-1]}
    search = GridSearchCV(make_pipeline(small_embedder()), grid, cv=2).fit(
        LightCurves.from_grid(np.random.RandomState(0).randn(8, 12))
    )
    assert (search.cv_results_["mean_test_score"] < 0).all()


def test__pipeline__scaler_behind__gets_one_row_per_curve() -> None:
    assert make_pipeline(small_embedder(), StandardScaler()).fit_transform(CURVES).shape == (8, 8)


def test__transform__verbose__shows_a_bar(capsys: pytest.CaptureFixture[str]) -> None:
    random_embedder(verbose=1).transform(CURVES)
    assert "window" in capsys.readouterr().err


def test__score__invalid_share_to_hide__is_named() -> None:
    with pytest.raises(ValueError, match="hidden_fraction must be greater than 0"):
        AstromerEmbedder("macho", hidden_fraction="half").score(np.zeros((3, 9)))
