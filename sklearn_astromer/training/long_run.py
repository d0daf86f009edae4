"""Long pre-training that can be stopped at any moment, and goes on to the same weights."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from skorch.callbacks import Callback, PassthroughScoring
from torch import Tensor, nn

from sklearn_astromer.atomic import write_bytes
from sklearn_astromer.errors import ParameterError, WeightsError
from sklearn_astromer.format_version import check_format
from sklearn_astromer.network import AstromerNetwork
from sklearn_astromer.network.pooling import pooled
from sklearn_astromer.training import processes
from sklearn_astromer.training.keep_best import KeepBest
from sklearn_astromer.training.losses import HiddenHuber, class_loss, portrait_loss
from sklearn_astromer.training.mixture import MixtureWindows, Truth
from sklearn_astromer.training.window_net import WindowNet

FORMAT_VERSION = 1
HEADER_KEY = "sklearn_astromer_run"
BEGIN_ANEW = "Delete it, and the run begins anew."
# Share of all steps in which the learning rate rises.
WARM_UP = 0.02
# Longest step of all weights together, in units of the learning rate: a rare bad window does less.
LARGEST_GRADIENT = 1.0
# Width of the layer from which portraits are told.
PORTRAIT_SIZE = 256
# Columns of the history, one for each thing that is told.
LOSSES = ("magnitude_loss", "class_loss", "portrait_loss")


@dataclass(frozen=True)
class LongRunSettings:
    """How to train.

    Parameters
    ----------
    n_epochs : int
        Epochs of the whole run, over which the learning rate rises and falls.
    device : torch.device
        Where.
    learning_rate : float, default=1e-3
        Of AdamW, at its highest.
    weight_decay : float, default=0.01
        Of AdamW.
    magnitude_weight : float, default=1.0
        Weight of Huber's loss of hidden magnitudes.
    label_weight : float, default=1.0
        Weight of the cross entropy of classes, of windows whose class is known.
    portrait_weight : float, default=1.0
        Weight of Huber's loss of the portraits of whole light curves.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        See `sklearn_astromer.training.devices.autocast`.
    """

    n_epochs: int
    device: torch.device
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    magnitude_weight: float = 1.0
    label_weight: float = 1.0
    portrait_weight: float = 1.0
    precision: str = "auto"


class Answer(NamedTuple):
    """What a network tells of windows; see `sklearn_astromer.training.mixture.Truth`."""

    magnitude: Tensor
    logits: Tensor
    portrait: Tensor


class TellingNetwork(nn.Module):
    """A network that tells, beside hidden magnitudes, the class and the portrait of a whole curve.

    Both are told from the mean embedding of one window, and so have to be in it: the class by a
    linear map, the portrait by a small network.

    Parameters
    ----------
    network : AstromerNetwork
        The network.
    n_classes, n_numbers : int
        Number of classes, and of numbers in a portrait.
    """

    def __init__(self, network: AstromerNetwork, n_classes: int, n_numbers: int) -> None:
        super().__init__()
        self.network = network
        size = network.config.embedding_size
        self.classes = nn.Linear(size, n_classes, dtype=torch.float32)
        self.portrait = nn.Sequential(
            nn.Linear(size, PORTRAIT_SIZE, dtype=torch.float32),
            nn.GELU(),
            nn.Linear(PORTRAIT_SIZE, n_numbers, dtype=torch.float32),
        )

    def forward(self, **inputs: Tensor) -> Answer:
        """Tell magnitudes, logits of classes, and portraits of windows."""
        embedding = self.network.encoder(**inputs)
        hidden, padding = inputs.get("hidden"), inputs.get("padding")
        magnitude = self.network.decode(embedding, inputs["magnitude"], hidden, padding)
        length = torch.full((len(embedding),), embedding.shape[1], device=embedding.device)
        if padding is not None:
            length = (~padding).sum(1)
        mean = pooled(embedding, length, padding)
        return Answer(magnitude, self.classes(mean), self.portrait(mean))


class LongRunNet(WindowNet):
    """The skorch net of a long run; its data are `MixtureWindows`.

    Parameters
    ----------
    module : TellingNetwork
        What to train, in place.
    magnitude_weight, label_weight, portrait_weight : float
        See `LongRunSettings`.
    n_steps : int
        Steps of the whole run.
    **kwargs
        Further parameters of `WindowNet`.
    """

    def __init__(
        self,
        module: TellingNetwork,
        *,
        magnitude_weight: float,
        label_weight: float,
        portrait_weight: float,
        n_steps: int,
        **kwargs: Any,
    ) -> None:
        self.magnitude_weight = magnitude_weight
        self.label_weight = label_weight
        self.portrait_weight = portrait_weight
        self.n_steps = n_steps
        super().__init__(module, **kwargs)

    def partial_fit(self, X: Any, y: None = None, **params: Any) -> LongRunNet:
        """Train on; an interruption is not taken for the end of an epoch, as skorch takes it.

        If the run diverges that is a warning, the best weights are put back, and `ended_by_` is
        `Diverged`: then it cannot go on.
        """
        super().partial_fit(X, y, **params)
        if self.interrupted:
            raise KeyboardInterrupt
        return self

    def get_loss(self, y_pred: Any, y_true: Any, X: Any = None, training: bool = False) -> Tensor:
        """Give the weighted sum of the losses of magnitudes, classes and portraits."""
        answer, truth = Answer(*y_pred), Truth(*y_true)
        parts = (
            self.criterion_(answer.magnitude, X, truth.magnitude),
            class_loss(answer.logits, truth.label),
            portrait_loss(answer.portrait, truth.portrait),
        )
        # What counts in the whole batch, of which this process may have a share.
        n_counted = processes.summed(torch.stack([part.n_counted for part in parts]))
        losses = torch.stack([part.total for part in parts]) / n_counted.clamp(min=1)
        for name, value in zip(LOSSES, processes.summed(losses.detach()).tolist(), strict=True):
            self.history.record_batch(name, value)
        weights = (self.magnitude_weight, self.label_weight, self.portrait_weight)
        return sum(weight * loss for weight, loss in zip(weights, losses, strict=True))

    def train_step(self, batch: Any, **fit_params: Any) -> Any:
        """Take one step, at the learning rate of its place in the run."""
        factor = rate_factor(self.step_ / self.n_steps)
        for group in self.optimizer_.param_groups:
            group["lr"] = self.lr * factor
        return super().train_step(batch, **fit_params)

    def told_loss(self, loss: Tensor) -> Tensor:
        """Give the loss of the whole batch, so that all processes decide alike what it means."""
        return processes.summed(loss.detach())

    def on_grad_computed(self, net: Any, named_parameters: Any, **kwargs: Any) -> None:
        """Sum the gradients of all processes, and shorten those that are too long."""
        processes.sum_gradients(self.module_)
        nn.utils.clip_grad_norm_(self.module_.parameters(), LARGEST_GRADIENT)
        super().on_grad_computed(net, named_parameters, **kwargs)


def rate_factor(share: float) -> float:
    """Give the learning rate, over its highest, after a share of the run."""
    return min(1.0, share / WARM_UP + 1e-3) * (1 + math.cos(math.pi * min(share, 1.0))) / 2


class KeepState(Callback):
    """Writes after each epoch all that a later run needs to go on, completely or not at all.

    Parameters
    ----------
    path : Path
        The file, a safetensors one: nothing in it is executed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_epoch_end(self, net: Any, dataset_train: Any = None, **kwargs: Any) -> None:
        """Write the state, in the first process."""
        state = run_state(net, dataset_train)
        if processes.is_first():
            write_bytes(self.path, state)


