"""Who may look at whom, and with which weight."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from sklearn_astromer.network import AttentionConvention
from sklearn_astromer.network.attention import MultiHeadAttention, attention_bias, visible_keys

CONVENTIONS: tuple[AttentionConvention, ...] = ("exclude", "additive")
SIZE, N_HEADS, N_POSITIONS = 12, 3, 7


@pytest.fixture
def attention() -> MultiHeadAttention:
    torch.manual_seed(0)
    module = MultiHeadAttention(SIZE, N_HEADS)
    # Large weights: logits that differ much, so that mixed-up heads or scales cannot hide.
    with torch.no_grad():
        module.query_key_value.weight.mul_(4)
    return module


@pytest.fixture
def embedded() -> Tensor:
    return torch.randn(2, N_POSITIONS, SIZE, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def hidden() -> Tensor:
    hidden = torch.zeros(2, N_POSITIONS, dtype=torch.bool)
    hidden[0, 1] = hidden[0, 3] = hidden[1, 0] = True
    return hidden


@pytest.fixture
def padding() -> Tensor:
    padding = torch.zeros(2, N_POSITIONS, dtype=torch.bool)
    padding[0, 5:] = padding[1, 2:] = True
    return padding


def plain_attention(module: MultiHeadAttention, x: Tensor, bias: np.ndarray) -> np.ndarray:
    """Eqs. 1 and 2 of the paper in float64 and with loops."""
    weights = module.query_key_value.weight.detach().numpy().astype(float)
    offsets = module.query_key_value.bias.detach().numpy().astype(float)
    values = x.numpy().astype(float)
    result = np.zeros_like(values)
    head_size = SIZE // N_HEADS
    for window in range(values.shape[0]):
        query, key, value = np.split(values[window] @ weights.T + offsets, 3, axis=1)
        for head in range(N_HEADS):
            part = slice(head * head_size, (head + 1) * head_size)
            logits = query[:, part] @ key[:, part].T / math.sqrt(head_size) + bias[window]
            shares = np.exp(logits - logits.max(axis=1, keepdims=True))
            shares /= shares.sum(axis=1, keepdims=True)
            result[window][:, part] = shares @ value[:, part]
    output = module.output
    return result @ output.weight.detach().numpy().T.astype(float) + output.bias.detach().numpy()


def plain_bias(convention: str, hidden: Tensor, padding: Tensor) -> np.ndarray:
    """What is added for each query (rows) and key (columns), pair by pair."""
    bias = np.zeros((2, N_POSITIONS, N_POSITIONS))
    for window in range(2):
        for query in range(N_POSITIONS):
            for key in range(N_POSITIONS):
                involved = bool(padding[window, query] or padding[window, key])
                if convention == "additive" and involved:
                    bias[window, query, key] = 1.0
                if convention == "exclude" and padding[window, key]:
                    bias[window, query, key] = -np.inf
                if hidden[window, key]:
                    bias[window, query, key] = -np.inf
    return bias


@pytest.mark.parametrize("convention", CONVENTIONS)
def test__attention__hidden_and_padding__equals_plain_softmax(
    convention: AttentionConvention,
    attention: MultiHeadAttention,
    embedded: Tensor,
    hidden: Tensor,
    padding: Tensor,
) -> None:
    with torch.no_grad():
        found = attention(embedded, attention_bias(convention, hidden, padding))
    expected = plain_attention(attention, embedded, plain_bias(convention, hidden, padding))
    # Rows at padded positions count too.
    np.testing.assert_allclose(found.numpy(), expected, atol=2e-6)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test__attention__nothing_hidden_or_padded__needs_no_bias(
    convention: AttentionConvention, attention: MultiHeadAttention, embedded: Tensor
) -> None:
    nothing = torch.zeros(2, N_POSITIONS, dtype=torch.bool)
    assert attention_bias(convention) is None
    with torch.no_grad():
        found = attention(embedded, attention_bias(convention, nothing, nothing))
        torch.testing.assert_close(found, attention(embedded), atol=1e-6, rtol=0)
    expected = plain_attention(attention, embedded, np.zeros((2, N_POSITIONS, N_POSITIONS)))
    np.testing.assert_allclose(found.numpy(), expected, atol=2e-6)


def test__attention__keys_or_bias__equal_also_in_their_gradients(
    attention: MultiHeadAttention, embedded: Tensor, hidden: Tensor, padding: Tensor
) -> None:
    bias = attention_bias("exclude", hidden, padding)
    results = []
    for arguments in ({"bias": bias}, {"keys": visible_keys(hidden, padding)}):
        for training in (True, False):
            attention.train(training).zero_grad()
            output = attention(embedded, **arguments)
            output.square().sum().backward()
            gradient = attention.query_key_value.weight.grad
            assert gradient is not None
            results.append((output.detach(), gradient.clone()))
    for output, gradient in results[1:]:
        torch.testing.assert_close(output, results[0][0], atol=1e-5, rtol=0)
        torch.testing.assert_close(gradient, results[0][1], atol=1e-3, rtol=1e-4)


def test__visible_keys__windows_of_unlike_number__are_filled_up_and_excluded() -> None:
    hidden = torch.tensor([[False, True, False, True], [False, False, False, True]])
    keys = visible_keys(hidden)
    assert keys.position[0, :2].tolist() == [0, 2]
    assert keys.position[1].tolist() == [0, 1, 2]
    assert keys.bias is not None
    assert keys.bias[:, 0, 0].tolist() == [[0, 0, -math.inf], [0, 0, 0]]
    padding = torch.tensor([[False] * 4, [False, False, True, False]])
    alike = visible_keys(hidden, padding)
    assert alike.position.tolist() == [[0, 2], [0, 1]]
    assert alike.bias is None


@pytest.mark.parametrize("convention", CONVENTIONS)
def test__attention_bias__hidden_only__is_the_same_for_both_conventions(
    convention: AttentionConvention, hidden: Tensor
) -> None:
    bias = attention_bias(convention, hidden)
    assert bias is not None
    expected = torch.where(hidden, -torch.inf, 0.0)[:, None, None, :]
    assert torch.equal(bias, expected)


def test__attention_bias__padding_excluded__leaves_exactly_the_observations() -> None:
    bias = attention_bias("exclude", padding=torch.tensor([[False, False, True]]))
    assert bias is not None
    assert bias.flatten().tolist() == [0.0, 0.0, -math.inf]


def test__attention_bias__padding_added__raises_rows_and_columns_by_one() -> None:
    bias = attention_bias("additive", padding=torch.tensor([[False, False, True]]))
    assert bias is not None
    assert bias[0, 0].tolist() == [[0, 0, 1], [0, 0, 1], [1, 1, 1]]


def test__attention_bias__repeats__adds_their_logarithm_to_padded_keys() -> None:
    padding = torch.tensor([[False, True], [False, True]])
    # Repeats of observations are not looked at.
    bias = attention_bias("additive", None, padding, torch.tensor([[9, 5], [9, 0]]))
    assert bias is not None
    torch.testing.assert_close(bias[0, 0, 0], torch.tensor([0.0, 1 + math.log(5)]))
    torch.testing.assert_close(bias[0, 0, 1], torch.tensor([1.0, 1 + math.log(5)]))
    assert bias[1, 0, :, 1].tolist() == [-math.inf, -math.inf]


def test__masks_and_weights__defaults_of_the_user__play_no_part(
    hidden: Tensor, padding: Tensor
) -> None:
    repeats = torch.full(padding.shape, 3)

    def masks() -> list[Tensor]:
        keys = visible_keys(hidden, padding)
        found = [
            keys.position,
            keys.bias,
            attention_bias("exclude", hidden),
            attention_bias("exclude", hidden, padding),
            attention_bias("additive", hidden, padding, repeats),
        ]
        return [mask for mask in found if mask is not None]

    usual = masks()
    torch.set_default_dtype(torch.float64)
    try:
        types = {parameter.dtype for parameter in MultiHeadAttention(SIZE, N_HEADS).parameters()}
        # A default device without memory stands for a GPU.
        with torch.device("meta"):
            found = masks()
    finally:
        torch.set_default_dtype(torch.float32)
    assert types == {torch.float32}
    assert len(found) == len(usual) == 5
    for a, b in zip(found, usual, strict=True):
        assert torch.equal(a, b)
        assert a.dtype == b.dtype
