"""The weights that are shown are those with which the network looks."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from example_curves import random_network
from torch import Tensor

from sklearn_astromer.network import AttentionConvention
from sklearn_astromer.network.attention import attention_bias
from sklearn_astromer.network.attention_maps import attention_maps

CONVENTIONS: tuple[AttentionConvention, ...] = ("exclude", "additive")
N_POSITIONS = 9


def inputs(seed: int = 0) -> dict[str, Tensor]:
    """Two windows with hidden magnitudes, one padded by a position that stands for 12."""
    generator = torch.Generator().manual_seed(seed)
    shape = (2, N_POSITIONS)
    time = torch.randn(shape, generator=generator, dtype=torch.float64) * 30
    padding = torch.zeros(shape, dtype=torch.bool)
    padding[1, -1] = True
    hidden = torch.zeros(shape, dtype=torch.bool)
    hidden[0, 2] = hidden[1, 0] = True
    return {
        "time": time,
        "magnitude": torch.randn(shape, generator=generator),
        "hidden": hidden,
        "padding": padding,
        "repeats": torch.where(padding, 12.0, 0.0),
    }


@pytest.mark.parametrize(
    "config",
    [
        {"attention": "exclude"},
        {"attention": "additive"},
        {"residual": True},
        {"residual": True, "standardised": True, "with_errors": True},
    ],
)
def test__attention_maps__weights_times_values__are_the_outputs_of_the_attention(
    config: dict[str, Any],
) -> None:
    encoder = random_network(**config).encoder
    given = inputs()
    if "with_errors" in config:
        given["error"] = torch.full_like(given["magnitude"], 0.1)
    maps = attention_maps(encoder, **given)
    assert len(maps) == len(encoder.blocks) == 2
    bias = attention_bias(
        encoder.attention_convention, given["hidden"], given["padding"], given["repeats"]
    )
    with torch.no_grad():
        for block, x, weights in zip(encoder.blocks, encoder.outputs(**given), maps, strict=False):
            attention = block.attention
            if "residual" in config:
                x = block.attention_norm(x)
            projection = attention.query_key_value
            size = x.shape[-1]
            # The last third of the joint projection gives the values.
            value = x @ projection.weight[2 * size :].T + projection.bias[2 * size :]
            of_heads = value.view(2, N_POSITIONS, attention.n_heads, -1).transpose(1, 2)
            mixed = (weights @ of_heads).transpose(1, 2).reshape(2, N_POSITIONS, size)
            torch.testing.assert_close(
                attention.output(mixed), attention(x, bias), atol=1e-5, rtol=1e-5
            )


def test__attention_maps__afterwards__the_encoder_is_as_before() -> None:
    encoder = random_network().encoder
    attention_maps(encoder, **inputs())
    with pytest.raises(TypeError):
        attention_maps(encoder, nonsense=torch.ones(1))
    assert not any(module._forward_pre_hooks for module in encoder.modules())


@pytest.mark.parametrize("convention", CONVENTIONS)
def test__attention_maps__each_row__sums_to_one_without_what_is_hidden(
    convention: AttentionConvention,
) -> None:
    given = inputs()
    for weights in attention_maps(random_network(attention=convention).encoder, **given):
        assert weights.shape == (2, 2, N_POSITIONS, N_POSITIONS)
        torch.testing.assert_close(weights.sum(-1), torch.ones(2, 2, N_POSITIONS))
        assert (weights[0, :, :, 2] == 0).all()
        assert (weights[1, :, :, 0] == 0).all()
        on_padding = weights[1, :, :, -1]
        assert (on_padding == 0).all() if convention == "exclude" else (on_padding > 0).all()


def test__attention_maps__one_padded_position_for_many__has_the_sum_of_their_weights() -> None:
    encoder = random_network(attention="additive").encoder
    magnitude, time = torch.randn(1, 3), torch.randn(1, 3, dtype=torch.float64)
    short = attention_maps(
        encoder,
        time=torch.nn.functional.pad(time, (0, 1)),
        magnitude=torch.nn.functional.pad(magnitude, (0, 1)),
        padding=torch.tensor([[False, False, False, True]]),
        repeats=torch.tensor([[0.0, 0.0, 0.0, 5.0]]),
    )
    full = attention_maps(
        encoder,
        time=torch.nn.functional.pad(time, (0, 5)),
        magnitude=torch.nn.functional.pad(magnitude, (0, 5)),
        padding=torch.arange(8)[None] >= 3,
    )
    for few, many in zip(short, full, strict=True):
        torch.testing.assert_close(few[:, :, :3, :3], many[:, :, :3, :3])
        torch.testing.assert_close(few[:, :, :3, 3], many[:, :, :3, 3:].sum(-1))
