"""Several processes that train one network: each takes its share of every batch.

`torchrun` starts them, one for each GPU. Every process has the same weights and draws the same
batches; of each batch it computes its share, losses and gradients are summed over all processes,
and all take the same step. So a run does not depend on the number of its processes, but for the
order of sums and for dropout. The networks are small, and all gradients are summed in one go: there
is nothing to gain from a wrapper around the network that would sum them layer by layer.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
from torch import Tensor, distributed, nn

from sklearn_astromer.errors import ParameterError
from sklearn_astromer.training.devices import resolve_device

# How long processes wait for each other. The first may search periods for hours meanwhile; where a
# process fails, torchrun ends the others without waiting.
PATIENCE = timedelta(days=2)


@contextmanager
def joined() -> Iterator[None]:
    """Join the processes that `torchrun` started, for a while; a process alone stays alone."""
    if not (distributed.is_available() and distributed.is_torchelastic_launched()):
        yield
        return
    # Without a name of a backend: gloo for what is on CPUs, and NCCL for what is on GPUs.
    distributed.init_process_group(timeout=PATIENCE)
    yield
    # Not after an error, where the others may be waiting for something else.
    distributed.destroy_process_group()


def n_processes() -> int:
    """Give the number of processes that train together."""
    return distributed.get_world_size() if _together() else 1


def rank() -> int:
    """Give the number of this process, from 0 on."""
    return distributed.get_rank() if _together() else 0


def is_first() -> bool:
    """Tell whether this is the process that prints and writes."""
    return rank() == 0


def device_of_process(device: str) -> torch.device:
    """Give the device on which this process computes: with GPUs, one for each process.

    Parameters
    ----------
    device : str
        See `sklearn_astromer.training.devices.resolve_device`.

    Returns
    -------
    device : torch.device

    Raises
    ------
    ValueError
        If there is no such device, or not one for each process.
    """
    resolved = resolve_device(device)
    if n_processes() == 1 or resolved.type == "cpu":
        return resolved
    if resolved.index is not None:
        raise ParameterError(
            f'device={device!r} is one GPU, but there are {n_processes()} processes; with "auto" '
            'or "cuda" each of them gets its own.'
        )
    own = resolve_device(f"cuda:{distributed.get_node_local_rank()}")
    torch.cuda.set_device(own)
    return own


def share_of(n_windows: int) -> slice:
    """Tell which windows of a batch this process computes.

    Parameters
    ----------
    n_windows : int
        Windows of the whole batch.

    Returns
    -------
    share : slice
        The shares of all processes together are the batch, and differ by one window at most.

    Raises
    ------
    ValueError
        If there are fewer windows than processes.
    """
    count = n_processes()
    if n_windows < count:
        raise ParameterError(
            f"a batch of {n_windows} windows cannot be shared by {count} processes; use a larger "
            "batch or fewer processes."
        )
    return slice(n_windows * rank() // count, n_windows * (rank() + 1) // count)


def summed(values: Tensor) -> Tensor:
    """Sum a tensor over all processes; each of them has to call this."""
    if not _together():
        return values
    total = values.clone()
    distributed.all_reduce(total)
    return total


def sum_gradients(module: nn.Module) -> None:
    """Sum the gradients of a module over all processes, in place."""
    if not _together():
        return
    gradients = [one.grad for one in module.parameters() if one.grad is not None]
    total = summed(torch.cat([gradient.flatten() for gradient in gradients]))
    parts = total.split([gradient.numel() for gradient in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))


def take_from_first(module: nn.Module) -> None:
    """Give all processes the weights of the first."""
    if _together():
        for value in module.state_dict().values():
            distributed.broadcast(value, src=0)


def of_all(values: Tensor) -> Tensor:
    """Collect a tensor that has the same shape in all processes: shape (n_processes, ...)."""
    if not _together():
        return values[None]
    collected = [torch.empty_like(values) for _ in range(n_processes())]
    distributed.all_gather(collected, values)
    return torch.stack(collected)


def first_decides(choice: bool) -> bool:
    """Give all processes the choice of the first; clocks, for one, do not agree."""
    return bool(of_all(torch.tensor(choice))[0])


@contextmanager
def first_before_others() -> Iterator[None]:
    """Let the first process do something while the others wait, and then find it done."""
    if not is_first():
        first_decides(True)
    yield
    if is_first():
        first_decides(True)


def _together() -> bool:
    return distributed.is_available() and distributed.is_initialized()
