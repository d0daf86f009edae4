"""Where to compute, and with what precision."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch

from sklearn_astromer.errors import ParameterError

PRECISIONS = ("auto", "float32", "bfloat16", "float64")
# What plain RuntimeErrors say when memory is full: torch's CPU allocator, and NVIDIA's libraries.
MEMORY_SIGNS = ("DefaultCPUAllocator", "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED")


def resolve_device(device: str | torch.device) -> torch.device:
    """Turn the `device` parameter of an estimator into a torch device.

    Parameters
    ----------
    device : str or torch.device
        "auto" is the GPU if torch sees one, else the CPU; else what torch understands, such as
        "cpu", "cuda" or "cuda:1".

    Returns
    -------
    device : torch.device

    Raises
    ------
    ValueError
        If torch does not know the device, or cannot use it here.
    """
    if isinstance(device, str) and device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        resolved = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise ParameterError(
            f'device={device!r} is not a device that torch knows; use "auto", "cpu", "cuda" or '
            '"cuda:0", for example.'
        ) from error
    if resolved.type == "cuda" and not torch.cuda.is_available():
        raise ParameterError(
            f'device={device!r} was asked for, but torch sees no GPU here; use device="auto" or '
            "install a torch build for your GPU."
        )
    if resolved.type == "cuda" and (resolved.index or 0) >= torch.cuda.device_count():
        raise ParameterError(
            f"device={device!r} was asked for, but torch sees only {torch.cuda.device_count()} "
            "GPU(s) here; they are numbered from 0."
        )
    if resolved.type not in ("cpu", "cuda"):
        raise ParameterError(
            f'device={device!r} cannot be used: times are handled in float64; use "cpu" or "cuda".'
        )
    return resolved


def autocast(device: torch.device, precision: str) -> AbstractContextManager[None]:
    """Give the context in which the network runs with the asked precision.

    Parameters
    ----------
    device : torch.device
        Where the network is.
    precision : {"auto", "float32", "bfloat16", "float64"}
        "auto" is bfloat16 matrix products on a GPU that has them, and float32 elsewhere. For
        float64 the network itself has to be converted.

    Returns
    -------
    context : context manager

    Raises
    ------
    ValueError
        If the precision is unknown.
    """
    if precision not in PRECISIONS:
        listed = ", ".join(f'"{known}"' for known in PRECISIONS)
        raise ParameterError(f"precision must be one of {listed}, got {precision!r}.")
    if precision == "auto":
        on_gpu = device.type == "cuda" and torch.cuda.is_bf16_supported()
        precision = "bfloat16" if on_gpu else "float32"
    if precision in ("float32", "float64"):
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error means that the memory of the device, or of the machine, is full."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in MEMORY_SIGNS)


@contextmanager
def seeded(device: torch.device, seed: int) -> Iterator[None]:
    """Seed torch's global generators for a while, and put them back as they were.

    Parameters
    ----------
    device : torch.device
        Its generator is seeded, and the CPU's.
    seed : int
        The seed.
    """
    on_gpu = device.type == "cuda"
    with torch.random.fork_rng(devices=[device] if on_gpu else []):
        # Not torch.manual_seed, which would seed every GPU, and only this one is put back.
        torch.default_generator.manual_seed(seed)
        if on_gpu:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield
