"""Dask data frames and LSDB catalogs: every row embedded once, whatever happens to workers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from example_curves import random_embedder
from example_dask import ADDED, CURVES, LISTS, N_PARTITIONS, N_ROWS, compute, in_partitions, stars
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_astromer import AstromerEmbedder, BandEmbedder, PeriodFinder
from sklearn_astromer.dask import transform

dask = pytest.importorskip("dask", reason='needs pip install "sklearn-astromer[dask]"')
dd = pytest.importorskip("dask.dataframe", reason='needs pip install "sklearn-astromer[dask]"')
distributed = pytest.importorskip("distributed", reason="Dask's workers need distributed")


def as_parquet(folder: Path) -> Any:
    table = pa.table({**stars(object).to_dict("list"), "row": stars().index.to_numpy()})
    pq.write_table(table, folder / "stars.parquet", row_group_size=7)
    return dd.read_parquet(folder / "stars.parquet", index="row", split_row_groups=True)


def as_objects(folder: Path) -> Any:
    with dask.config.set({"dataframe.convert-string": False}):
        return in_partitions(stars(object))


def as_arrow_lists(folder: Path) -> Any:
    return in_partitions(stars())


def as_nested(folder: Path) -> Any:
    nested_pandas = pytest.importorskip("nested_pandas")
    frame = nested_pandas.NestedFrame(stars())
    nested = frame.nest_lists(["mjd", "mag"], "lightcurve")
    parts = [nested.iloc[first : first + 6] for first in range(0, N_ROWS, 6)]
    return dd.from_map(lambda part: part, parts, meta=nested.iloc[:0])


@pytest.mark.parametrize("make", [as_parquet, as_objects, as_arrow_lists, as_nested])
def test__transform__any_columns__every_row_once_beside_what_stays(
    tmp_path: Path, make: Callable[[Path], Any]
) -> None:
    embedder, frame = random_embedder(), make(tmp_path)
    lazy = transform(frame, embedder)
    assert frame.npartitions == lazy.npartitions == N_PARTITIONS
    done = compute(lazy)
    np.testing.assert_allclose(done[ADDED], embedder.transform(CURVES), atol=1e-6)
    assert list(done.columns) == ["id", "colour", "n_observations", *ADDED]
    assert done["id"].tolist() == [f"star {row}" for row in range(N_ROWS)]
    assert done["colour"].tolist() == stars()["colour"].tolist()
    assert done["n_observations"].tolist() == [len(curve) for curve in CURVES]
    assert done.index.tolist() == stars().index.tolist()


def test__transform__nothing_computed__knows_columns_types_and_divisions() -> None:
    frame = in_partitions(stars())
    lazy = transform(frame, random_embedder())
    assert lazy.dtypes.to_dict() == compute(lazy).dtypes.to_dict()
    assert (lazy.dtypes[ADDED] == np.float32).all()
    assert lazy.dtypes["n_observations"] == np.int32
    assert lazy.divisions == frame.divisions
    assert lazy.known_divisions


def test__transform__nothing_computed__reads_nothing() -> None:
    def part(number: int) -> Any:
        raise AssertionError(f"partition {number} was read")

    frame = dd.from_map(part, [0, 1], meta=stars().iloc[:0])
    lazy = transform(frame, random_embedder())
    assert lazy[ADDED].partitions[1:].npartitions == 1
    with pytest.raises(AssertionError, match="partition 1 was read"):
        compute(lazy.partitions[1])


def test__transform__changed_afterwards__embeds_as_it_was() -> None:
    embedder = random_embedder()
    wanted = embedder.transform(CURVES)
    lazy = transform(in_partitions(stars()), embedder)
    embedder.set_params(output="max")
    np.testing.assert_allclose(compute(lazy)[ADDED], wanted, atol=1e-6)


def test__transform__named_weights_in_a_pipeline__equals_transform() -> None:
    pipeline = make_pipeline(AstromerEmbedder.pretrained("macho", finetune=False), StandardScaler())
    pipeline.fit(CURVES)
    done = compute(transform(in_partitions(stars()).partitions[1], pipeline))
    wanted = pipeline.transform(CURVES[6:12])
    np.testing.assert_allclose(done[pipeline.get_feature_names_out()], wanted, atol=1e-4)


@pytest.mark.parametrize("method", ["predict_proba", "predict"])
def test__transform__what_is_predicted__equals_the_method(method: str) -> None:
    frame = in_partitions(stars())
    y = np.arange(N_ROWS) % 2
    last = LogisticRegression() if method == "predict_proba" else Ridge()
    model = make_pipeline(random_embedder(), last).fit(CURVES, y)
    lazy = transform(frame, model, method=method)
    added = {"predict_proba": ["probability_0", "probability_1"], "predict": ["prediction"]}
    done = compute(lazy)
    assert list(done.columns) == ["id", "colour", "n_observations", *added[method]]
    assert lazy.dtypes.to_dict() == done.dtypes.to_dict()
    wanted = getattr(model, method)(CURVES)
    np.testing.assert_allclose(done[added[method]], wanted.reshape(N_ROWS, -1), atol=1e-5)


def test__transform__float64__keeps_every_digit_of_a_period() -> None:
    finder = PeriodFinder(min_period=5.0)
    done = compute(transform(in_partitions(stars()), finder, dtype="float64"))
    names = finder.get_feature_names_out()
    np.testing.assert_allclose(done[names], finder.transform(CURVES), rtol=1e-12)


def test__transform__names_of_columns__are_taken() -> None:
    frame = stars().rename(columns={"mjd": "when", "mag": "what"})
    columns = {"time": "when", "magnitude": "what"}
    embedder = random_embedder()
    done = compute(transform(in_partitions(frame), embedder, columns=columns))
    np.testing.assert_allclose(done[ADDED], embedder.transform(CURVES), atol=1e-6)


def test__transform__band_of_each_light_curve__one_is_chosen_and_the_column_stays() -> None:
    frame = stars().assign(band=["g", "r"] * (N_ROWS // 2))
    embedder = random_embedder()
    done = compute(transform(in_partitions(frame), embedder, columns={"band": "r"}))
    np.testing.assert_allclose(done[ADDED][1::2], embedder.transform(CURVES[1::2]), atol=1e-6)
    assert done[ADDED][::2].isna().all(axis=None)
    assert done["band"].tolist() == frame["band"].tolist()


def test__transform__band_embedder__equals_transform() -> None:
    texts = pd.ArrowDtype(pa.list_(pa.string()))
    bands = [(["g", "r"] * len(curve))[: len(curve)] for curve in CURVES]
    frame = stars().assign(filter=pd.Series(bands, dtype=texts, index=stars().index))
    embedder = BandEmbedder(random_embedder(), bands=["g", "r"], add_indicator=True)
    done = compute(transform(in_partitions(frame), embedder))
    wanted = embedder.transform(frame)
    np.testing.assert_allclose(done[embedder.get_feature_names_out()], wanted, atol=1e-6)
    assert "filter" not in done.columns


def test__transform__index_that_repeats__stays() -> None:
    frame = stars().set_index(np.repeat(np.arange(N_PARTITIONS), N_ROWS // N_PARTITIONS))
    embedder = random_embedder()
    done = compute(transform(in_partitions(frame), embedder))
    assert done.index.tolist() == frame.index.tolist()
    np.testing.assert_allclose(done[ADDED], embedder.transform(CURVES), atol=1e-6)


# Partitions and light curves that are empty.


def test__transform__empty_partitions__have_the_same_columns() -> None:
    lazy = in_partitions(stars())
    lazy = transform(lazy[lazy["colour"] > 1.5], random_embedder())
    parts = [compute(part) for part in lazy.partitions]
    assert [len(part) for part in parts] == [0, 0, 2, 6, 6]
    assert all(part.dtypes.equals(lazy.dtypes) for part in parts)
    assert list(compute(lazy).index) == list(range(116, 130))


def without_observations(rows: list[int], lists: Any = LISTS) -> Any:
    cells = {row: None if row % 2 else [] for row in rows}
    frame = stars(lists, mjd=cells, mag=cells)
    with dask.config.set({"dataframe.convert-string": False}):
        return in_partitions(frame)


@pytest.mark.parametrize("lists", [LISTS, object])
def test__transform__light_curves_without_observations__are_nan(lists: Any) -> None:
    # One here and there, and all of a partition.
    rows = [1, 4, *range(12, 18)]
    done = compute(transform(without_observations(rows, lists), random_embedder()))
    assert np.flatnonzero(done[ADDED].isna().all(axis=1)).tolist() == rows
    assert np.flatnonzero(done["n_observations"] == 0).tolist() == rows
    others = [row for row in range(N_ROWS) if row not in rows]
    wanted = random_embedder().transform([CURVES[row] for row in others])
    np.testing.assert_allclose(done[ADDED].iloc[others], wanted, atol=1e-6)


def test__transform__empty_light_curve_not_wanted__names_partition_and_row() -> None:
    lazy = transform(without_observations([14]), random_embedder(), on_empty="raise")
    with pytest.raises(ValueError, match="partition 2, row 2: the light curve has no observation"):
        compute(lazy)


# What is wrong is said.


def test__transform__faulty_light_curve__names_partition_and_row() -> None:
    frame = stars(mag={19: [np.inf] * len(CURVES[19])})
    with pytest.raises(ValueError, match=r"partition 3, row 1 .*: magnitude is infinite"):
        compute(transform(in_partitions(frame), random_embedder()))


def test__transform__cell_of_another_kind__names_the_partition() -> None:
    frame = stars(object, mag={19: "faint"})
    with dask.config.set({"dataframe.convert-string": False}):
        lazy = transform(in_partitions(frame), random_embedder())
    with pytest.raises(TypeError, match="partition 3: light curve 1, column 'mag': is a str"):
        compute(lazy)


def test__transform__lists_that_became_text__says_how_to_keep_them() -> None:
    with pytest.raises(ValueError, match=r"'mjd', 'mag' hold text: .*convert-string"):
        transform(in_partitions(stars(object)), random_embedder())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns": {"time": "when"}}, "'when' .time. does not exist.*columns={...} names them"),
        ({"columns": {"id": "id"}}, "columns may not name the id here"),
        ({"columns": {"mag": "mag"}}, "columns may name time, magnitude, .*; got 'mag'"),
        ({"on_empty": "drop"}, 'on_empty must be one of "nan", "raise"'),
        ({"dtype": "int8"}, "dtype must be one of"),
    ],
)
def test__transform__parameter_not_valid__says_what_is(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        transform(in_partitions(stars()), random_embedder(), **options)


def test__transform__column_called_like_an_embedding__is_refused() -> None:
    frame = stars().rename(columns={"colour": "astromerembedder3"})
    with pytest.raises(ValueError, match="'astromerembedder3' are called like those"):
        transform(in_partitions(frame), random_embedder())


def test__transform__not_fitted__says_so_at_once() -> None:
    with pytest.raises(NotFittedError):
        transform(in_partitions(stars()), AstromerEmbedder())


@pytest.mark.parametrize("frame", [stars(), CURVES])
def test__transform__in_memory__says_what_to_do(frame: Any) -> None:
    with pytest.raises(TypeError, match="neither a Dask data frame nor an LSDB catalog"):
        transform(frame, random_embedder())


def test__transform__without_dask__gives_the_install_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    frame = in_partitions(stars())
    monkeypatch.setitem(sys.modules, "dask.dataframe", None)
    with pytest.raises(ImportError, match=r'pip install "sklearn-astromer\[dask\]"'):
        transform(frame, random_embedder())
