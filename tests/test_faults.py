"""Full disks, interruptions in the middle of writing, and memory that runs out."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from example_curves import random_curves, random_embedder, small_embedder
from example_heads import classifier_of, labelled_curves, narrow_heads
from faulty_disk import contents, full_disk, read_only
from sklearn.linear_model import LogisticRegression

from sklearn_astromer import saving
from sklearn_astromer.evaluation import few_shot_curve
from sklearn_astromer.streaming import transform_parquet
from sklearn_astromer.streaming.target import Target
from sklearn_astromer.training.batches import DeviceObservations
from sklearn_astromer.training.window_net import WindowNet

CURVES = random_curves([30, 3, 12, 1, 45, 20])
X, Y = labelled_curves(6)
OUT_OF_MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate"),
    MemoryError("no more"),
]


# ---- disks ----


@pytest.mark.parametrize("exists", [False, True])
@pytest.mark.parametrize("room", [0, 1000, 3000])
def test__save__no_room_for_all_of_it__leaves_what_was_there(
    room: int, exists: bool, tmp_path: Path
) -> None:
    # The JSON file has some 1,000 bytes, and the weights 7,000.
    if exists:
        random_embedder().save(tmp_path / "saved")
    before = contents(tmp_path)
    with full_disk(room), pytest.raises(OSError, match="too large"):
        random_embedder(output="max").save(tmp_path / "saved", overwrite=True)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("exists", [False, True])
@pytest.mark.parametrize("place", ["write_checkpoint", "chmod", "rename"])
def test__save__interrupted__leaves_what_was_there(
    place: str, exists: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if exists:
        random_embedder().save(tmp_path / "saved")
    before = contents(tmp_path)
    owner: Any = saving if place == "write_checkpoint" else Path
    original = getattr(owner, place)

    def interrupted(*args: Any, **kwargs: Any) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(owner, place, original)
            if place == "write_checkpoint":
                original(*args, **kwargs)
        monkeypatch.setattr(owner, place, original)
        raise KeyboardInterrupt

    monkeypatch.setattr(owner, place, interrupted)
    with pytest.raises(KeyboardInterrupt):
        random_embedder(output="max").save(tmp_path / "saved", overwrite=True)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("n_whole", [0, 2])
def test__transform_parquet__disk_full__parts_are_whole_and_it_goes_on(
    n_whole: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = {
        "time": [curve[:, 0] for curve in random_curves([12] * 32)],
        "mag": [curve[:, 1] for curve in random_curves([12] * 32)],
    }
    pq.write_table(pa.table(columns), tmp_path / "stars.parquet")

    def run(target: str) -> dict[str, bytes | None]:
        source, folder = tmp_path / "stars.parquet", tmp_path / target
        return contents(
            transform_parquet(random_embedder(), source, folder, batch_rows=8, verbose=0)
        )

    undisturbed = run("undisturbed")
    write = Target.write

    def write_until_full(self: Target, number: int, table: Any) -> None:
        with full_disk(1000 if number >= n_whole else resource.RLIM_INFINITY):
            write(self, number, table)

    with monkeypatch.context() as patch:
        patch.setattr(Target, "write", write_until_full)
        with pytest.raises(OSError, match="too large"):
            run("target")
    begun = contents(tmp_path / "target")
    begun.pop("_manifest.json")
    assert len(begun) == n_whole
    assert all(undisturbed[name] == content for name, content in begun.items())
    assert run("target") == undisturbed


def test__few_shot_curve__cache_on_a_full_disk__results_are_whole_and_it_goes_on(
    tmp_path: Path,
) -> None:
    features, labels = np.random.RandomState(0).randn(40, 3), np.repeat([0, 1], 20)

    def run() -> Any:
        return few_shot_curve(
            {"linear": LogisticRegression()},
            *(features, labels, [2, 5]),
            test_per_class=5,
            cache=tmp_path,
        )

    with full_disk(10), pytest.raises(OSError, match="too large"):
        run()
    assert contents(tmp_path) == {}
    table = run()
    assert len(contents(tmp_path)) == 6
    assert run()["f1_mean"].tolist() == table["f1_mean"].tolist()


def test__few_shot_curve__cache_is_read_only__error_and_nothing_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    features, labels = np.random.RandomState(0).randn(40, 3), np.repeat([0, 1], 20)
    read_only(monkeypatch)
    with pytest.raises(PermissionError):
        few_shot_curve(
            {"linear": LogisticRegression()},
            *(features, labels, [2]),
            test_per_class=5,
            cache=tmp_path,
        )
    assert contents(tmp_path) == {}


# ---- memory ----


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("output", ["mean", "max", "sequence"])
def test__transform__memory_for_two_windows__gives_the_same_numbers(
    output: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder = random_embedder(output=output)
    expected = embedder.transform(CURVES)
    gather, sizes = DeviceObservations.batch, []

    def greedy(self: DeviceObservations, windows: Any) -> Any:
        sizes.append(len(windows))
        if len(windows) > 2:
            raise error
        return gather(self, windows)

    monkeypatch.setattr(DeviceObservations, "batch", greedy)
    got = embedder.transform(CURVES)
    assert max(sizes) > 2
    np.testing.assert_allclose(np.concatenate(got), np.concatenate(expected), rtol=0, atol=1e-5)


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=lambda error: type(error).__name__)
def test__transform_and_predict__memory_for_no_window__error_says_what_to_do(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    with narrow_heads():
        estimators = (random_embedder().transform, classifier_of().fit(X, Y).predict)

    def greedy(self: DeviceObservations, windows: Any) -> Any:
        raise error

    monkeypatch.setattr(DeviceObservations, "batch", greedy)
    for method in estimators:
        with pytest.raises(MemoryError, match=r"Not even one window of \d+ observations.*cpu"):
            method(CURVES)


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=lambda error: type(error).__name__)
def test__fit__memory_runs_out__error_names_the_batch_size_and_all_is_as_it_was(
    error: Exception, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with narrow_heads():
        classifier = classifier_of("mlp").fit(X, Y)
        going_on = classifier_of("mlp").partial_fit(X, Y)
    embedder = small_embedder().fit(CURVES)
    before = [
        thing(X) for thing in (classifier.predict_proba, going_on.predict_proba, embedder.transform)
    ]
    calls: list[int] = []
    infer = WindowNet.infer

    def greedy(self: WindowNet, x: Any, **params: Any) -> Any:
        calls.append(1)
        if len(calls) % 2 == 0:
            raise error
        return infer(self, x, **params)

    monkeypatch.setattr(WindowNet, "infer", greedy)
    for fit in (
        lambda: classifier.fit(X, Y),
        lambda: going_on.partial_fit(X, Y),
        lambda: embedder.fit(CURVES),
    ):
        with pytest.raises(MemoryError, match="set a smaller batch_size"):
            fit()
    after = [
        thing(X) for thing in (classifier.predict_proba, going_on.predict_proba, embedder.transform)
    ]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)
    joblib.dump(classifier, tmp_path / "classifier")
