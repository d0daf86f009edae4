"""Batches side by side: on a CPU, threads with a batch each are faster than threads that share one.

Threads that share a batch wait for each other after every operation of the network, and most of
what they work on lies in the cache of another core.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import Any

import torch

__all__ = ["n_workers", "workers"]

# Bytes; a little less than 32 MiB, the most that the C library learns from.
LARGEST_LEARNT = 31 << 20


class _AtOnce(Executor):
    """Does each task in this thread, when it is handed over."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def n_workers(n_tasks: int, device: torch.device) -> int:
    """Tell how many tasks are to be done side by side.

    Parameters
    ----------
    n_tasks : int
        How many there are.
    device : torch.device
        Where they are done. A GPU takes one after the other.

    Returns
    -------
    n_workers : int
        At most as many as torch has threads in the thread that calls this.
    """
    # Without OpenMP all threads of a process share torch's number of threads.
    if device.type != "cpu" or not torch.backends.openmp.is_available():
        return 1
    return max(1, min(n_tasks, torch.get_num_threads()))


@contextmanager
def workers(n_workers: int) -> Iterator[Executor]:
    """Divide torch's threads among threads that work side by side.

    Parameters
    ----------
    n_workers : int
        How many. One: all is done by the thread that calls this.

    Yields
    ------
    executor : Executor
        Takes tasks. What waits at the end of the block is not begun any more.
    """
    _keep_memory()
    if n_workers == 1:
        yield _AtOnce()
        return
    n_threads = torch.get_num_threads()
    begun = Barrier(n_workers + 1)

    def begin() -> None:
        # Whatever a new thread asks of torch first gives it the setting of the process.
        torch.get_num_threads()
        torch.set_num_threads(n_threads // n_workers)
        begun.wait()

    executor = ThreadPoolExecutor(n_workers, "sklearn_astromer", begin)
    try:
        for _ in range(n_workers):
            executor.submit(int)
        begun.wait()
        # The setting is one of the thread that makes it, but also what new threads begin with.
        torch.set_num_threads(n_threads)
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


def _keep_memory() -> None:
    """Let the C library keep memory of this process that is free for the next batch.

    Of blocks as large as this one it learns what is worth keeping (M_MMAP_THRESHOLD in mallopt(3)).
    Otherwise the system takes back, and has to clear, the memory of nearly every operation. Nothing
    is written to this block, so that it costs no memory itself.
    """
    torch.empty(LARGEST_LEARNT, dtype=torch.uint8)