def run_state(net: LongRunNet, windows: MixtureWindows) -> bytes:
    """Put the state of a run, with all of its processes, into the bytes of a safetensors file."""
    tensors = {f"module.{name}": value for name, value in net.module_.state_dict().items()}
    optimizer = net.optimizer_.state_dict()
    for number, slots in optimizer["state"].items():
        for name, value in slots.items():
            tensors[f"optimizer.{number}.{name}"] = torch.as_tensor(value)
    tensors["windows"] = windows.state
    tensors["dropout"] = processes.of_all(torch.get_rng_state())
    if windows.observations.device.type == "cuda":
        state = torch.cuda.get_rng_state(windows.observations.device)
        tensors["dropout_cuda"] = processes.of_all(state)
    rows = [{k: v for k, v in row.items() if k != "batches"} for row in net.history]
    header = {
        "format": FORMAT_VERSION,
        "settings": run_settings(net, windows),
        "step": net.step_,
        "history": rows,
    }
    on_cpu = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    return save(on_cpu, metadata={HEADER_KEY: json.dumps(header, default=float)})


def run_settings(net: LongRunNet, windows: MixtureWindows) -> dict[str, float]:
    """Give the numbers that have to be the same where a run goes on."""
    names = ("magnitude_weight", "label_weight", "portrait_weight", "n_steps", "lr")
    return asdict(windows.settings) | {name: getattr(net, name) for name in names}


