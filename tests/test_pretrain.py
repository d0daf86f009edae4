"""The example of pre-training: it keeps away from stars of reports, stops, and goes on."""

from __future__ import annotations

import importlib
import runpy
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sklearn_astromer import AstromerEmbedder
from sklearn_astromer.datasets import make_variable_stars

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
FILES = {
    "asas": ("MIRA", "EC", "ED", "RRAB", "ESD", "DSCT", "RRC", "EB"),
    "ogle3_cepheids": ("F", "1O"),
    "ogle4_cepheids": ("F", "1O"),
    "crts_unlabeled_0": ("",),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files of the real layout, with simulated stars."""
    stars, _ = make_variable_stars(60, classes=["RRab", "Mira"], cadence="atlas", random_state=0)
    for name, classes in FILES.items():
        n = 120
        part = stars[:n]
        columns = {
            "id": [f"{name}-{number}" for number in range(n)],
            "time": [curve[:40, 0] for curve in part],
            "mag": [curve[:40, 1] for curve in part],
            "err": [curve[:40, 2] for curve in part],
        }
        if name != "crts_unlabeled_0":
            columns["label"] = [classes[number % len(classes)] for number in range(n)]
        pq.write_table(pa.table(columns), tmp_path / f"{name}.parquet")
    return tmp_path


def run(folder: Path, monkeypatch: pytest.MonkeyPatch, *more: str) -> None:
    options = (
        "--config tiny --windows 96 --batch-size 8 --steps-per-epoch 3 --report 2 --device cpu"
    )
    options += f" --simulated 1 --unlabelled 10 --data {folder} --run {folder / 'run'}"
    monkeypatch.setattr(sys, "argv", ["pretrain.py", *options.split(), *more])
    monkeypatch.syspath_prepend(str(EXAMPLES))
    runpy.run_path(str(EXAMPLES / "pretrain.py"), run_name="__main__")


def test__pretrain__stopped_and_called_again__goes_on_to_usable_weights(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(folder, monkeypatch, "--minutes", "0")
    assert "going on" not in capsys.readouterr().out
    run(folder, monkeypatch)
    assert "going on after 1 of 4 epochs" in capsys.readouterr().out
    log = (folder / "run" / "log.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in log] == ["windows", "24", "48", "96"]
    embedder = AstromerEmbedder(weights=folder / "run" / "weights.safetensors")
    curves, _ = make_variable_stars(1, cadence="atlas", random_state=5)
    embedding = embedder.transform(curves)
    assert embedding.shape == (8, 16)
    assert np.isfinite(embedding).all()


def test__read_source__stars_of_reports__are_left_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    data = importlib.import_module("pretraining_data")
    source = data.read_source(folder, "asas")
    percent = np.array([data.percent_of_id(star) for star in source.curves.ids])
    others = source.label == "EB"
    assert (percent[~others] >= 80).all()
    # Of generic binaries, which no report judges, all are taken.
    assert others.sum() == 15
    assert 0 < (~others).sum() < 60
    cepheids = data.read_source(folder, "ogle3_cepheids")
    assert min(data.percent_of_id(star) for star in cepheids.curves.ids) >= 40
