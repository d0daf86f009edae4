"""Embedders on disk, and in another process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from example_curves import random_curves, random_embedder, small_embedder

from sklearn_astromer import AstromerEmbedder, saving
from sklearn_astromer.errors import WeightsError

CURVES = random_curves([30, 3, 12, 1, 45, 20])
ROOT = Path(__file__).resolve().parents[1]


def listing(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def change_json(folder: Path, change: Any) -> None:
    path = folder / "embedder.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test__save_load__fitted_embedder__everything_comes_back(tmp_path: Path) -> None:
    embedder = small_embedder(output="max", attention="additive", learning_rate=np.float32(0.01))
    embedder.fit(np.random.RandomState(0).randn(6, 12))
    folder = embedder.save(tmp_path / "a" / "b")
    assert listing(folder) == ["embedder.json", "network.safetensors"]
    loaded = AstromerEmbedder.load(str(folder))
    assert loaded.get_params() == embedder.get_params()
    assert loaded.history_ == embedder.history_
    assert loaded.n_features_in_ == 12
    np.testing.assert_array_equal(loaded.transform(CURVES), embedder.transform(CURVES))
    assert loaded.score(CURVES) == embedder.score(CURVES)
    loaded.fit(CURVES)


def test__save__pretrained_without_fit__can_be_loaded_where_the_weights_are_not(
    tmp_path: Path,
) -> None:
    weights = random_embedder().save(tmp_path / "weights")
    folder = AstromerEmbedder(weights=weights).save(tmp_path / "saved")
    expected = AstromerEmbedder(weights=weights).transform(CURVES)
    shutil.rmtree(weights)
    loaded = AstromerEmbedder.load(folder)
    np.testing.assert_array_equal(loaded.transform(CURVES), expected)
    assert loaded.weights == str(weights)


def test__save__folder_exists__only_overwrites_when_told_and_only_its_own(tmp_path: Path) -> None:
    first, second = random_embedder(), random_embedder(output="max")
    folder = first.save(tmp_path / "saved")
    with pytest.raises(FileExistsError, match="pass overwrite=True"):
        second.save(folder)
    assert AstromerEmbedder.load(folder).output == "mean"
    second.save(folder, overwrite=True)
    assert AstromerEmbedder.load(folder).output == "max"
    assert listing(tmp_path) == ["saved", "saved/embedder.json", "saved/network.safetensors"]
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.tex").write_text("work of years")
    with pytest.raises(FileExistsError, match="holds no saved embedder"):
        first.save(precious, overwrite=True)
    assert listing(precious) == ["thesis.tex"]


@pytest.mark.parametrize("exists", [False, True])
def test__save__disk_full__leaves_nothing_behind_and_the_old_one_whole(
    exists: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "saved"
    if exists:
        random_embedder().save(folder)
    before = listing(tmp_path)

    def full(*args: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(saving, "write_checkpoint", full)
    with pytest.raises(OSError, match="No space left"):
        random_embedder(output="max").save(folder, overwrite=True)
    assert listing(tmp_path) == before
    if exists:
        assert AstromerEmbedder.load(folder).output == "mean"


def test__save__new_folder_cannot_be_moved_in__the_old_one_is_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = random_embedder().save(tmp_path / "saved")
    before = listing(tmp_path)
    rename = Path.rename

    def stubborn(self: Path, target: Path) -> Path:
        if target == folder and self.parent == tmp_path:
            raise PermissionError("not there")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", stubborn)
    with pytest.raises(PermissionError, match="not there"):
        random_embedder(output="max").save(folder, overwrite=True)
    monkeypatch.undo()
    assert listing(tmp_path) == before
    assert AstromerEmbedder.load(folder).output == "mean"


def test__save__read_only_folder__error_and_nothing_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*args: object, **kwargs: object) -> str:
        raise PermissionError("read-only")

    # Permissions themselves would not stop an administrator, as whom tests often run.
    monkeypatch.setattr(tempfile, "mkdtemp", refused)
    with pytest.raises(PermissionError, match="read-only"):
        random_embedder().save(tmp_path / "saved")
    assert listing(tmp_path) == []


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"random_state": np.random.RandomState(0)}, "random_state is a generator"),
        ({"learning_rate": 1j}, "cannot be saved"),
    ],
)
def test__save__what_json_cannot_hold__error_and_nothing_left(
    params: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        random_embedder(**params).save(tmp_path / "saved")
    assert listing(tmp_path) == []


@pytest.mark.parametrize(
    "content",
    ["{", "", "[]", "null", '{"format": "1"}', '{"format": 1}', "\ufeff{}", "[" * 100_000],
)
def test__load__damaged_json__error_names_the_file(content: str, tmp_path: Path) -> None:
    folder = random_embedder().save(tmp_path / "saved")
    (folder / "embedder.json").write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=r"embedder\.json is damaged"):
        AstromerEmbedder.load(folder)


@pytest.mark.parametrize(
    "fitted",
    [
        {"history_": "abc"},
        {"history_": [1]},
        {"history_": [{"epoch": []}]},
        {"n_features_in_": float("inf")},
        {"n_features_in_": "3"},
        {"feature_names_in_": 3},
        {"feature_names_in_": [["a"]]},
        {"network_": {}},
        {"__class__": 1},
        [],
        None,
    ],
    ids=str,
)
def test__load__what_fit_cannot_have_learned__error_names_the_file(
    fitted: Any, tmp_path: Path
) -> None:
    folder = random_embedder().save(tmp_path / "saved")
    change_json(folder, lambda content: content.update(fitted=fitted))
    with pytest.raises(WeightsError, match=r"embedder\.json is damaged"):
        AstromerEmbedder.load(folder)


def test__load__json_that_would_fill_the_memory__is_refused_unread(tmp_path: Path) -> None:
    folder = random_embedder().save(tmp_path / "saved")
    with (folder / "embedder.json").open("r+b") as file:
        file.truncate(1 << 33)
    with pytest.raises(WeightsError, match=r"embedder\.json is damaged: .* too many"):
        AstromerEmbedder.load(folder)


def test__load__not_utf8__error_names_the_file(tmp_path: Path) -> None:
    folder = random_embedder().save(tmp_path / "saved")
    (folder / "embedder.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match=r"embedder\.json is damaged"):
        AstromerEmbedder.load(folder)


def test__load__newer_format__error_says_to_upgrade(tmp_path: Path) -> None:
    folder = random_embedder().save(tmp_path / "saved")
    # A newer version may well have learned more.
    change_json(folder, lambda content: content.update(format=2, fitted={"scales_": [1]}))
    with pytest.raises(ValueError, match=r"has format 2; .* pip install --upgrade"):
        AstromerEmbedder.load(folder)


def test__load__unknown_parameter__error_names_it(tmp_path: Path) -> None:
    folder = random_embedder().save(tmp_path / "saved")
    change_json(folder, lambda content: content["parameters"].update(colour="red"))
    with pytest.raises(ValueError, match="parameters that are not known: colour"):
        AstromerEmbedder.load(folder)


@pytest.mark.parametrize("name", ["embedder.json", "network.safetensors"])
def test__load__file_missing__error_names_it(name: str, tmp_path: Path) -> None:
    folder = random_embedder().save(tmp_path / "saved")
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=name):
        AstromerEmbedder.load(folder)


def test__load__no_folder__error_names_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        AstromerEmbedder.load(tmp_path / "nowhere")


def test__load__damaged_weights__error_names_the_file(tmp_path: Path) -> None:
    folder = random_embedder().save(tmp_path / "saved")
    path = folder / "network.safetensors"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"network\.safetensors is damaged"):
        AstromerEmbedder.load(folder)


OTHER_PROCESS = """
import sys, joblib, numpy as np
embedder, curves = joblib.load(sys.argv[1])
np.save(sys.argv[2], embedder.transform(curves))
"""


def test__joblib__loaded_in_another_process__gives_identical_numbers(tmp_path: Path) -> None:
    embedder = small_embedder(window_size=20).fit(CURVES)
    joblib.dump((embedder, CURVES), tmp_path / "embedder.joblib")
    arguments = [str(tmp_path / "embedder.joblib"), str(tmp_path / "out.npy")]
    subprocess.run(
        [sys.executable, "-c", OTHER_PROCESS, *arguments],
        check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), embedder.transform(CURVES))
