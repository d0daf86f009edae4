"""Where to compute, and with what precision."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch


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
        raise ValueError(
            f'device={device!r} is not a device that torch knows; use "auto", "cpu", "cuda" or '
            '"cuda:0", for example.'
        ) from error
    if resolved.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            f'device={device!r} was asked for, but torch sees no GPU here; use device="auto" or '
            "install a torch build for your GPU."
        )
    if resolved.type not in ("cpu", "cuda"):
        raise ValueError(
            f'device={device!r} cannot be used: times are handled in float64; use "cpu" or "cuda".'
        )
    return resolved


def autocast(device: torch.device, precision: str) -> AbstractContextManager[None]:
    """Give the context in which the network runs with the asked precision.

    Parameters
    ----------
    device : torch.device
        Where the network is.
    precision : {"auto", "float32", "bfloat16"}
        "auto" is bfloat16 matrix products on a GPU that has them, and float32 elsewhere.

    Returns
    -------
    context : context manager

    Raises
    ------
    ValueError
        If the precision is unknown.
    """
    if precision not in ("auto", "float32", "bfloat16"):
        raise ValueError(f'precision must be "auto", "float32" or "bfloat16", got {precision!r}.')
    if precision == "auto":
        on_gpu = device.type == "cuda" and torch.cuda.is_bf16_supported()
        precision = "bfloat16" if on_gpu else "float32"
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error means that the memory of the device, or of the machine, is full."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    # torch's CPU allocator raises a plain RuntimeError.
    return isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error)
