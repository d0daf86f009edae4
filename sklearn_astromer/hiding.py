"""Which observations the network has to predict, and what it sees of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sklearn_astromer.errors import ParameterError
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
    chance = torch.rand(magnitude.shape, generator=generator, device=device, dtype=torch.float32)
    column = torch.arange(n_positions, device=device)
    chance = chance.masked_fill(column >= length[:, None], 2.0)
    # The rank of each observation in a random order of its window.
    rank = chance.argsort(dim=1).argsort(dim=1)
    n_asked = n_targets(length, fraction)
    n_shown = _share(n_asked, shown)
    n_shuffled = _share(n_asked, shuffled)
    target = rank < n_asked[:, None]
    hidden = target & (rank >= (n_shown + n_shuffled)[:, None])
    replaced = target & ~hidden & (rank >= n_shown[:, None])
    pick = (
        torch.rand(magnitude.shape, generator=generator, device=device, dtype=torch.float32)
        * length[:, None]
    )
    other = magnitude.gather(1, pick.long().clamp(max=n_positions - 1))
    return Hiding(torch.where(replaced, other, magnitude), hidden, target)


def n_targets(length: Tensor, fraction: float) -> Tensor:
    """Tell how many observations of windows are to be predicted.

    Parameters
    ----------
    length : Tensor of int64, shape (n_windows,)
        Observations of each window.
    fraction : float
        Share of them that are targets (rounded down); never all of them.

    Returns
    -------
    n_targets : Tensor of int64, shape (n_windows,)
    """
    return torch.minimum(_share(length, fraction), (length - 1).clamp(min=0))


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


def flat_hidden(
    hidden: Sequence[NDArray[np.bool_]], lengths: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Check what a user wants hidden in each light curve, and put it one after the other.

    Parameters
    ----------
    hidden : sequence of array-like of bool, shape (n_observations,)
        One for each light curve, True where it is hidden.
    lengths : ndarray of int64, shape (n_curves,)
        Observations of each light curve.

    Returns
    -------
    hidden : ndarray of bool, shape (sum of lengths,)

    Raises
    ------
    ParameterError
        If an array is missing, left over, of the wrong length, not of bool, or masked somewhere.
    """
    parts = [np.asanyarray(part) for part in hidden]
    if len(parts) != len(lengths):
        raise ParameterError(
            f"hidden has {len(parts)} entries for {len(lengths)} light curves; give one array of "
            "bool per light curve."
        )
    for position, (part, length) in enumerate(zip(parts, lengths, strict=True)):
        if part.dtype != bool or part.shape != (length,):
            raise ParameterError(
                f"light curve {position}: hidden must be {length} values of bool, one per "
                f"observation, got {part.dtype} of shape {part.shape}."
            )
        if np.ma.is_masked(part):
            raise ParameterError(
                f"light curve {position}: hidden is masked at observation "
                f"{int(np.ma.getmaskarray(part).argmax())}; say True or False of each one."
            )
    return np.concatenate([np.asarray(part) for part in parts])
