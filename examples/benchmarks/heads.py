"""How long classifiers with heads take, and what of it is not the arithmetic of torch.

The first table: fit and predict with a frozen encoder, 100 stars of each of 7 classes to train with
and 50 to test; the baseline is the embedding of the same stars, without a head. The others: epochs
of the LSTM head, on embeddings that are computed already, and of the LSTM on light curves, beside a
bare torch loop with the same optimiser over batches that are there already.

Usage: python examples/benchmarks/heads.py [--per-class 100] [--repeats 3] [--heads linear mlp skip]
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from measuring import CPU, Report, Way, add_options
from numpy.typing import NDArray
from torch.nn import functional

from sklearn_astromer import AstromerClassifier, AstromerEmbedder, LightCurves
from sklearn_astromer.datasets import VARIABLE_STAR_CLASSES, make_variable_stars
from sklearn_astromer.network import NetworkConfig
from sklearn_astromer.network.heads import HeadedNetwork, LSTMHead
from sklearn_astromer.training.batches import DeviceObservations
from sklearn_astromer.training.labelled import LabelledWindows, RawWindows, StoredFeatures
from sklearn_astromer.training.supervised import SupervisedSettings, supervised_net
from sklearn_astromer.windows import usable_observations

CLASSES = VARIABLE_STAR_CLASSES[:7]
BATCH_SIZE = 32


def measure_heads(
    report: Report,
    heads: list[str],
    train: tuple[LightCurves, NDArray],
    test: tuple[LightCurves, NDArray],
) -> None:
    """Measure fit and predict with a frozen encoder, beside the embedding of the same stars."""
    embedder = AstromerEmbedder.pretrained()
    fitted: dict[str, AstromerClassifier] = {}

    def fit(head: str) -> None:
        fitted[head] = AstromerClassifier(head=head, random_state=0).fit(*train)

    alone = Way("embedding alone", lambda: embedder.transform(train[0]), len(train[0]), work=1.0)
    ways = [alone]
    for head in heads:
        ways.append(Way(f"{head}: fit", lambda head=head: fit(head), len(train[0])))
        ways.append(
            Way(f"{head}: predict", lambda head=head: fitted[head].predict(test[0]), len(test[0]))
        )
    report.compare("heads, encoder frozen", "stars", ways, baseline=alone.name)


def windows_of(curves: LightCurves, label: NDArray, *, raw: bool) -> LabelledWindows:
    """Batches as the package makes them; embeddings are random numbers of the right shape."""
    config = NetworkConfig()
    observations = DeviceObservations(usable_observations(curves), config, CPU)
    source: RawWindows | StoredFeatures = RawWindows(observations)
    if not raw:
        random = torch.Generator().manual_seed(0)
        features = torch.randn(len(observations.time), config.embedding_size, generator=random)
        source = StoredFeatures(features, source.consecutive, sequence=True)
    return LabelledWindows(
        source,
        np.arange(len(curves)),
        torch.from_numpy(np.unique(label, return_inverse=True)[1]),
        torch.ones(len(curves)),
        batch_size=BATCH_SIZE,
        random_state=np.random.RandomState(0),
    )


def measure_loop(report: Report, name: str, windows: LabelledWindows, *, raw: bool) -> None:
    """Measure an epoch of the package and of a bare loop."""
    head = LSTMHead(2 if raw else NetworkConfig().embedding_size, len(CLASSES))
    settings = SupervisedSettings(
        torch.nn.CrossEntropyLoss, 1e-3, 0.0, 0.01, 1, None, CPU, "float32", 0, 0
    )
    ours = supervised_net(HeadedNetwork(head), settings).initialize()
    module = HeadedNetwork(LSTMHead(head.first.input_size, len(CLASSES))).train()
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-3)
    batches = list(windows)
    n_stars = sum(len(target) for _, (target, _) in batches)

    def bare_loop() -> None:
        for inputs, (target, _) in batches:
            optimizer.zero_grad()
            functional.cross_entropy(module(**inputs), target).backward()
            optimizer.step()

    bare = Way("bare loop over batches", bare_loop, n_stars, work=1.0)
    package = Way("package", lambda: ours.partial_fit(windows, None), n_stars, work=1.0)
    report.compare(f"epochs of {name}", "stars", [package, bare], baseline=bare.name, limit=bare)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--per-class", type=int, default=100)
    parser.add_argument("--heads", nargs="*", default=["linear", "mlp", "skip"])
    add_options(parser, repeats=3)
    options = parser.parse_args()
    report = Report("heads", options)
    train, test = (
        make_variable_stars(n, classes=CLASSES, cadence="asas", random_state=seed)
        for seed, n in enumerate((options.per_class, -(-options.per_class // 2)))
    )
    print(f"to train: {train[0]}\nto test: {test[0]}")
    measure_heads(report, options.heads, train, test)
    for name, raw in (("the LSTM head on embeddings", False), ("the LSTM on light curves", True)):
        measure_loop(report, name, windows_of(*train, raw=raw), raw=raw)


if __name__ == "__main__":
    main()
