"""How the learning rate changes over a training of known length."""

from __future__ import annotations

import math

from skorch.callbacks import LRScheduler

# Steps in which the learning rate rises, at most.
WARM_UP_STEPS = 50


def rise_and_fall(n_steps: int) -> LRScheduler:
    """Let the learning rate rise over the first steps, and then fall to zero as a cosine does.

    Parameters
    ----------
    n_steps : int
        Steps of the whole training.

    Returns
    -------
    callback : skorch.callbacks.LRScheduler
    """
    n_rising = min(WARM_UP_STEPS, -(-n_steps // 10))

    def factor(step: int) -> float:
        return min(1.0, (step + 1) / n_rising) * (1 + math.cos(math.pi * step / n_steps)) / 2

    return LRScheduler("LambdaLR", lr_lambda=factor, step_every="batch")
