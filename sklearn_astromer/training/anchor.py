"""A penalty on forgetting, for fine-tuning."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from itertools import islice

import torch
from torch import Tensor

from sklearn_astromer.network import AstromerNetwork

# Batches from which the spread of the embeddings is taken.
SPREAD_BATCHES = 12
# Least spread, over the mean square: components that do not differ between the windows at hand
# (there may be but one) still count.
SMALLEST_SPREAD = 1e-4
# Share of the windows of a batch on which the penalty is computed: it says as much, and costs less.
SHARE_OF_BATCH = 0.35


class Anchor:
    """What a network's mean embeddings of wholly visible windows were, and a penalty on leaving it.

    A network that learns to predict hidden magnitudes needs not keep what its embeddings say of a
    light curve; classifiers that use them do.

    Parameters
    ----------
    network : AstromerNetwork
        In evaluation mode; what it embeds now is what it is held to.
    batches : iterable of (inputs, (magnitude, target))
        As `sklearn_astromer.training.pretraining.HiddenWindows` gives them; they tell how much
        each component of the embeddings varies from window to window.
    weight : float
        Of the penalty.
    """

    def __init__(
        self,
        network: AstromerNetwork,
        batches: Iterable[tuple[dict[str, Tensor], tuple[Tensor, Tensor]]],
        weight: float,
    ) -> None:
        self.weight = weight
        self.network = deepcopy(network).requires_grad_(False)
        means = []
        with torch.no_grad():
            for inputs, (magnitude, _) in islice(batches, SPREAD_BATCHES):
                visible = {name: value for name, value in inputs.items() if name != "hidden"}
                means.append(mean_embedding(network, visible | {"magnitude": magnitude}))
        mean = torch.cat(means)
        smallest = (SMALLEST_SPREAD * mean.square().mean()).clamp(min=1e-12)
        self.spread = torch.maximum(mean.var(0, correction=0), smallest)

    def penalty(self, network: AstromerNetwork, inputs: dict[str, Tensor]) -> Tensor:
        """Give the mean square change of the mean embeddings, over their variance, times `weight`.

        Parameters
        ----------
        network : AstromerNetwork
            The network in training; it is left in training mode.
        inputs : dict of Tensor
            Arguments of its encoder, with nothing hidden.

        Returns
        -------
        penalty : Tensor, shape ()
        """
        part = slice(0, max(1, round(SHARE_OF_BATCH * len(inputs["time"]))))
        inputs = {name: value[part] for name, value in inputs.items()}
        # Without dropout, whose noise would be taken for a change.
        network.eval()
        now = mean_embedding(network, inputs)
        network.train()
        with torch.no_grad():
            before = mean_embedding(self.network, inputs)
        return self.weight * ((now - before).square() / self.spread).mean()


def mean_embedding(network: AstromerNetwork, inputs: dict[str, Tensor]) -> Tensor:
    """Give the mean over the observations of windows of their embeddings.

    Parameters
    ----------
    network : AstromerNetwork
        Whose embeddings.
    inputs : dict of Tensor
        Arguments of its encoder.

    Returns
    -------
    embedding : Tensor of float32, shape (n_windows, embedding_size)
    """
    embedding = network.encoder(**inputs).float()
    if "padding" not in inputs:
        return embedding.mean(1)
    padding = inputs["padding"]
    total = embedding.masked_fill(padding[:, :, None], 0.0).sum(1)
    return total / (~padding).sum(1, keepdim=True)
