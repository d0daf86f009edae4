"""Threads with a batch each: torch's threads are divided among them, and then as before."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import torch

from sklearn_astromer.training.side_by_side import n_workers, workers

CPU = torch.device("cpu")


@pytest.fixture
def four_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


def threads_of_a_new_thread() -> int:
    seen: list[int] = []
    thread = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    return seen[0]


@pytest.mark.usefixtures("four_threads")
@pytest.mark.parametrize(("n_tasks", "expected"), [(0, 1), (1, 1), (3, 3), (4, 4), (99, 4)])
def test__n_workers__any_number_of_tasks__is_at_most_torchs_threads(
    n_tasks: int, expected: int
) -> None:
    assert n_workers(n_tasks, CPU) == expected
    assert n_workers(n_tasks, torch.device("cuda")) == 1


@pytest.mark.usefixtures("four_threads")
def test__n_workers__threads_that_cannot_be_divided__is_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.backends.openmp, "is_available", lambda: False)
    assert n_workers(99, CPU) == 1


@pytest.mark.usefixtures("four_threads")
@pytest.mark.parametrize(("number", "share"), [(1, 4), (2, 2), (3, 1), (4, 1)])
def test__workers__each_has_its_share_of_threads_and_all_is_as_before(
    number: int, share: int
) -> None:
    together = threading.Barrier(number)

    def task(at: int) -> tuple[int, int, str]:
        together.wait(timeout=60)
        return at, torch.get_num_threads(), threading.current_thread().name

    with workers(number) as executor:
        done = [executor.submit(task, at) for at in range(number)]
        results = [future.result() for future in done]
        assert torch.get_num_threads() == threads_of_a_new_thread() == 4
    assert [at for at, _, _ in results] == list(range(number))
    assert {threads for _, threads, _ in results} == {share}
    assert len({name for _, _, name in results}) == number
    assert torch.get_num_threads() == threads_of_a_new_thread() == 4


@pytest.mark.usefixtures("four_threads")
@pytest.mark.parametrize("number", [1, 3])
def test__workers__task_fails__result_raises_and_no_thread_is_left(number: int) -> None:
    before = threading.active_count()
    with workers(number) as executor:
        future = executor.submit(lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            future.result()
        assert executor.submit(int).result() == 0
    assert threading.active_count() == before


@pytest.mark.usefixtures("four_threads")
def test__workers__block_is_left_early__what_waits_is_not_begun() -> None:
    begun, go_on = threading.Event(), threading.Event()
    done: list[int] = []

    def task(at: int) -> None:
        begun.set()
        go_on.wait(timeout=60)
        done.append(at)

    def interrupted() -> None:
        with workers(2) as executor:
            for at in range(50):
                executor.submit(task, at)
            begun.wait(timeout=60)
            threading.Timer(0.2, go_on.set).start()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(done) <= 2
    assert torch.get_num_threads() == 4
