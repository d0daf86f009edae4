"""The benchmarks run, with few light curves; what they measure is not judged."""

from __future__ import annotations

import importlib
import json
import runpy
import sys
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from sklearn_astromer import AstromerEmbedder, LightCurves
from sklearn_astromer.datasets import make_variable_stars
from sklearn_astromer.network import NetworkConfig

BENCHMARKS = Path(__file__).resolve().parents[1] / "examples" / "benchmarks"
COLUMNS = ("time", "mag", "err")
NEEDS_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


@pytest.fixture
def rows_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Runs a benchmark; gives what it wrote, which is also what it printed."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))

    def run(name: str, options: str) -> list[dict]:
        path = tmp_path / "rows.jsonl"
        command = [name, "--repeats", "2", "--matrix-size", "64", "--json", str(path)]
        monkeypatch.setattr(sys, "argv", [*command, *options.split()])
        runpy.run_path(str(BENCHMARKS / f"{name}.py"), run_name="__main__")
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        printed = capsys.readouterr().out
        for row in rows:
            assert f"| {row['name']} " in printed
            assert row["benchmark"] == name
            assert row["machine"]["CPU"]
            assert row["machine"]["GFLOP/s of matrix products"] > 0
        return rows

    return run


def names(rows: list[dict]) -> list[str]:
    return [row["name"] for row in rows]


def measuring(monkeypatch: pytest.MonkeyPatch, module: str) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module(module)


