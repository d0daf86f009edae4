"""What pickle, copy, joblib and skops get of an estimator: arrays and plain values, no torch.

A torch module is kept as the numbers in it and what it takes to make it again. skops cannot take
modules (it would lose their weights), and there is no need to trust any class of torch. The numbers
come back in the modules exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from torch import Tensor, nn

from sklearn_astromer.errors import WeightsError
from sklearn_astromer.network import AstromerNetwork, NetworkConfig
from sklearn_astromer.network.heads import (
    Head,
    HeadedNetwork,
    LinearHead,
    LSTMHead,
    MLPHead,
    SkipHead,
)
from sklearn_astromer.training.progress import LOSS_NAMES
from sklearn_astromer.training.supervised import (
    SupervisedNet,
    SupervisedSettings,
    supervised_net,
)
from sklearn_astromer.weights import Checkpoint

Arrays = dict[str, NDArray[Any]]

HEADS: dict[str, type[Head]] = {
    kind.__name__: kind for kind in (LinearHead, MLPHead, SkipHead, LSTMHead)
}
CRITERIA: dict[str, type[nn.Module]] = {
    kind.__name__: kind for kind in (nn.CrossEntropyLoss, nn.MSELoss)
}


class PlainState(BaseEstimator):
    """Base of the estimators that hold torch modules: their state has none.

    It knows `network_`, `head_`, and what `partial_fit` leaves: `net_` and `settings_`. The encoder
    that a net trains together with its head is that of `embedder_`, its record is `history_`.
    """

    def __getstate__(self) -> dict[str, Any]:
        """Give the attributes, with arrays in place of torch modules."""
        state: dict[str, Any] = dict(super().__getstate__())
        if "network_" in state:
            state["network_"] = plain_network(state["network_"])
        if "head_" in state:
            state["head_"] = plain_head(state["head_"])
        if "net_" in state:
            state["net_"] = plain_net(state["net_"])
            state["settings_"] = plain_settings(state["settings_"])
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the attributes, and make the torch modules again."""
        state = dict(state)
        if "network_" in state:
            state["network_"] = network_from(state["network_"])
        if "head_" in state:
            state["head_"] = head_from(state["head_"])
        if "net_" in state:
            state["settings_"] = settings_from(state["settings_"])
            encoder = None
            if state["net_"]["with_encoder"]:
                encoder = state["embedder_"].network_.encoder
            module = HeadedNetwork(state["head_"], encoder)
            record = state.get("history_", [])
            state["net_"] = net_from(state["net_"], module, state["settings_"], record)
        super().__setstate__(state)


def plain_network(network: AstromerNetwork) -> dict[str, Any]:
    """Give the configuration and the numbers of a network.

    Parameters
    ----------
    network : AstromerNetwork

    Returns
    -------
    plain : dict
        ``config`` and ``arrays``.
    """
    return {"config": network.config.to_dict(), "arrays": _arrays(network.state_dict())}


def network_from(plain: Mapping[str, Any]) -> AstromerNetwork:
    """Make a network of what `plain_network` gave.

    Parameters
    ----------
    plain : dict

    Returns
    -------
    network : AstromerNetwork
        On the CPU, in evaluation mode.

    Raises
    ------
    WeightsError
        If numbers and configuration do not fit each other.
    """
    config = NetworkConfig(**plain["config"])
    return Checkpoint(config, _tensors(plain["arrays"])).build()


def plain_head(head: Head) -> dict[str, Any]:
    """Give the class, the arguments and the numbers of a head.

    Parameters
    ----------
    head : torch.nn.Module
        One of `HEADS`.

    Returns
    -------
    plain : dict
        ``kind``, ``arguments`` and ``arrays``.
    """
    numbers = head.state_dict()
    # In all heads what is read last is a linear map, whose bias has one number for each output.
    n_outputs = len(list(numbers.values())[-1])
    size = head.standardise.mean.shape[-1]
    arguments: dict[str, Any] = {"n_outputs": n_outputs}
    if isinstance(head, LSTMHead):
        arguments |= {"input_size": size, "floor": head.standardise.floor}
        arguments |= {"dropout": head.dropout.p, "size": head.first.hidden_size}
    else:
        arguments["embedding_size"] = size
    if isinstance(head, MLPHead | SkipHead):
        widths = [layer.out_features for layer in head.layers if isinstance(layer, nn.Linear)]
        arguments["sizes"] = widths[:-1]
    if isinstance(head, SkipHead):
        arguments["n_blocks"] = len(head.mixture) - 1
    return {"kind": type(head).__name__, "arguments": arguments, "arrays": _arrays(numbers)}


