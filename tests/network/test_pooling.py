"""From rows of observations to one row per window."""

from __future__ import annotations

import pytest
import torch

from sklearn_astromer.network.pooling import pooled

LENGTHS = [5, 2, 9, 1, 7]
PADDING = torch.arange(9) >= torch.tensor(LENGTHS)[:, None]


def rows(dtype: torch.dtype = torch.float32) -> torch.Tensor:
    # Far below zero, so that a zero, or an infinity, in padding would be seen in either kind.
    generator = torch.Generator().manual_seed(0)
    return torch.randn(5, 9, 3, generator=generator, dtype=torch.float64).to(dtype) - 5


@pytest.mark.parametrize("kind", ["mean", "max"])
@pytest.mark.parametrize("rubbish", [1e6, float("nan"), float("inf")])
def test__pooled__padding__takes_no_part(kind: str, rubbish: float) -> None:
    embedding = rows()
    embedding[PADDING] = rubbish
    got = pooled(embedding, torch.tensor(LENGTHS), PADDING, kind)
    for row, length in enumerate(LENGTHS):
        real = embedding[row, :length]
        expected = real.mean(0) if kind == "mean" else real.amax(0)
        torch.testing.assert_close(got[row], expected)


@pytest.mark.parametrize("kind", ["mean", "max"])
def test__pooled__no_padding__takes_all_positions(kind: str) -> None:
    embedding = rows()
    expected = embedding.mean(1) if kind == "mean" else embedding.amax(1)
    got = pooled(embedding, torch.full((5,), 9), None, kind)
    torch.testing.assert_close(got, expected)


def test__pooled__kind__is_the_mean_by_default() -> None:
    length = torch.tensor(LENGTHS)
    assert torch.equal(pooled(rows(), length, PADDING), pooled(rows(), length, PADDING, "mean"))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (torch.bfloat16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
    ],
)
def test__pooled__precision__is_float32_or_better(
    given: torch.dtype, expected: torch.dtype
) -> None:
    embedding = rows(given)
    for padding, length in ((PADDING, torch.tensor(LENGTHS)), (None, torch.full((5,), 9))):
        got = pooled(embedding, length, padding)
        assert got.dtype == expected
        # Also the sum is made in it: of nine bfloat16 numbers it would lose a hundredth.
        kept = torch.ones(5, 9) if padding is None else (~padding).double()
        exact = (embedding.double() * kept[:, :, None]).sum(1) / length[:, None]
        torch.testing.assert_close(got.double(), exact, rtol=1e-6, atol=0)


def test__pooled__rubbish_in_padding__gradients_are_finite() -> None:
    embedding = rows().masked_fill(PADDING[:, :, None], torch.nan).requires_grad_()
    pooled(embedding, torch.tensor(LENGTHS), PADDING).sum().backward()
    assert embedding.grad is not None
    expected = (~PADDING) / torch.tensor(LENGTHS)[:, None]
    torch.testing.assert_close(embedding.grad, expected[:, :, None].expand(5, 9, 3))