def test__transform__with_onnx_and_real_curves__compares_all_ways(rows_of, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    curves, _ = make_variable_stars(1, cadence="ogle", random_state=0)
    columns = {name: [curve[:, place] for curve in curves] for place, name in enumerate(COLUMNS)}
    pq.write_table(pa.table(columns), tmp_path / "stars.parquet")
    rows = rows_of("transform", f"--curves 4 --onnx --data {tmp_path / 'stars.parquet'} --stars 3")
    ways = ["transform", "padded batches of 64", "ONNX Runtime, one curve per call"]
    assert names(rows) == 3 * ways
    assert rows[-1]["table"].startswith("stars.parquet, 3 light curves")


@pytest.mark.parametrize(
    "device", ["cpu", pytest.param("cuda", marks=[pytest.mark.gpu, NEEDS_GPU])]
)
def test__transform__in_bfloat16_with_observations_there__compared_with_its_own_limit(
    rows_of, device: str
) -> None:
    rows = rows_of("transform", f"--curves 4 --resident --precision bfloat16 --device {device}")
    there = "transform, observations on the device"
    assert names(rows) == 2 * ["transform", "padded batches of 64", there]
    assert {row["limit"] for row in rows} == {"bfloat16 matrix product"}


def test__transform__onnx_on_another_device__refused(rows_of, monkeypatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    with pytest.raises(SystemExit, match="leave out --onnx, or --device"):
        rows_of("transform", "--curves 4 --onnx --device cuda")


def test__compare__any__tells_medians_ratios_and_shares(rows_of) -> None:
    full = rows_of("transform", "--curves 4")[:2]
    for row in full:
        assert row["curves/s"] == pytest.approx(4 / np.median(row["seconds"]))
        assert row["ratio"] == pytest.approx(row["curves/s"] / full[1]["curves/s"])
        spread = np.ptp(row["seconds"]) / 2 / np.median(row["seconds"])
        assert row["spread"] == pytest.approx(spread)
    shares = [row["share of limit"] for row in full]
    assert shares[0] / shares[1] == pytest.approx(full[0]["ratio"])


def test__conversion__few_curves__measures_all_forms(rows_of) -> None:
    rows = rows_of("conversion", "--curves 20 --observations 5")
    assert len(rows) == 14
    assert rows[0]["ratio"] == 1
    assert rows[-1]["share of limit"] == 1


def test__heads__few_stars__has_a_table_of_heads_and_two_of_loops(rows_of) -> None:
    rows = rows_of("heads", "--per-class 1 --heads linear")
    assert names(rows)[:3] == ["embedding alone", "linear: fit", "linear: predict"]
    assert names(rows)[3:] == 2 * ["package", "bare loop over batches"]


def test__fit__few_curves__measures_fit_and_pretraining(rows_of) -> None:
    rows = rows_of("fit", "--curves 4 --epochs 1 --batch-size 2 --device cpu")
    assert names(rows)[:2] == ["fit", "bare loop over batches"]
    assert names(rows)[2:] == ["pre-training, paper", "pre-training, folding"]


def test__streaming__two_sizes__tells_rate_and_memory_of_each(rows_of) -> None:
    rows = rows_of("streaming", "--sizes 20 10 --batch-rows 10")
    assert names(rows) == ["10 light curves", "20 light curves"]
    assert 0 < rows[0]["peak memory so far, MB"] <= rows[1]["peak memory so far, MB"]


def test__periods__few_curves__compares_three_packages(rows_of) -> None:
    pytest.importorskip("light_curve", reason="light-curve is not installed")
    pytest.importorskip("nifty_ls", reason="nifty-ls is not installed")
    rows = rows_of("periods", "--curves 8 --lengths 20")
    assert names(rows) == ["PeriodFinder", "light-curve, one process", "astropy with nifty-ls"]


def test__dask_workers__few_curves__compares_two_with_one(
    rows_of, monkeypatch: pytest.MonkeyPatch
) -> None:
    distributed = pytest.importorskip("distributed", reason="distributed is not installed")
    # Workers that are processes take long to start.
    in_threads = partial(distributed.LocalCluster, processes=False)
    monkeypatch.setattr(distributed, "LocalCluster", in_threads)
    rows = rows_of("dask_workers", "--curves 12 --partitions 3 --observations 3 30")
    assert names(rows) == ["one worker", "two workers"]
    assert rows[0]["ratio"] == 1


def test__check_alike__other_embeddings__stops(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    transform = measuring(monkeypatch, "transform")
    curves = LightCurves(np.arange(4.0), np.arange(4.0), offsets=[0, 4])
    embedder = AstromerEmbedder(max_epochs=1, random_state=0, device="cpu").fit(curves[[0, 0]])

    def nearly(curves: LightCurves) -> np.ndarray:
        return embedder.transform(curves) * 1.001

    ways = {"right": embedder.transform, "nearly right": nearly}
    transform.check_alike(ways, curves, embedder, torch.bfloat16)
    assert (
        "nearly right: largest difference from float32 on a CPU 1.0e-03" in capsys.readouterr().out
    )
    with pytest.raises(SystemExit, match=r"^nearly right gives other embeddings than float32"):
        transform.check_alike(ways, curves, embedder, torch.float32)


def test__padded_transform__long_curves__are_the_embedders(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    transform = measuring(monkeypatch, "transform")
    curves = transform.random_curves(np.array([5, 450, 200, 399]))
    embedder = AstromerEmbedder(max_epochs=1, random_state=0, device="cpu").fit(curves)
    padded = transform.padded_transform(embedder.network_, curves, "float32", batch=3)
    np.testing.assert_allclose(padded, embedder.transform(curves), atol=1e-5)


def test__operations__by_hand__agree(monkeypatch: pytest.MonkeyPatch) -> None:
    measure = measuring(monkeypatch, "measuring")
    config = NetworkConfig(embedding_size=4, n_blocks=2, n_heads=2, feedforward_size=3)
    # Four maps of 4 x 4 and two of 4 x 3 for 10 observations; logits and sums of 10 x 10 pairs.
    assert measure.operations(np.array([10]), config) == 2 * 2 * (
        10 * (4 * 16 + 2 * 12) + 2 * 4 * 100
    )
    half = 2 * 2 * (10 * (3 * 16 + 2 * 12) + 2 * 4 * 50)
    assert measure.operations(np.array([10]), config, visible=0.5) == half