def head_from(plain: Mapping[str, Any]) -> Head:
    """Make a head of what `plain_head` gave.

    Parameters
    ----------
    plain : dict

    Returns
    -------
    head : torch.nn.Module
        On the CPU, in evaluation mode.

    Raises
    ------
    WeightsError
        If the head is not known, or its numbers do not fit its sizes.
    """
    kind, tensors = HEADS.get(plain["kind"]), _tensors(plain["arrays"])
    if kind is None:
        raise WeightsError(f"There is no head {plain['kind']!r}; there are {', '.join(HEADS)}.")
    shapes = {}
    # Each layer has numbers, and one that is only sketched takes time and memory too.
    if len(plain["arguments"].get("sizes", ())) <= len(tensors):
        with torch.device("meta"):
            sketch = kind(**plain["arguments"])
        shapes = {name: value.shape for name, value in sketch.state_dict().items()}
    if shapes != {name: value.shape for name, value in tensors.items()}:
        raise WeightsError(
            f"The weights of the {plain['kind']} do not fit its sizes: the file is damaged, or two "
            "are mixed up. Save the estimator again."
        )
    # The start values are thrown away at once: drawing them shall not disturb other draws.
    with torch.random.fork_rng(devices=[]):
        head = kind(**plain["arguments"])
    head.to(tensors["standardise.mean"].dtype).load_state_dict(tensors)
    return head.eval()


def plain_net(net: SupervisedNet) -> dict[str, Any]:
    """Give what a net remembers beside its head, its encoder and its history: its optimiser.

    Parameters
    ----------
    net : SupervisedNet
        Initialised.

    Returns
    -------
    plain : dict
        ``with_encoder`` (whether it trains the encoder too) and ``optimizer``, arrays.
    """
    slots = {
        f"{number}.{name}": torch.as_tensor(value)
        for number, values in net.optimizer_.state_dict()["state"].items()
        for name, value in values.items()
    }
    return {"with_encoder": net.module_.encoder is not None, "optimizer": _arrays(slots)}


def net_from(
    plain: Mapping[str, Any],
    module: HeadedNetwork,
    settings: SupervisedSettings,
    record: Iterable[Mapping[str, float]],
) -> SupervisedNet:
    """Make a net of what `plain_net` gave, ready to go on.

    Parameters
    ----------
    plain : dict
        What `plain_net` gave.
    module : HeadedNetwork
        The head and the encoder that the net trained.
    settings : SupervisedSettings
        Those of the net.
    record : iterable of dict
        What `sklearn_astromer.training.progress.training_record` made of its history.

    Returns
    -------
    net : SupervisedNet
    """
    net = supervised_net(module, settings).initialize()
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in _tensors(plain["optimizer"]).items():
        parameter, slot = name.split(".", 1)
        state.setdefault(int(parameter), {})[slot] = value
    groups = net.optimizer_.state_dict()["param_groups"]
    net.optimizer_.load_state_dict({"state": state, "param_groups": groups})
    # Where `partial_fit` leaves it, whatever the device.
    module.cpu()
    skorchs_name = {"seconds": "dur"} | {ours: theirs for theirs, ours in LOSS_NAMES.items()}
    for row in record:
        net.history.new_epoch()
        for column, number in row.items():
            net.history.record(skorchs_name.get(column, column), number)
    return net


def plain_settings(settings: SupervisedSettings) -> dict[str, Any]:
    """Give settings with names in place of classes and devices.

    Parameters
    ----------
    settings : SupervisedSettings

    Returns
    -------
    plain : dict
    """
    names = {"criterion": settings.criterion.__name__, "device": str(settings.device)}
    return asdict(settings) | names


def settings_from(plain: Mapping[str, Any]) -> SupervisedSettings:
    """Make settings of what `plain_settings` gave.

    Parameters
    ----------
    plain : dict

    Returns
    -------
    settings : SupervisedSettings
        A GPU that is not here becomes the CPU.
    """
    device = torch.device(plain["device"])
    if device.type == "cuda" and not torch.cuda.is_available():
        device = torch.device("cpu")
    return SupervisedSettings(
        **{**plain, "criterion": CRITERIA[plain["criterion"]], "device": device}
    )


def _arrays(tensors: Mapping[str, Tensor]) -> Arrays:
    return {name: value.detach().cpu().numpy() for name, value in tensors.items()}


def _tensors(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
    # Copies: a shallow copy of an estimator must not share its weights, and joblib hands on arrays
    # that cannot be written to.
    return {name: torch.from_numpy(np.array(value)) for name, value in arrays.items()}
