"""Running over all curves: blocks, order, progress."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from period_curves import waves

from sklearn_astromer import as_light_curves
from sklearn_astromer.periods.batches import ROW, CurveBatch, FrequencyGrid, SearchRange
from sklearn_astromer.periods.search import BLOCK_SIZE, PeriodSearch


def period_search(curves: list[Any], min_period: float, **params: Any) -> PeriodSearch:
    settings = {"n_terms": 1, "add_jitter": True, "batch_size": "auto"} | params
    return PeriodSearch(
        as_light_curves(curves),
        SearchRange(min_period, None, 5),
        device=torch.device("cpu"),
        **settings,
    )


def test__run__more_frequencies__blocks_do_not_grow() -> None:
    seen: dict[float, list[tuple[int, int]]] = {}
    for min_period in (0.3, 0.003):

        def note(batch: CurveBatch, grid: FrequencyGrid, block_rows: int) -> torch.Tensor:
            seen.setdefault(min_period, []).append((int(grid.count.max()), block_rows))  # noqa: B023
            assert len(batch.time) * block_rows * 2 * ROW <= BLOCK_SIZE["cpu"]
            assert batch.time.numel() * block_rows <= BLOCK_SIZE["cpu"]
            return grid.first

        period_search(waves([0.7, 3.3, 1.0], [60, 600, 90]), min_period).run(note)
    few, many = seen[0.3], seen[0.003]
    assert [rows for _, rows in few] == [rows for _, rows in many]
    assert min(count for count, _ in many) > 90 * max(count for count, _ in few)


def test__run__some_curves_not_searchable__positions_are_those_given() -> None:
    curves = waves([0.7, 3.3, 1.0, 2.0], [60, 4, 90, 30])
    search = period_search(curves, 0.3, batch_size=2)
    assert search.searchable.tolist() == [0, 2, 3]
    results = search.run(lambda batch, grid, block_rows: batch.length)
    positions, lengths = (np.concatenate(part).tolist() for part in zip(*results, strict=True))
    found = dict(zip(positions, lengths, strict=True))
    assert found == {0: 60, 2: 90, 3: 30}


def test__run__more_terms__need_more_observations() -> None:
    curves = waves([0.7] * 3, [6, 7, 8])
    assert period_search(curves, 0.3, n_terms=2).searchable.tolist() == [1, 2]


@pytest.mark.parametrize("verbose", [0, 1])
def test__run__verbose__shows_a_bar(verbose: int, capsys: pytest.CaptureFixture[str]) -> None:
    search = period_search(waves([0.7], [60]), 0.3, verbose=verbose)
    search.run(lambda batch, grid, block_rows: batch.span)
    assert ("1/1" in capsys.readouterr().err) is bool(verbose)
