"""Which observations the network has to predict, and what it sees of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sklearn_astromer.windows import Windows

# Paper, Sect. 4.3: of the observations to be predicted, 20 % are shown as they are, and 20 % with
# the magnitude of another observation.
SHARE_SHOWN = 0.2
SHARE_SHUFFLED = 0.2


class Hiding(NamedTuple):
    """What is asked of the network in a batch of windows.

    Parameters
    ----------
    magnitude : Tensor, shape (n_windows, n_positions)
        Magnitudes with those of the shuffled targets replaced.
    hidden : Tensor of bool, shape (n_windows, n_positions)
        True where the network gets no magnitude.
    target : Tensor of bool, shape (n_windows, n_positions)
        True where the prediction counts in the loss.
    """

    magnitude: Tensor
    hidden: Tensor
    target: Tensor


def hide(
    magnitude: Tensor,
    length: Tensor,
    *,
    fraction: float = 0.5,
    shown: float = SHARE_SHOWN,
    shuffled: float = SHARE_SHUFFLED,
    generator: torch.Generator | None = None,
) -> Hiding:
    """Choose targets at random in each window, and hide them (Sect. 4.3 of the paper).

    Of the targets, `shown` keep their magnitude and are visible, `shuffled` get the magnitude of a
    random observation of the window and are visible, and the others are hidden. At least one
    observation of a window stays that is no target; a window of one observation has no target.

    Parameters
    ----------
    magnitude : Tensor, shape (n_windows, n_positions)
        Magnitudes; only the first `length` positions of a window are observations.
    length : Tensor of int64, shape (n_windows,)
        Observations of each window.
    fraction : float, default=0.5
        Share of the observations of a window that are targets (rounded down).
    shown, shuffled : float, default=0.2
        Shares of the targets (rounded down).
    generator : torch.Generator, optional
        Where chance comes from; on the device of `magnitude`.

    Returns
    -------
    hiding : Hiding
    """
    n_positions = magnitude.shape[1]
    device = magnitude.device
    chance = torch.rand(magnitude.shape, generator=generator, device=device)
    column = torch.arange(n_positions, device=device)
    chance = chance.masked_fill(column >= length[:, None], 2.0)
    # The rank of each observation in a random order of its window.
    rank = chance.argsort(dim=1).argsort(dim=1)
    n_targets = _share(length, fraction).clamp(max=(length - 1).clamp(min=0))
    n_shown = _share(n_targets, shown)
    n_shuffled = _share(n_targets, shuffled)
    target = rank < n_targets[:, None]
    hidden = target & (rank >= (n_shown + n_shuffled)[:, None])
    replaced = target & ~hidden & (rank >= n_shown[:, None])
    pick = torch.rand(magnitude.shape, generator=generator, device=device) * length[:, None]
    other = magnitude.gather(1, pick.long().clamp(max=n_positions - 1))
    return Hiding(torch.where(replaced, other, magnitude), hidden, target)


def _share(count: Tensor, fraction: float) -> Tensor:
    # A little more than the product, so that 0.2 of 10 is 2 in floating point as well.
    return torch.floor(count.to(torch.float64) * fraction + 1e-9).long()


def hidden_at_random(
    windows: Windows, n_observations: int, fraction: float, random_state: np.random.RandomState
) -> NDArray[np.bool_]:
    """Hide a share of the observations of each window for good, with nothing shown or shuffled.

    Parameters
    ----------
    windows : Windows
        Windows that share no observation.
    n_observations : int
        Number of all observations.
    fraction : float
        Share of the observations of a window to be hidden (rounded down); never all of them.
    random_state : RandomState
        Where chance comes from.

    Returns
    -------
    hidden : ndarray of bool, shape (n_observations,)
    """
    window = np.repeat(np.arange(len(windows)), windows.length)
    first = np.cumsum(windows.length) - windows.length
    observation = np.arange(len(window)) - np.repeat(first - windows.start, windows.length)
    n_hidden = np.floor(windows.length * fraction + 1e-9).astype(np.int64)
    n_hidden = np.minimum(n_hidden, windows.length - 1)
    order = np.lexsort((random_state.random_sample(len(window)), window))
    rank = np.arange(len(window)) - np.repeat(first, windows.length)
    hidden = np.zeros(n_observations, dtype=bool)
    hidden[observation[order]] = rank < n_hidden[window]
    return hidden
