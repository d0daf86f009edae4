"""The examples of pre-training: it keeps away from stars of reports, stops, goes on, and ships."""

from __future__ import annotations

import importlib
import os
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from faulty_training import happens_at, times
from sklearn.exceptions import ConvergenceWarning

from sklearn_astromer import AstromerEmbedder, weights
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
        n = 240
        part = stars[np.arange(n) % len(stars)]
        columns = {
            # An arc second in declination is a tenth of the last digit: each star is there twice.
            "id": [
                f"{number // 2 % 24:02d}{number // 48:02d}0{number % 2}-1030.0"
                if name == "asas"
                else f"{name}-{number}"
                for number in range(n)
            ],
            "time": [curve[:40, 0] for curve in part],
            "mag": [curve[:40, 1] for curve in part],
            "err": [curve[:40, 2] for curve in part],
        }
        if name != "crts_unlabeled_0":
            columns["label"] = [classes[number % len(classes)] for number in range(n)]
        pq.write_table(pa.table(columns), tmp_path / f"{name}.parquet")
    return tmp_path


def call(script: str, monkeypatch: pytest.MonkeyPatch, options: list[str]) -> None:
    monkeypatch.setattr(sys, "argv", [script, *options])
    monkeypatch.syspath_prepend(str(EXAMPLES))
    runpy.run_path(str(EXAMPLES / script), run_name="__main__")


def run_options(folder: Path, into: str) -> list[str]:
    options = (
        "--config tiny --windows 96 --batch-size 8 --steps-per-epoch 3 --report 2 --device cpu"
    )
    options += f" --simulated 1 --unlabelled 10 --data {folder} --run {folder / into}"
    return options.split()


def run(folder: Path, monkeypatch: pytest.MonkeyPatch, *more: str, into: str = "run") -> None:
    call("pretrain.py", monkeypatch, [*run_options(folder, into), *more])


def run_in_two_processes(folder: Path, *more: str, into: str) -> str:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    # What comes after -- torchrun does not take for options of its own, as it does --run.
    command += ["--", str(EXAMPLES / "pretrain.py"), *run_options(folder, into), *more]
    path = os.pathsep.join([str(EXAMPLES.parent), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


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


def test__pretrain__diverges__stops_with_the_best_weights_and_says_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In the sixth epoch of three steps.
    happens_at(monkeypatch, 17, times(float("nan")), for_good=True)
    with pytest.warns(ConvergenceWarning, match=r"in epoch 6.*learning_rate is 0\.01"):
        run(folder, monkeypatch, *["--windows", "240", "--learning-rate", "0.01", "--report", "9"])
    checkpoint = weights.read_checkpoint(folder / "run" / "weights.safetensors")
    assert checkpoint.metadata["ended"] == "diverged in epoch 6 of 10"
    assert all(bool(value.isfinite().all()) for value in checkpoint.state.values())


def test__ship_weights__finished_run__is_a_file_and_a_card_with_the_table(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(folder, monkeypatch)
    path = folder / "run" / "weights.safetensors"
    options = f"--no-features --per-class 2 --test-per-class 3 --splits 1 --weights mine={path}"
    options += f" --output {folder / 'table.md'}"
    call("compare_weights.py", monkeypatch, options.split())
    options = f"--run {folder / 'run'} --name mine --table {folder / 'table.md'} --folder {folder}"
    call("ship_weights.py", monkeypatch, options.split())
    card = (folder / "mine.md").read_text(encoding="utf-8")
    table = (folder / "table.md").read_text(encoding="utf-8")
    assert table in card
    assert table.count("| mine | ") == 3
    assert len((folder / "table.csv").read_text().splitlines()) == 1 + 3 * 3
    curves, _ = make_variable_stars(1, cadence="atlas", random_state=5)
    shipped = AstromerEmbedder(weights=folder / "mine.safetensors").transform(curves)
    np.testing.assert_array_equal(shipped, AstromerEmbedder(weights=path).transform(curves))


def test__pretrain__begun_in_two_processes_and_ended_in_one__gives_the_weights_of_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(folder, monkeypatch)
    printed = run_in_two_processes(folder, "--minutes", "0", into="begun-in-two")
    assert printed.count("windows_per_second") == 1
    capsys.readouterr()
    run(folder, monkeypatch, into="begun-in-two")
    assert "going on after 1 of 4 epochs" in capsys.readouterr().out
    log = (folder / "begun-in-two" / "log.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in log] == ["windows", "24", "48", "96"]
    ours, theirs = (
        weights.read_checkpoint(folder / into / "weights.safetensors").state
        for into in ("run", "begun-in-two")
    )
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        np.testing.assert_allclose(theirs[name], value, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("name", ["asas", "ogle3_cepheids", "ogle4_cepheids"])
def test__sources__what_trains_and_what_judges__is_apart(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    data = importlib.import_module("pretraining_data")
    trains = set(data.read_source(folder, name).curves.ids.tolist())
    judges = set(data.read_report_stars(folder, name).curves.ids.tolist())
    assert trains
    assert judges
    assert not trains & judges
    if name == "asas":
        # The same star under the id of a second later.
        twins = {f"{star[:5]}{1 - int(star[5])}{star[6:]}" for star in judges}
        assert not trains & twins


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
    assert others.sum() == 30
    assert 0 < (~others).sum() < 100
    cepheids = data.read_source(folder, "ogle3_cepheids")
    assert min(data.percent_of_id(star) for star in cepheids.curves.ids) >= 40


def test__pretrain__source_left_out__is_never_drawn(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    data = importlib.import_module("pretraining_data")
    sources = [data.read_source(folder, name) for name in ("asas", "ogle3_cepheids")]
    cpu = torch.device("cpu")
    mixture = data.make_mixture(sources, ["asas"], cpu, folder / "periods.npz")
    n_asas = len(sources[0].curves)
    assert (mixture.weight[:n_asas] == 0).all()
    assert (mixture.weight[n_asas:] > 0).all()


def test__run_table__finished_run__is_a_row(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(folder, monkeypatch)
    capsys.readouterr()
    call("run_table.py", monkeypatch, [str(folder / "run")])
    head, _, row = capsys.readouterr().out.splitlines()
    cells = dict(zip(head.split(" | "), row.split(" | "), strict=True))
    assert cells["| run"] == "| run"
    assert cells["windows"] == "96"
    assert 0 <= float(cells["f1_asas"]) <= 1


def test__compare_weights__all_trials__have_their_rows(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(folder, monkeypatch)
    options = "--no-features --per-class 3 --test-per-class 3 --splits 1 --weights mine="
    options += f"{folder / 'run' / 'weights.safetensors'} --heads mine --spoil mine --finetune mine"
    call("compare_weights.py", monkeypatch, options.split())
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines() if "mine" in line]
    assert [row[0].removeprefix("| ") for row in rows if row[2] == "LR"] == [
        "mine",
        "mine, fine-tuned",
        "mine, no periods",
        "mine, periods of other stars",
    ]
    assert sum(row[2] == "MLP" for row in rows) == 1