def resume(net: LongRunNet, windows: MixtureWindows, path: Path) -> None:
    """Put a run back to where `KeepState` left it.

    Parameters
    ----------
    net : LongRunNet
        Initialised, with the same network.
    windows : MixtureWindows
        With the same curves and settings.
    path : Path
        What `KeepState` wrote.

    Raises
    ------
    WeightsError
        If the file is no such state, or of another network.
    ParameterError
        If it is of other settings.

    Notes
    -----
    torch's own generators are put back too: call it within
    `sklearn_astromer.training.devices.seeded`. With another number of processes than before the
    batches stay the same, and dropout changes: a process that is new keeps its generators.
    """
    header, tensors = _read_state(path)
    given = run_settings(net, windows)
    other = [name for name, value in header["settings"].items() if given.get(name) != value]
    if other:
        raise ParameterError(
            f"{path} is of a run with other settings: {', '.join(other)}. Go on with those that it "
            "had, or begin anew elsewhere."
        )
    try:
        net.module_.load_state_dict(_below("module.", tensors))
    except RuntimeError as error:
        raise WeightsError(
            f"{path} is the state of another network: {error} {BEGIN_ANEW}"
        ) from error
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in _below("optimizer.", tensors).items():
        number, slot = name.split(".", 1)
        state.setdefault(int(number), {})[slot] = value
    groups = net.optimizer_.state_dict()["param_groups"]
    net.optimizer_.load_state_dict({"state": state, "param_groups": groups})
    windows.state = tensors["windows"]
    _resume_dropout(tensors, windows.observations.device)
    net.step_ = header["step"]
    for row in header["history"]:
        net.history.new_epoch()
        for name, value in row.items():
            net.history.record(name, value)


def _read_state(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read what `run_state` wrote, and check its form."""
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get(HEADER_KEY)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        header = None if text is None else json.loads(text)
    except (SafetensorError, ValueError, RecursionError) as error:
        raise WeightsError(f"{path} is damaged: {error}. {BEGIN_ANEW}") from error
    if not isinstance(header, dict):
        raise WeightsError(f"{path} is no state of a run. {BEGIN_ANEW}")
    check_format(header.get("format"), FORMAT_VERSION, path, BEGIN_ANEW)
    kinds = {"settings": dict, "step": int, "history": list}
    whole = all(isinstance(header.get(name), kind) for name, kind in kinds.items())
    if not whole or not {"windows", "dropout"} <= tensors.keys():
        raise WeightsError(f"{path} is damaged: it lacks a part of a run. {BEGIN_ANEW}")
    return header, tensors


def _resume_dropout(tensors: dict[str, Tensor], device: torch.device) -> None:
    """Put torch's generators back to where those of this process were."""
    # A row for each process; files of one process may hold just the one state.
    rows = {name: torch.atleast_2d(tensors[name]) for name in tensors if "dropout" in name}
    rank = processes.rank()
    if rank < len(rows["dropout"]):
        # torch reads states from the beginning of their memory, which rows share.
        torch.set_rng_state(rows["dropout"][rank].clone())
        if "dropout_cuda" in rows and device.type == "cuda":
            torch.cuda.set_rng_state(rows["dropout_cuda"][rank].clone(), device)


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }


def long_run_net(
    module: TellingNetwork,
    windows: MixtureWindows,
    settings: LongRunSettings,
    callbacks: Sequence[tuple[str, Any]] = (),
) -> LongRunNet:
    """Make the net of a run, ready for its first step, or for `resume`.

    Parameters
    ----------
    module : TellingNetwork
        What to train, in place.
    windows : MixtureWindows
        What to train on.
    settings : LongRunSettings
        How.
    callbacks : sequence of (name, skorch.callbacks.Callback), default=()
        More callbacks for skorch.

    Returns
    -------
    net : LongRunNet
        Train it with ``net.partial_fit(windows, None, epochs=...)``.
    """
    rates = f"learning_rate is {settings.learning_rate:g}"
    net = LongRunNet(
        module.to(settings.device),
        magnitude_weight=settings.magnitude_weight,
        label_weight=settings.label_weight,
        portrait_weight=settings.portrait_weight,
        n_steps=settings.n_epochs * windows.settings.steps_per_epoch,
        precision=settings.precision,
        criterion=HiddenHuber,
        optimizer=torch.optim.AdamW,
        optimizer__betas=(0.9, 0.98),
        optimizer__weight_decay=settings.weight_decay,
        optimizer__fused=True,
        lr=settings.learning_rate,
        train_split=None,
        # Before those that are given, which may want to see or to keep the means of the epoch.
        callbacks=[
            *((name, PassthroughScoring(name, on_train=True)) for name in LOSSES),
            # So is this: what is kept in a file has to be of use.
            ("keep_best", KeepBest(validated=False, rates=rates)),
            *callbacks,
        ],
        callbacks__print_log=None,
        device=str(settings.device),
        verbose=0,
    ).initialize()
    processes.take_from_first(net.module_)
    return net
