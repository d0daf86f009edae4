"""What was saved elsewhere: on a GPU, or with another Python; and float32 where it has to be."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import torch
from example_curves import random_curves, random_embedder, small_embedder
from example_heads import classifier_of, frozen_embedder, labelled_curves, narrow_heads
from safetensors.torch import load_file

from sklearn_astromer import AstromerClassifier, AstromerEmbedder
from sklearn_astromer.errors import ParameterError

ROOT = Path(__file__).resolve().parents[1]
CURVES = random_curves([30, 3, 70, 1, 45, 20])
X, Y = labelled_curves(6)
# Names the program of another Python, with the packages that ours needs, to load what we save.
OTHER_PYTHON = "TEST_OTHER_PYTHON"

without_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")


@pytest.fixture(autouse=True)
def _narrow() -> Iterator[None]:
    with narrow_heads():
        yield


# ---- saved on a GPU, loaded without one ----


@without_gpu
@pytest.mark.parametrize("device", ["cuda", "cuda:1", torch.device("cuda")], ids=str)
def test__load__saved_on_a_gpu__loads_here_and_says_at_its_use_what_to_do(
    device: Any, tmp_path: Path
) -> None:
    embedder = random_embedder(device=device)
    joblib.dump(embedder, tmp_path / "embedder.joblib")
    for loaded in (
        AstromerEmbedder.load(embedder.save(tmp_path / "saved")),
        joblib.load(tmp_path / "embedder.joblib"),
    ):
        assert str(loaded.device) == str(device)
        for method in (loaded.transform, loaded.reconstruct, loaded.score, loaded.fit):
            with pytest.raises(ParameterError, match='torch sees no GPU here; use device="auto"'):
                method(CURVES)
        loaded.set_params(device="auto")
        np.testing.assert_array_equal(loaded.transform(CURVES), random_embedder().transform(CURVES))


@without_gpu
@pytest.mark.parametrize("kind", ["linear", "baseline"])
def test__classifier__trained_on_a_gpu__predicts_and_goes_on_here_with_another_device(
    kind: str,
) -> None:
    here, there = (classifier_of(kind).partial_fit(X, Y) for _ in range(2))
    # As a file that was made there is read here: skorch brings its tensors along to the CPU.
    there.set_params(device="cuda")
    there.net_.device = "cuda"
    there.settings_ = replace(there.settings_, device=torch.device("cuda"))
    for method in (there.predict, lambda curves: there.partial_fit(curves, Y)):
        with pytest.raises(ParameterError, match="torch sees no GPU here"):
            method(X)
    there.set_params(device="cpu").partial_fit(X, Y)
    here.partial_fit(X, Y)
    np.testing.assert_array_equal(here.predict_proba(X), there.predict_proba(X))


def tensors_in(thing: Any, seen: set[int] | None = None) -> Iterator[torch.Tensor]:
    """All tensors that a thing holds, however deep."""
    seen = set() if seen is None else seen
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if isinstance(thing, torch.Tensor):
        yield thing
        return
    inside = list(thing.items()) if isinstance(thing, dict) else []
    if isinstance(thing, list | tuple | set):
        inside = list(thing)
    for part in [*inside, *vars(thing).values()] if hasattr(thing, "__dict__") else inside:
        yield from tensors_in(part, seen)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test__fit__on_a_gpu__what_is_kept_is_on_the_cpu() -> None:
    fitted = [
        small_embedder(device="cuda").fit(CURVES),
        classifier_of("linear", device="cuda", train_encoder=True).fit(X, Y),
        classifier_of("baseline", device="cuda").fit(X, Y),
    ]
    for estimator in fitted:
        found = list(tensors_in(estimator))
        assert found
        assert {value.device.type for value in found} == {"cpu"}


# ---- float32 ----


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16], ids=str)
def test__everything__another_default_dtype__makes_no_difference(
    dtype: torch.dtype, tmp_path: Path
) -> None:
    def all_of_it(folder: Path) -> list[np.ndarray]:
        embedder = small_embedder().fit(X)
        loaded = AstromerEmbedder.load(embedder.save(folder))
        tuned = AstromerEmbedder(folder, max_epochs=1, random_state=0).fit(X)
        both = classifier_of("mlp", train_encoder=True, encoder_epochs=2).fit(X, Y)
        return [
            embedder.transform(CURVES),
            loaded.transform(CURVES),
            tuned.transform(CURVES),
            AstromerEmbedder("variables").transform(CURVES),
            both.predict_proba(X),
            classifier_of("baseline").fit(X, Y).predict_proba(X),
        ]

    expected = all_of_it(tmp_path / "expected")
    with default_dtype(dtype):
        got = all_of_it(tmp_path / "got")
    for one, other in zip(got, expected, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("precision", ["auto", "float32", "bfloat16"])
def test__transform_and_reconstruct__any_precision__give_float32(precision: str) -> None:
    embedder = random_embedder(precision=precision)
    for output in ("mean", "max", "sequence"):
        embedding = embedder.set_params(output=output).transform(CURVES)
        assert {part.dtype for part in embedding} == {np.dtype(np.float32)}
    assert {part.dtype for part in embedder.reconstruct(CURVES)} == {np.dtype(np.float32)}


@pytest.mark.parametrize("precision", ["auto", "bfloat16"])
def test__fit__any_precision__keeps_and_saves_float32(precision: str, tmp_path: Path) -> None:
    embedder = small_embedder(precision=precision).fit(CURVES)
    assert {value.dtype for value in embedder.network_.parameters()} == {torch.float32}
    saved = load_file(embedder.save(tmp_path / "saved") / "network.safetensors")
    assert {value.dtype for value in saved.values()} == {torch.float32}
    classifier = AstromerClassifier(
        frozen_embedder(), head="mlp", train_encoder=True, max_epochs=1, precision=precision
    ).fit(X, Y)
    for module in (classifier.head_, classifier.embedder_.network_):
        assert {value.dtype for value in module.parameters()} == {torch.float32}
    assert classifier.predict_proba(X).dtype == np.float64


# ---- saved with one Python, loaded with another ----

LOAD = """
import sys
import numpy as np
from sklearn_astromer import AstromerEmbedder
curves = np.load(sys.argv[2])["curves"]
np.save(sys.argv[3], AstromerEmbedder.load(sys.argv[1]).transform(curves))
"""


@pytest.mark.skipif(OTHER_PYTHON not in os.environ, reason=f"{OTHER_PYTHON} names no other Python")
def test__load__with_another_python__gives_the_same_embeddings(tmp_path: Path) -> None:
    other = os.environ[OTHER_PYTHON]
    version = "import sys; print(*sys.version_info[:2])"
    found = subprocess.run([other, "-c", version], capture_output=True, text=True, check=True)
    assert found.stdout.split() != [str(part) for part in sys.version_info[:2]]
    curves = np.stack(random_curves([30, 30, 30]))
    np.savez(tmp_path / "curves.npz", curves=curves)
    embedder = small_embedder().fit(curves)
    folder = embedder.save(tmp_path / "saved")
    done = subprocess.run(
        [other, "-c", LOAD, folder, tmp_path / "curves.npz", tmp_path / "embedding.npy"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    embedding = np.load(tmp_path / "embedding.npy")
    np.testing.assert_allclose(embedding, embedder.transform(curves), rtol=0, atol=1e-5)
