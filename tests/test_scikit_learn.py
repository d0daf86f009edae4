"""The embedder keeps scikit-learn's rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_astromer import AstromerEmbedder


@parametrize_with_checks(
    [
        AstromerEmbedder(
            embedding_size=8,
            n_blocks=1,
            n_heads=2,
            feedforward_size=4,
            max_epochs=2,
            random_state=0,
            **others,
        )
        for others in ({}, {"architecture": "folding"})
    ]
)
def test__scikit_learn_checks__small_embedder__all_pass(
    estimator: Any, check: Callable[[Any], None]
) -> None:
    check(estimator)
