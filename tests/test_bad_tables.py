"""Bad input of what takes tables, files and labels: constructors, bands, streams, classifiers."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bad_curves import BAD, CURVE, CURVES, EVERY_SEVENTH, LABELS, frame
from bad_inputs import CASES, Case
from example_curves import random_embedder, small_embedder
from example_heads import classifier_of, frozen_embedder

from sklearn_astromer import (
    AstromerRegressor,
    BandEmbedder,
    FoldedCurve,
    LightCurves,
    PeriodFinder,
    as_light_curves,
)
from sklearn_astromer.dask import transform as dask_transform
from sklearn_astromer.datasets import is_white_noise
from sklearn_astromer.errors import LightCurveError, LightCurveWarning, ParameterError
from sklearn_astromer.evaluation import few_shot_curve
from sklearn_astromer.streaming import sample_curves, transform_parquet

EMBEDDER = random_embedder()
IN_BANDS = BandEmbedder(EMBEDDER, bands=["g"], add_indicator=False)
CHANGED_ALONE = [
    case
    for case in CASES
    if not case.given.startswith(
        ("a 2-D array", "a data frame", "a table", "an empty list", "an array without")
    )
    and isinstance(case.X(), list)
    and all(np.ndim(curve) == 2 and np.shape(curve)[1] == 3 for curve in case.X())
    # Of these, columns of numbers can be made.
    and not isinstance(case.X()[BAD], list | pd.DataFrame | pl.DataFrame)
]


def lists(curves: Any) -> pd.DataFrame:
    """A table with a band, of light curves whose columns may be anything."""
    columns: dict[str, list[Any]] = {
        name: [curve[:, number] for curve in curves]
        for number, name in enumerate(["mjd", "mag", "magerr"])
    }
    return pd.DataFrame({**columns, "band": "g"})


def long(**columns: Any) -> pd.DataFrame:
    """One row for each observation."""
    rows = np.concatenate(CURVES)
    star = np.repeat(["A", "B", "C", "D"], [len(curve) for curve in CURVES])
    names = dict(zip(["mjd", "mag", "magerr"], rows.T, strict=True))
    return pd.DataFrame({"id": star, **names, **columns})


def parquet(folder: Path, curves: Any) -> Path:
    path = folder / "stars.parquet"
    table = lists(curves).drop(columns="band")
    pq.write_table(pa.Table.from_pandas(table.assign(id=["A", "B", "C", "D"])), path)
    return path


def embedding_if_there_is_one(case: Case) -> Any:
    """What a case must give, NaN where nothing was measured; None if it is refused."""
    kind = case.everywhere.kind
    if kind is not None and not issubclass(kind, Warning):
        return None
    numbers = as_light_curves(case.numbers())
    expected = np.full((4, 8), np.nan, np.float32)
    kept = numbers.n_finite > 0
    expected[kept] = EMBEDDER.transform(numbers[kept])
    return expected


@pytest.mark.parametrize("case", CHANGED_ALONE, ids=lambda case: case.given)
def test__band_embedder__bad_or_odd_light_curves__as_the_embedder_itself(case: Case) -> None:
    # What has nothing in a band is missing there; what has nothing at all is so too.
    outcome = case.everywhere
    expected = embedding_if_there_is_one(case)
    with outcome.expected():
        result = IN_BANDS.transform(lists(case.X()))
        np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("case", CHANGED_ALONE, ids=lambda case: case.given)
def test__dask_transform__bad_or_odd_light_curves__as_the_embedder_itself(case: Case) -> None:
    dask = pytest.importorskip("dask", reason="needs Dask")
    dd = pytest.importorskip("dask.dataframe", reason="needs Dask")
    outcome = case.everywhere
    with dask.config.set({"dataframe.convert-string": False}):
        frame = dd.from_pandas(lists(case.X()).drop(columns="band"), npartitions=1)
    expected = embedding_if_there_is_one(case)
    # Errors tell the row, and read it once more alone.
    place = r"partition 0, row 2 \(read alone, as number 0\).*light curve 0"
    outcome = replace(outcome, message=outcome.message.replace("light curve 2:", place + ":"))
    with outcome.expected():
        result = dask_transform(frame, EMBEDDER).compute(scheduler="synchronous")
        np.testing.assert_allclose(result.to_numpy()[:, 1:], expected, rtol=1e-5, atol=1e-5)


def test__band_embedder__labels_of_another_length__refused() -> None:
    embedder = BandEmbedder(small_embedder(max_epochs=1), bands=["g"])
    for labels in (LABELS[:3], np.resize(LABELS, 5)):
        with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[4, [35]\]"):
            embedder.fit(lists(CURVES), labels)


LONG_FAULTS: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "infinite": (
        {"mag": np.where(np.arange(150) == 80, np.inf, 15.0)},
        LightCurveError,
        r"light curve 2 \(id 'C'\): magnitude is infinite.*observation 5",
    ),
    "fluxes": (
        {"mag": np.where(np.arange(150) == 80, 3e4, 15.0)},
        LightCurveWarning,
        r"1 of 4 .* such as 30000 in light curve 2 \(id 'C'\), observation 5",
    ),
    "dates": (
        {"mjd": pd.to_datetime("2020-01-01")},
        TypeError,
        r"column 'mjd': holds dates.*np\.datetime64",
    ),
    "strings": ({"mag": "15.0"}, TypeError, "column 'mag': holds values of type .*give numbers"),
    "booleans": ({"mag": True}, TypeError, "column 'mag': holds values of type bool"),
    "no id": ({"id": [None, *["A"] * 149]}, LightCurveError, "column 'id': row 0 has no id"),
    "seconds": (
        {"mjd": 5e9 + np.arange(150.0)},
        LightCurveWarning,
        r"4 of 4 light curves cannot be days: .* \(id 'A'\) go from 5000000000",
    ),
}


@pytest.mark.parametrize(
    ("columns", "kind", "message"), LONG_FAULTS.values(), ids=list(LONG_FAULTS)
)
def test__from_long__bad_column__told_with_id_or_column(
    columns: dict[str, Any], kind: type[Exception], message: str
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(kind, match=message):
            LightCurves.from_long(long(**columns))


FLUXES = np.where(EVERY_SEVENTH, 99.999, CURVE[:, 1])
MAKERS: dict[str, Callable[[Path, list[Any]], LightCurves]] = {
    "LightCurves": lambda _, curves: LightCurves(
        *np.concatenate(curves).T, offsets=np.cumsum([0, *map(len, curves)])
    ),
    "as_light_curves": lambda _, curves: as_light_curves(curves),
    "from_table": lambda _, curves: LightCurves.from_table(lists(curves)),
    "read_parquet": lambda folder, curves: LightCurves.read_parquet(parquet(folder, curves)),
    "from_grid": lambda _, curves: LightCurves.from_grid(np.stack([c[:30, 1] for c in curves])),
}


@pytest.mark.parametrize("name", MAKERS)
def test__light_curves__made_in_any_way__warned_of_once(name: str, tmp_path: Path) -> None:
    bad = CURVE.copy()
    bad[:, 1] = FLUXES
    with pytest.warns(LightCurveWarning, match="1 of 4 .*99.999 in light curve 2") as told:
        curves = MAKERS[name](tmp_path, [*CURVES[:BAD], bad, *CURVES[BAD + 1 :]])
    assert len(told) == 1
    # The line that is shown is the user's.
    assert told[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        EMBEDDER.transform(curves)
        EMBEDDER.transform(LightCurves.concatenate([curves[1:], curves[:1]])[::-1])


def test__warning__inside_scikit_learn__shows_the_line_that_called() -> None:
    bad = [np.column_stack([curve[:, 0], curve[:, 1] + 100]) for curve in CURVES]
    search = small_embedder(max_epochs=1).set_output(transform="pandas")
    with pytest.warns(LightCurveWarning) as told:
        search.fit_transform(bad)
    assert {warning.filename for warning in told} == {__file__}


POSSIBLE: dict[str, Any] = {
    "sorted by magnitude": CURVE[np.argsort(CURVE[:, 1]), :2],
    "short, in random order": CURVE[np.random.RandomState(0).permutation(30), :2] - [58_000, 0],
    "constant, in random order": np.column_stack([CURVE[::-1, 0] - 58_000, np.full(30, 15.0)]),
    "rising through a short time": np.column_stack([np.arange(30), np.linspace(14, 15, 30)]),
    "negative": CURVE[:, :2] * [1, -1],
    "full Julian dates": CURVE[:, :2] + [2_400_000.5 + 1 / 32, 0],
    "photographic plates": CURVE[:, :2] * [500, 1] - [58_000 * 499, 0],
}


@pytest.mark.parametrize("curve", POSSIBLE.values(), ids=list(POSSIBLE))
def test__light_curves__odd_but_possible__not_warned_of(curve: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        as_light_curves([curve])


def test__transform_parquet__infinite_value__file_and_row_named(tmp_path: Path) -> None:
    bad = CURVE.copy()
    bad[3, 1] = np.inf
    path = parquet(tmp_path, [*CURVES[:BAD], bad, *CURVES[BAD + 1 :]])
    message = r"stars.parquet, row group 0, row 2 .*magnitude is infinite.*observation 3"
    with pytest.raises(ValueError, match=message):
        transform_parquet(EMBEDDER, path, tmp_path / "out", verbose=0)
    with pytest.raises(ValueError, match=message):
        sample_curves(path, 4, verbose=0)


@pytest.mark.parametrize("batch_rows", [1, 3])
def test__streams__strange_values_in_all_batches__told_once_with_the_place(
    batch_rows: int, tmp_path: Path
) -> None:
    path = parquet(tmp_path, [curve + np.array([0, 100, 0]) for curve in CURVES])
    message = r"from .*stars.parquet, row group 0, row 0 on .*beyond.*Of further rows nothing"
    with pytest.warns(LightCurveWarning, match=message) as told:
        transform_parquet(EMBEDDER, path, tmp_path / "out", batch_rows=batch_rows, verbose=0)
    assert len(told) == 1
    with pytest.warns(LightCurveWarning, match=message) as told:
        curves = sample_curves(path, 4, batch_rows=batch_rows, verbose=0)
    assert len(told) == 1
    assert curves.ids.tolist() == ["A", "B", "C", "D"]


LABEL_TAKERS: dict[str, Callable[[Any, Any], Any]] = {
    "AstromerClassifier": classifier_of(max_epochs=1).fit,
    "LSTMClassifier": classifier_of("baseline", max_epochs=1).fit,
    "AstromerRegressor": lambda X, y: AstromerRegressor(frozen_embedder()).fit(X, y == "a"),
    "few_shot_curve": lambda X, y: few_shot_curve({"m": classifier_of()}, X, y, [1]),
}


@pytest.mark.parametrize("name", LABEL_TAKERS)
@pytest.mark.parametrize("n_labels", [3, 5])
def test__labels__not_as_many_as_light_curves__both_numbers_told(name: str, n_labels: int) -> None:
    with pytest.raises(ValueError, match=rf"inconsistent numbers of samples: \[4, {n_labels}\]"):
        LABEL_TAKERS[name](CURVES, np.resize(LABELS, n_labels))


@pytest.mark.parametrize("name", LABEL_TAKERS)
def test__labels__masked__position_told(name: str) -> None:
    labels = np.ma.masked_array(LABELS, mask=[False, False, True, False])
    with pytest.raises(ParameterError, match=r"y is masked at position 2.*leave"):
        LABEL_TAKERS[name](CURVES, labels)


def test__sample_weight__masked__position_told() -> None:
    weight = np.ma.masked_array(np.ones(4), mask=[False, True, False, False])
    with pytest.raises(ParameterError, match="sample_weight is masked at position 1"):
        classifier_of(max_epochs=1).fit(CURVES, LABELS, sample_weight=weight)


def test__one_light_curve__alone__same_as_among_others() -> None:
    for transform in (EMBEDDER.transform, PeriodFinder().transform, FoldedCurve().transform):
        np.testing.assert_allclose(transform([CURVE])[0], transform(CURVES)[BAD], rtol=1e-4)


def test__million_observations__in_one_light_curve__same_as_its_windows() -> None:
    # All windows of 200 observations are alike, but for a shift in time that changes nothing.
    time = np.arange(10**6) / 4096
    curve = np.column_stack([time, 15 + np.sin(2 * np.pi * np.arange(10**6) / 200)])
    curves = as_light_curves([CURVE[:, :2], curve])
    embedder = random_embedder({"window_size": 200})
    embedding = embedder.transform(curves)[1]
    np.testing.assert_allclose(embedding, embedder.transform([curve[:200]])[0], rtol=1e-4)
    assert is_white_noise(curves).tolist() == [False, False]
    found = PeriodFinder(0.0488, 0.049).transform(curves[1:])
    assert found[0, 0] == pytest.approx(200 / 4096, rel=1e-6)


def test__ids__twice_the_same__two_light_curves() -> None:
    curves = as_light_curves(frame(id=["A", "B", "A", "D"]))
    assert curves.ids.tolist() == ["A", "B", "A", "D"]
    np.testing.assert_allclose(curves[BAD], CURVE, rtol=1e-6)


def test__hidden__of_another_length__light_curve_named() -> None:
    hidden = [np.zeros(len(curve), bool) for curve in CURVES]
    hidden[BAD] = hidden[BAD][1:]
    with pytest.raises(ParameterError, match="light curve 2: hidden must be 30 values of bool"):
        EMBEDDER.reconstruct(CURVES, hidden)
