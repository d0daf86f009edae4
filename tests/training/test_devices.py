"""Devices and precision."""

from __future__ import annotations

import pytest
import torch

from sklearn_astromer.training.devices import (
    autocast,
    is_out_of_memory,
    resolve_device,
    seeded,
)

CPU = torch.device("cpu")


def test__resolve_device__auto__is_the_gpu_if_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve_device("auto") == CPU
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve_device("auto") == torch.device("cuda")


@pytest.mark.parametrize("device", ["cpu", torch.device("cpu")])
def test__resolve_device__cpu__is_taken(device: str | torch.device) -> None:
    assert resolve_device(device) == CPU


@pytest.mark.parametrize("device", ["gpu", "", "cuda:x", None, 1.5])
def test__resolve_device__unknown__error_says_what_is_known(device: object) -> None:
    with pytest.raises(ValueError, match='is not a device that torch knows; use "auto"'):
        resolve_device(device)  # type: ignore[arg-type]


def test__resolve_device__no_gpu__error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="torch sees no GPU here"):
        resolve_device("cuda")


def test__resolve_device__gpu_number_too_large__error_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert resolve_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(ValueError, match=r"torch sees only 2 GPU\(s\)"):
        resolve_device("cuda:2")


@pytest.mark.parametrize("device", ["mps", "meta"])
def test__resolve_device__without_float64__is_refused(device: str) -> None:
    with pytest.raises(ValueError, match="cannot be used: times are handled in float64"):
        resolve_device(device)


@pytest.mark.parametrize(
    ("precision", "dtype"),
    [
        ("auto", torch.float32),
        ("float32", torch.float32),
        ("bfloat16", torch.bfloat16),
        # The network itself has to be converted.
        ("float64", torch.float32),
    ],
)
def test__autocast__on_a_cpu__products_have_the_precision(
    precision: str, dtype: torch.dtype
) -> None:
    with autocast(CPU, precision):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype


def test__autocast__unknown_precision__error_lists_them() -> None:
    with pytest.raises(ValueError, match='must be one of "auto", "float32", "bfloat16", "float64"'):
        autocast(CPU, "float16")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("x"), True),
        (MemoryError(), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("DefaultCPUAllocator"), False),
    ],
)
def test__is_out_of_memory__errors__are_told_apart(error: Exception, expected: bool) -> None:
    assert is_out_of_memory(error) is expected


def test__seeded__inside__is_repeatable_and_outside_nothing_changes() -> None:
    before = torch.get_rng_state()
    draws = []
    for seed in (1, 1, 2):
        with seeded(CPU, seed):
            draws.append(torch.rand(3).tolist())
    assert draws[0] == draws[1] != draws[2]
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test__seeded__on_a_gpu__its_generator_is_put_back_too() -> None:
    before = torch.cuda.get_rng_state()
    with seeded(torch.device("cuda"), 1):
        first = torch.rand(3, device="cuda")
    with seeded(torch.device("cuda"), 1):
        assert torch.equal(torch.rand(3, device="cuda"), first)
    with seeded(CPU, 1):
        pass
    assert torch.equal(torch.cuda.get_rng_state(), before)
