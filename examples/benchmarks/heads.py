"""How long classifiers with heads take, and what of it is not the arithmetic of torch.

The first table: fit and predict with a frozen encoder, 100 stars of each of 7 classes to train with
and 50 to test. The second: seconds per epoch of the LSTM head, on embeddings that are computed
already, and of the LSTM on light curves, beside a bare torch loop over the same batches with the
same optimiser; the best of several epochs, taken in turn.

Usage: python examples/benchmarks/heads.py [--per-class 100] [--repeats 3] [--heads linear mlp skip]
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from sklearn_astromer import AstromerClassifier, LightCurves
from sklearn_astromer.datasets import VARIABLE_STAR_CLASSES, make_variable_stars
from sklearn_astromer.network import NetworkConfig
from sklearn_astromer.network.heads import HeadedNetwork, LSTMHead
from sklearn_astromer.training.batches import DeviceObservations
from sklearn_astromer.training.labelled import LabelledWindows, RawWindows, StoredFeatures
from sklearn_astromer.training.supervised import SupervisedSettings, supervised_net
from sklearn_astromer.windows import usable_observations

CPU = torch.device("cpu")
CLASSES = VARIABLE_STAR_CLASSES[:7]
BATCH_SIZE = 32


def fit_and_predict(
    head: str, train: tuple[LightCurves, NDArray], test: tuple[LightCurves, NDArray]
) -> tuple[float, float]:
    """Give the seconds of fit and of predict."""
    begin = time.perf_counter()
    model = AstromerClassifier(head=head, random_state=0).fit(*train)
    middle = time.perf_counter()
    model.predict(test[0])
    return middle - begin, time.perf_counter() - middle


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


def seconds_per_epoch(windows: LabelledWindows, *, raw: bool, repeats: int) -> tuple[float, float]:
    """Time an epoch of the package and of a bare loop, in turn."""
    head = LSTMHead(2 if raw else NetworkConfig().embedding_size, len(CLASSES))
    settings = SupervisedSettings(
        torch.nn.CrossEntropyLoss, 1e-3, 0.0, 0.01, 1, None, CPU, "float32", 0, 0
    )
    ours = supervised_net(HeadedNetwork(head), settings).initialize()
    module = HeadedNetwork(LSTMHead(head.first.input_size, len(CLASSES))).train()
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-3)
    best = [np.inf, np.inf]
    for _ in range(repeats):
        begin = time.perf_counter()
        ours.partial_fit(windows, None)
        best[0] = min(best[0], time.perf_counter() - begin)
        batches = list(windows)
        begin = time.perf_counter()
        for inputs, (target, _) in batches:
            optimizer.zero_grad()
            functional.cross_entropy(module(**inputs), target).backward()
            optimizer.step()
        best[1] = min(best[1], time.perf_counter() - begin)
    return best[0], best[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--per-class", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3, help="epochs of each way")
    parser.add_argument("--heads", nargs="*", default=["linear", "mlp", "skip"])
    options = parser.parse_args()
    train, test = (
        make_variable_stars(n, classes=CLASSES, cadence="asas", random_state=seed)
        for seed, n in enumerate((options.per_class, -(-options.per_class // 2)))
    )
    print(f"threads: {torch.get_num_threads()}; to train: {train[0]}\nto test: {test[0]}\n")
    print(f"{'frozen encoder':<22}{'fit, s':>10}{'predict, s':>12}{'sum':>8}")
    for head in options.heads:
        fit, predict = fit_and_predict(head, train, test)
        print(f"{head:<22}{fit:>10.1f}{predict:>12.1f}{fit + predict:>8.1f}", flush=True)
    print(f"\n{'seconds per epoch':<22}{'package':>10}{'bare loop':>12}{'ratio':>8}")
    for name, raw in (("LSTM head", False), ("LSTM on light curves", True)):
        windows = windows_of(*train, raw=raw)
        ours, bare = seconds_per_epoch(windows, raw=raw, repeats=options.repeats)
        print(f"{name:<22}{ours:>10.2f}{bare:>12.2f}{ours / bare:>8.2f}", flush=True)


if __name__ == "__main__":
    main()
