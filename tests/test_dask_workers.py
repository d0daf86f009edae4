"""Workers of Dask: their threads, GPUs and warnings, and what becomes of rows when one dies."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from example_curves import random_embedder
from example_dask import ADDED, CURVES, N_ROWS, in_partitions, stars
from sklearn.base import BaseEstimator, TransformerMixin

from sklearn_astromer import AstromerEmbedder
from sklearn_astromer.dask import _gpu_of, _share_of_machine, transform

dask = pytest.importorskip("dask", reason='needs pip install "sklearn-astromer[dask]"')
dd = pytest.importorskip("dask.dataframe", reason='needs pip install "sklearn-astromer[dask]"')
distributed = pytest.importorskip("distributed", reason="Dask's workers need distributed")


class Watched(TransformerMixin, BaseEstimator):
    """Tells where each light curve was embedded, and how often its process unpacked this."""

    unpacked = 0

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        Watched.unpacked += 1

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def transform(self, X: Any) -> np.ndarray:
        row = [os.getpid(), Watched.unpacked, torch.get_num_threads()]
        return np.tile(np.array(row, dtype=float), (len(X), 1))

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        return np.array(["process", "unpacked", "threads"], dtype=object)


class Dies(TransformerMixin, BaseEstimator):
    """Embeds, and kills the first process that comes to its second partition."""

    calls = 0

    def __init__(self, embedder: Any, note: Path) -> None:
        self.embedder = embedder
        self.note = note

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def transform(self, X: Any) -> Any:
        Dies.calls += 1
        if Dies.calls == 2 and not self.note.exists():
            self.note.write_text(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGKILL)
        return self.embedder.transform(X)

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        return self.embedder.get_feature_names_out()


class Alone(Watched):
    """Fails if it is called while it is at work."""

    busy = threading.Lock()

    def transform(self, X: Any) -> np.ndarray:
        assert Alone.busy.acquire(blocking=False)
        try:
            # Long enough for another thread to come in.
            return AstromerEmbedder(**SMALL).fit(X).transform(X)[:, :3]
        finally:
            Alone.busy.release()


SMALL: dict[str, Any] = {"embedding_size": 16, "n_blocks": 1, "n_heads": 2, "max_epochs": 1}


# Threads and GPUs.


def test__transform__threads_of_one_process__embed_one_partition_at_a_time() -> None:
    before = torch.get_num_threads()
    transform(in_partitions(stars()), Alone()).compute(scheduler="threads", num_workers=4)
    assert torch.get_num_threads() == before


def test__share_of_machine__in_a_worker__has_its_threads_and_puts_torch_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = torch.get_num_threads()
    worker = SimpleNamespace(name=0, state=SimpleNamespace(nthreads=before + 2))
    monkeypatch.setattr(distributed, "get_worker", lambda: worker)
    with suppress(KeyError), _share_of_machine():
        assert torch.get_num_threads() == before + 2
        raise KeyError
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    ("n_gpus", "name", "gpu"), [(4, 6, 2), (2, "slurm-1", 1), (1, 6, None), (0, 6, None)]
)
def test__gpu_of__worker_with_a_number__takes_its_own(
    monkeypatch: pytest.MonkeyPatch, n_gpus: int, name: Any, gpu: int | None
) -> None:
    taken: list[int] = []
    monkeypatch.setattr(torch.cuda, "device_count", lambda: n_gpus)
    monkeypatch.setattr(torch.cuda, "device", taken.append)
    _gpu_of(name)
    assert taken == ([] if gpu is None else [gpu])


# Real workers.


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """Two worker processes of one thread."""
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "60s"}),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def test__transform__two_processes__each_unpacks_the_weights_once(client: Any) -> None:
    done = client.compute(transform(in_partitions(stars()), Watched())).result()
    assert set(done["process"]) == set(client.run(os.getpid).values())
    assert set(done["unpacked"]) == {1}
    assert set(done["threads"]) == {1}


def test__transform__worker_killed__rows_complete_and_the_same(client: Any, tmp_path: Path) -> None:
    embedder, note = random_embedder(), tmp_path / "note"
    frame = dd.from_pandas(stars(), npartitions=10)
    undisturbed = client.compute(transform(frame, embedder)).result()
    done = client.compute(transform(frame, Dies(embedder, note))).result()
    assert int(note.read_text()) not in client.run(os.getpid).values()
    pd.testing.assert_frame_equal(done, undisturbed, check_exact=True)
    np.testing.assert_allclose(done[ADDED], embedder.transform(CURVES), atol=1e-6)


def test__transform__strange_light_curves__each_frame_warned_of_where_it_was_started(
    client: Any,
) -> None:
    strange = stars(mag={row: [99.999] * len(CURVES[row]) for row in range(N_ROWS)})

    def warned(frame: pd.DataFrame) -> int:
        lazy = transform(in_partitions(frame), random_embedder())
        with warnings.catch_warnings(record=True, action="always") as told:
            client.compute(lazy).result()
            # Warnings come beside the result.
            for _ in range(50):
                if told:
                    break
                time.sleep(0.1)
        assert all(re.search(r"partition \d, row 0 on .*99\.999", str(w.message)) for w in told)
        return len(told)

    # Once in each process, and again for another frame.
    assert 1 <= warned(strange) <= 2
    assert 1 <= warned(strange.iloc[6:]) <= 2
