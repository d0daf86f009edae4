"""Progress on the screen, and a record of the training."""

from __future__ import annotations

from typing import Any

from skorch.callbacks import Callback

from sklearn_astromer.progress import progress_bar, says_each_epoch
from sklearn_astromer.training.window_net import TrainingInterrupted, WindowNet

# What skorch calls the errors, and what we do: of magnitudes, and of heads.
RMSE_NAMES = {"train_rmse": "train_rmse", "valid_loss": "valid_rmse"}
LOSS_NAMES = {"train_loss": "train_loss", "valid_loss": "valid_loss"}


class EpochBar(Callback):
    """A bar over the epochs that shows the errors of the last one, or a line for each.

    Parameters
    ----------
    names : dict of str
        Columns of skorch's history, and what they are called here.
    verbose : int
        See `sklearn_astromer.progress`.
    """

    def __init__(self, names: dict[str, str], verbose: int) -> None:
        self.names = names
        self.verbose = verbose

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Open the bar."""
        self.bar_ = progress_bar(
            desc="training", total=net.max_epochs, unit="epoch", verbose=self.verbose
        )

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Show what the epoch brought."""
        last = net.history[-1]
        shown = {name: f"{last[key]:.4f}" for key, name in self.names.items() if key in last}
        if says_each_epoch(self.verbose):
            errors = ", ".join(f"{name} {value}" for name, value in shown.items())
            self.bar_.write(f"epoch {last['epoch']}: {errors} ({last['dur']:.1f} s)")
        self.bar_.set_postfix(shown)
        self.bar_.update()

    def on_train_end(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Close the bar, also after an interruption."""
        self.bar_.close()


def training_record(history: Any, names: dict[str, str]) -> list[dict[str, float]]:
    """Turn a skorch history into one plain row per completed epoch.

    Parameters
    ----------
    history : skorch.history.History
        Of the net that was trained.
    names : dict of str
        Columns of it, and what they are called here: `RMSE_NAMES` or `LOSS_NAMES`.

    Returns
    -------
    rows : list of dict
        ``epoch``, then ``train_rmse`` (magnitudes) or ``train_loss`` and, if there was validation,
        ``valid_rmse`` or ``valid_loss``, then ``seconds``.
    """
    names = names | {"dur": "seconds"}
    return [
        {"epoch": int(row["epoch"])}
        | {name: float(row[key]) for key, name in names.items() if key in row}
        for row in history
        if "dur" in row
    ]


def completed(net: WindowNet, names: dict[str, str]) -> list[dict[str, float]]:
    """Give the record of a training that has ended, or say that it was interrupted.

    Parameters
    ----------
    net : WindowNet
        That was trained.
    names : dict of str
        As for `training_record`.

    Returns
    -------
    rows : list of dict
        See `training_record`.

    Raises
    ------
    TrainingInterrupted
        If somebody interrupted it after an epoch or more.
    KeyboardInterrupt
        If somebody interrupted it earlier.
    """
    rows = training_record(net.history, names)
    if not net.interrupted:
        return rows
    if rows:
        raise TrainingInterrupted(rows)
    raise KeyboardInterrupt("The training was interrupted before its first epoch was complete.")
