"""Configuration of the network."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sklearn_astromer.network import NetworkConfig


def test__network_config__defaults__are_those_of_the_paper() -> None:
    assert NetworkConfig().to_dict() == {
        "embedding_size": 256,
        "n_blocks": 2,
        "n_heads": 4,
        "feedforward_size": 128,
        "window_size": 200,
        "dropout": 0.1,
        "time_base": 1000.0,
        "attention": "exclude",
    }


def test__network_config__through_json__is_equal() -> None:
    config = NetworkConfig(embedding_size=16, n_heads=2, dropout=0.0, attention="additive")
    assert NetworkConfig(**json.loads(json.dumps(config.to_dict()))) == config
    other = NetworkConfig(residual=True, cycle_multiples=(0.5, 1.0))
    assert NetworkConfig(**json.loads(json.dumps(other.to_dict()))) == other


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"embedding_size": 0}, "embedding_size must be a positive integer"),
        ({"n_blocks": 1.0}, "n_blocks must be a positive integer"),
        ({"n_heads": True}, "n_heads must be a positive integer"),
        ({"feedforward_size": -3}, "feedforward_size must be a positive integer"),
        ({"window_size": "200"}, "window_size must be a positive integer"),
        ({"embedding_size": 10, "n_heads": 4}, "multiple of n_heads"),
        ({"dropout": 1.0}, "dropout must be in"),
        ({"dropout": float("nan")}, "dropout must be in"),
        ({"time_base": 1.0}, "time_base must be greater than 1"),
        ({"time_base": float("nan")}, "time_base must be greater than 1"),
        ({"attention": "add"}, 'attention must be "exclude" or "additive"'),
    ],
)
def test__network_config__impossible_value__is_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NetworkConfig(**values)
