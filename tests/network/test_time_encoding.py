"""Sines and cosines of the observation times."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sklearn_astromer.network.time_encoding import TimeEncoding

# A float32 angle of up to pi is exact to 1e-7, and its sine to about the same.
TOLERANCE = 1e-6


def paper_formula(time: np.ndarray, size: int, base: float) -> np.ndarray:
    """Eqs. 3 and 4 of the paper in float64, one component after the other."""
    encoding = np.empty((*time.shape, size))
    for component in range(size):
        angle = time * base ** (-2 * component / size)
        encoding[..., component] = np.sin(angle) if component % 2 == 0 else np.cos(angle)
    return encoding


@pytest.mark.parametrize("base", [1000.0, 10000.0])
def test__time_encoding__thousands_of_days__equals_the_formula(base: float) -> None:
    time = np.random.default_rng(0).uniform(-4000, 4000, size=(3, 50))
    encoding = TimeEncoding(256, base)(torch.from_numpy(time))
    assert encoding.dtype == torch.float32
    assert np.abs(encoding.numpy() - paper_formula(time, 256, base)).max() < TOLERANCE


def test__time_encoding__time_zero__is_zeros_and_ones() -> None:
    encoding = TimeEncoding(8, 1000.0)(torch.zeros(1, dtype=torch.float64))
    expected = torch.tensor([0.0, 1.0] * 4)
    torch.testing.assert_close(encoding[0], expected, atol=TOLERANCE, rtol=0)


def test__time_encoding__state__holds_nothing() -> None:
    # Frequencies follow from the configuration, and must not be stored with the weights.
    assert not TimeEncoding(8, 1000.0).state_dict()
