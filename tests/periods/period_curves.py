"""Light curves with a known period, and ways to compute with them that share nothing with ours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from sklearn_astromer import as_light_curves
from sklearn_astromer.periods.batches import (
    CurveBatch,
    FrequencyGrid,
    SearchableCurves,
    SearchRange,
)

Curve = NDArray[np.float64]


def waves(
    periods: Sequence[float],
    lengths: Sequence[int],
    *,
    span: float = 90.0,
    noise: float = 0.05,
    errors: bool = True,
    seed: int = 0,
) -> list[Curve]:
    """Sines at irregular times with errors of different sizes; values are exact in float32."""
    random = np.random.RandomState(seed)
    curves = []
    for period, length in zip(periods, lengths, strict=True):
        time = 50_000 + np.sort(random.uniform(0, span, length))
        error = (noise * random.uniform(0.5, 2, length)).astype(np.float32)
        magnitude = 15 + 0.3 * np.sin(2 * np.pi * time / period) + error * random.randn(length)
        columns = [time, magnitude.astype(np.float32), error]
        curves.append(np.column_stack(columns if errors else columns[:2]))
    return curves


def batch_and_grid(
    curves: list[Curve], min_period: float = 0.3, oversampling: float = 5
) -> tuple[CurveBatch, FrequencyGrid]:
    """All curves in one batch, and their frequencies."""
    batch = SearchableCurves(as_light_curves(curves)).batch(
        np.arange(len(curves)), torch.device("cpu")
    )
    return batch, SearchRange(min_period, None, oversampling).grid(batch.span)


def fitted(curve: Curve, frequency: float, n_terms: int = 1) -> tuple[float, NDArray[np.float64]]:
    """Weighted least squares with a mean by numpy: power, and fit minus the weighted mean."""
    time, magnitude = curve[:, 0] - curve[0, 0], curve[:, 1]
    weight = 1 / curve[:, 2] ** 2 if curve.shape[1] == 3 else np.ones(len(curve))
    phase = 2 * np.pi * frequency * time
    waves = [wave(k * phase) for k in range(1, n_terms + 1) for wave in (np.sin, np.cos)]
    design = np.column_stack([np.ones(len(time)), *waves])
    root = np.sqrt(weight)
    solution = np.linalg.lstsq(root[:, None] * design, root * magnitude, rcond=None)[0]
    model = design @ solution
    deviation = magnitude - np.average(magnitude, weights=weight)
    left = (weight * (magnitude - model) ** 2).sum() / (weight * deviation**2).sum()
    return 1 - left, model - np.average(magnitude, weights=weight)
