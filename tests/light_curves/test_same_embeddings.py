"""The same real light curves through every container give identical embeddings."""

from __future__ import annotations

import warnings

import nested_pandas
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.table import Table
from astropy.time import Time
from astropy.timeseries import TimeSeries

from sklearn_astromer import AstromerEmbedder
from sklearn_astromer.light_curves import LightCurves, as_light_curves

FIELDS = ("time", "mag", "err")
BANDS = ("V", "I")
SCHEMA = pa.schema(
    {
        "id": pa.string(),
        "label": pa.string(),
        "time": pa.list_(pa.float64()),
        "mag": pa.list_(pa.float32()),
        "err": pa.list_(pa.float32()),
    }
)


@pytest.fixture(scope="module")
def table(asas_file):
    """Stars of all classes, the first hundred observations of each."""
    whole = pl.from_arrow(pq.read_table(asas_file, columns=["id", "label", *FIELDS]))
    some = whole.gather_every(len(whole) // 50).with_columns(pl.col(*FIELDS).list.head(100))
    # Polars has large lists and views of strings: plain ones are known to all containers.
    return some.to_arrow().cast(SCHEMA).combine_chunks()


@pytest.fixture(scope="module")
def curves(table):
    """The same, put together without any of the conversions."""
    columns = [table[name].to_pylist() for name in FIELDS]
    return [np.array(columns_of_one).T for columns_of_one in zip(*columns, strict=True)]


@pytest.fixture(scope="module")
def embedder():
    return AstromerEmbedder.pretrained("macho")


@pytest.fixture(scope="module")
def embedding(curves, embedder):
    return embedder.transform(curves)


def struct_of_lists(table):
    return pa.StructArray.from_arrays([table[name].combine_chunks() for name in FIELDS], FIELDS)


def list_of_structs(table):
    lists = [table[name].combine_chunks() for name in FIELDS]
    struct = pa.StructArray.from_arrays([values.flatten() for values in lists], FIELDS)
    return pa.table({"id": table["id"], "lc": pa.ListArray.from_arrays(lists[0].offsets, struct)})


def nested(table):
    kind = pd.ArrowDtype(struct_of_lists(table).type)
    frame = nested_pandas.NestedFrame({"objectid": table["id"].to_pandas()})
    frame["lightcurve"] = nested_pandas.series.packer.pack(
        pd.Series(struct_of_lists(table), dtype=kind)
    )
    return frame


def joined(table):
    stars = nested_pandas.NestedFrame({"label": table["label"].to_pandas()})
    flat = pd.DataFrame({name: np.concatenate(table[name].to_numpy()) for name in FIELDS})
    flat.index = np.repeat(np.arange(len(table)), [len(row) for row in table["time"].to_pylist()])
    flat.columns = ["hmjd", "mag", "magerr"]
    return stars.join_nested(flat, "lightcurve")


def padded(curves):
    array = np.full((len(curves), max(map(len, curves)), 3), np.nan)
    for row, curve in zip(array, curves, strict=True):
        row[: len(curve)] = curve
    return array


def objects(curves):
    array = np.empty(len(curves), object)
    array[:] = curves
    return array


def long(table):
    frame = pl.from_arrow(table).explode(*FIELDS)
    # The rows of a star far apart, but in order.
    return frame.with_columns(n=pl.int_range(pl.len()).over("id")).sort("n", maintain_order=True)


def two_bands(table):
    """Every observation once as it is and once, a magnitude brighter, in another band."""
    frame = long(table)
    other = frame.with_columns(mag=pl.col("mag") - 1, band=pl.lit(BANDS[1]))
    both = pl.concat([frame.with_columns(band=pl.lit(BANDS[0])), other])
    return both.group_by("id", maintain_order=True).agg(*FIELDS, "band")


def series(curve):
    columns = {"mag": curve[:, 1] * u.mag, "magerr": curve[:, 2] * u.mag}
    return TimeSeries(time=Time(curve[:, 0], format="mjd"), data=columns)


def fluxes(curve):
    flux = 10 ** (-0.4 * curve[:, 1])
    return flux, curve[:, 2] * flux * np.log(10) / 2.5


def series_of_fluxes(curve):
    flux, error = fluxes(curve)
    columns = {"flux": flux * 3000 * u.Jy, "flux_err": error * 3e6 * u.mJy}
    return TimeSeries(time=Time(curve[:, 0], format="mjd"), data=columns)


CONTAINERS = {
    "object array": lambda table, curves: objects(curves),
    "padded array": lambda table, curves: padded(curves),
    "Arrow lists": lambda table, curves: table,
    "Arrow list of structs": lambda table, curves: list_of_structs(table),
    "Arrow struct of lists": lambda table, curves: pa.table({"lc": struct_of_lists(table)}),
    "pandas arrays": lambda table, curves: table.to_pandas(),
    "pandas Arrow types": lambda table, curves: table.to_pandas(types_mapper=pd.ArrowDtype),
    "pandas series of curves": lambda table, curves: pd.Series(curves),
    "nested-pandas packed": lambda table, curves: nested(table),
    "nested-pandas joined": lambda table, curves: joined(table),
    "nested-pandas series": lambda table, curves: joined(table)["lightcurve"],
    "polars lists": lambda table, curves: pl.from_arrow(table),
    "polars list of structs": lambda table, curves: pl.from_arrow(list_of_structs(table)),
    "long polars": lambda table, curves: LightCurves.from_long(long(table)),
    "long pandas": lambda table, curves: LightCurves.from_long(long(table).to_pandas()),
    "long Arrow": lambda table, curves: LightCurves.from_long(long(table).to_arrow()),
    "long astropy": lambda table, curves: LightCurves.from_long(
        Table({name: long(table)[name].to_numpy() for name in ("id", *FIELDS)})
    ),
    "one of two bands": lambda table, curves: LightCurves.from_table(
        two_bands(table), band=BANDS[0]
    ),
    "astropy series": lambda table, curves: [series(curve) for curve in curves],
    "astropy tables": lambda table, curves: [Table(curve, names=FIELDS) for curve in curves],
}


@pytest.mark.parametrize("name", CONTAINERS)
def test__transform__every_container__identical_embeddings(
    name, table, curves, embedder, embedding
):
    X = CONTAINERS[name](table, curves)
    for curve, expected in zip(as_light_curves(X), curves, strict=True):
        np.testing.assert_array_equal(curve, expected)
    np.testing.assert_array_equal(embedder.transform(X), embedding)


def test__transform__parquet__identical_embeddings(table, embedder, embedding, tmp_path):
    pq.write_table(list_of_structs(table), tmp_path / "stars.parquet", row_group_size=7)
    X = LightCurves.read_parquet(tmp_path / "stars.parquet")
    np.testing.assert_array_equal(embedder.transform(X), embedding)


def test__transform__fluxes__same_embeddings_whatever_the_zero_point(curves, embedder, embedding):
    of_series = LightCurves.from_time_series(
        [series_of_fluxes(curve) for curve in curves], zero_point=2.5 * np.log10(3000)
    )
    np.testing.assert_array_equal(of_series.magnitude, np.concatenate(curves)[:, 1])
    np.testing.assert_array_equal(of_series.error, np.float32(np.concatenate(curves)[:, 2]))
    np.testing.assert_array_equal(embedder.transform(of_series), embedding)
    in_ab = [series_of_fluxes(curve) for curve in curves[:5]]
    np.testing.assert_allclose(embedder.transform(in_ab), embedding[:5], rtol=0, atol=1e-4)


def test__transform__lightkurve__identical_embeddings(curves, embedder, embedding):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lightkurve = pytest.importorskip("lightkurve")
    collection = lightkurve.LightCurveCollection(
        [
            lightkurve.LightCurve(
                time=Time(curve[:, 0], format="mjd"),
                flux=fluxes(curve)[0],
                flux_err=fluxes(curve)[1],
            )
            for curve in curves
        ]
    )
    for curve, expected in zip(as_light_curves(collection), curves, strict=True):
        np.testing.assert_array_equal(curve, expected)
    np.testing.assert_array_equal(embedder.transform(collection), embedding)
