"""How fast light curves are embedded, and how near that is to what the machine can do.

Prints a table: light curves per second (the best of several runs, taken in turn), the share of the
machine's own rate of float32 matrix products that they amount to, and the ratio to the usual way,
in which every window is padded to its full length. With ``--memory`` it also embeds ten million
observations and prints how much memory that took beyond the light curves themselves.

Usage: python examples/benchmarks/transform.py [--curves 1024] [--repeats 5] [--memory]
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable

import numpy as np
import torch

from sklearn_astromer import AstromerEmbedder, LightCurves
from sklearn_astromer.network import AstromerNetwork, NetworkConfig

MATRIX_SIZE = 2048


def random_curves(lengths: np.ndarray, seed: int = 0) -> LightCurves:
    random = np.random.default_rng(seed)
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    time_steps = random.exponential(3.0, offsets[-1])
    magnitude = 15 + 0.3 * random.standard_normal(offsets[-1], dtype=np.float32)
    return LightCurves(50_000 + np.cumsum(time_steps), magnitude, offsets=offsets)


def operations(lengths: np.ndarray, config: NetworkConfig) -> float:
    """Count the multiplications and additions of the matrix products of the encoder."""
    d = config.embedding_size
    linear = 2 * (4 * d * d + 2 * d * config.feedforward_size) * lengths.sum()
    attention = 2 * 2 * d * (lengths.astype(float) ** 2).sum()
    return config.n_blocks * (linear + attention)


@torch.inference_mode()
def padded_transform(network: AstromerNetwork, curves: LightCurves, batch: int = 64) -> np.ndarray:
    """Embed as is usual: every window padded to 200, in the order given; mean of what is real."""
    parts = []
    size = network.config.window_size
    for first in range(0, len(curves), batch):
        chosen = curves[first : first + batch].to_list()
        values = np.zeros((len(chosen), size, 2))
        padding = np.ones((len(chosen), size), dtype=bool)
        for row, curve in enumerate(chosen):
            values[row, : len(curve)] = curve[:, :2] - curve[:, :2].mean(0)
            padding[row, : len(curve)] = False
        time_, magnitude = torch.from_numpy(values).unbind(-1)
        absent = torch.from_numpy(padding)
        embedding = network.encoder(time_, magnitude.float(), padding=absent)
        total = embedding.masked_fill(absent[:, :, None], 0).sum(1)
        parts.append((total / (~absent).sum(1, keepdim=True)).numpy())
    return np.concatenate(parts)


def seconds(functions: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Time functions in turn, so that a machine that slows down slows all of them; the best run."""
    best = dict.fromkeys(functions, np.inf)
    for _ in range(repeats):
        for name, function in functions.items():
            begin = time.perf_counter()
            function()
            best[name] = min(best[name], time.perf_counter() - begin)
    return best


def measure_speed(embedder: AstromerEmbedder, n_curves: int, repeats: int) -> None:
    network = embedder.network_
    full = random_curves(np.full(n_curves, network.config.window_size))
    ragged = random_curves(
        np.random.default_rng(1).integers(3, network.config.window_size, n_curves)
    )
    matrix = torch.randn(MATRIX_SIZE, MATRIX_SIZE)
    difference = np.abs(embedder.transform(ragged) - padded_transform(network, ragged)).max()
    taken = seconds(
        {
            "matrix product": lambda: matrix @ matrix,
            "full windows": lambda: embedder.transform(full),
            "ragged": lambda: embedder.transform(ragged),
            "ragged, padded": lambda: padded_transform(network, ragged),
        },
        repeats,
    )
    rate = 2 * MATRIX_SIZE**3 / taken["matrix product"]
    print(f"threads: {torch.get_num_threads()}; float32 matrix product: {rate / 1e9:.0f} GFLOP/s")
    print(f"{'':24}{'curves/s':>10}{'share of matrix rate':>22}{'ratio to padded':>17}")
    for name, curves in (("full windows", full), ("ragged", ragged), ("ragged, padded", ragged)):
        share = operations(curves.lengths, network.config) / taken[name] / rate
        ratio = taken["ragged, padded"] / taken[name] if "ragged" in name else np.nan
        print(f"{name:24}{n_curves / taken[name]:>10.0f}{share:>22.0%}{ratio:>17.2f}")
    print(
        f"ragged: mean length {ragged.lengths.mean():.0f}; largest difference of the two ways ",
        end="",
    )
    print(f"{difference:.1e}")


def measure_memory(embedder: AstromerEmbedder, n_observations: int = 10_000_000) -> None:
    lengths = np.full(n_observations // 1000, 1000)
    curves = random_curves(lengths)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.perf_counter()
    embedder.set_params(verbose=1).transform(curves)
    taken = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"{n_observations:,} observations in {taken:.0f} s: peak memory {after / 1e6:.2f} GB, ",
        end="",
    )
    print(f"{(after - before) / 1e6:.2f} GB more than before")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--curves", type=int, default=1024)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--memory", action="store_true", help="embed ten million observations too")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    # The speed does not depend on what the weights are.
    example = random_curves(np.full(4, 10))
    embedder = AstromerEmbedder(max_epochs=1, random_state=0, device="cpu").fit(example)
    measure_speed(embedder, arguments.curves, arguments.repeats)
    if arguments.memory:
        measure_memory(embedder)


if __name__ == "__main__":
    main()
