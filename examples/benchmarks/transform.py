"""How fast light curves are embedded, and how near that is to what the machine can do.

The baseline is the usual way, in which every window is padded to its full length; the limit is the
machine's own rate of matrix products, in the precision of the network's. ``--onnx`` adds one light
curve per call through ONNX Runtime, on a CPU. ``--resident`` adds what is left to do once all
observations lie in the device's memory. ``--data FILE`` (Parquet, one row per light curve) adds a
table of real light curves, from an Arrow table to an array. ``--memory`` also embeds ten million
observations and prints how much memory that took beyond the light curves themselves. ``--profile``
tells which operations take the time, for full windows.

On a GPU: ``--device cuda --curves 65536 --repeats 7 --resident --matrix-size 8192``.

Usage: python examples/benchmarks/transform.py [--curves 1024] [--repeats 5] [--onnx] [--resident]
       [--data asas.parquet [--stars 512]] [--memory] [--profile] [--json FILE]
       [--device cpu] [--precision auto] [--matrix-size 2048]
"""

from __future__ import annotations

import argparse
import resource
import time
from argparse import Namespace
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from measuring import (
    Report,
    Way,
    add_device_options,
    add_options,
    operations,
    print_table,
    random_curves,
)
from numpy.typing import NDArray
from sklearn.base import clone
from torch.profiler import ProfilerActivity, profile

from sklearn_astromer import AstromerEmbedder, LightCurves, as_light_curves
from sklearn_astromer.network import AstromerNetwork
from sklearn_astromer.running import curve_runner
from sklearn_astromer.training.devices import autocast
from sklearn_astromer.windows import consecutive_windows

Transform = Callable[[LightCurves], NDArray[np.float32]]
PADDED = "padded batches of 64"
RESIDENT = "transform, observations on the device"
# Light curves that are embedded in float32 on a CPU too.
N_CHECKED = 1024
# Of embeddings, over the largest of them.
TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 1e-2}


@torch.inference_mode()
def padded_transform(
    network: AstromerNetwork, curves: LightCurves, precision: str, batch: int = 64
) -> NDArray[np.float32]:
    """Embed as is usual: every window padded to 200, in the order given; mean of what is real."""
    device = next(network.parameters()).device
    size = network.config.window_size
    pieces = [
        (number, curve[first : first + size, :2])
        for number, curve in enumerate(curves)
        for first in range(0, len(curve), size)
    ]
    total = np.zeros((len(curves), network.config.embedding_size), dtype=np.float32)
    for first in range(0, len(pieces), batch):
        numbers, windows = zip(*pieces[first : first + batch], strict=True)
        values = np.zeros((len(windows), size, 2))
        padding = np.ones((len(windows), size), dtype=bool)
        for row, window in enumerate(windows):
            values[row, : len(window)] = window - window.mean(0)
            padding[row, : len(window)] = False
        times, magnitude = torch.from_numpy(values).to(device).unbind(-1)
        absent = torch.from_numpy(padding).to(device)
        with autocast(device, precision):
            embedding = network.encoder(times, magnitude.float(), padding=absent)
        sums = embedding.float().masked_fill(absent[:, :, None], 0).sum(1)
        np.add.at(total, list(numbers), sums.cpu().numpy())
    return total / curves.lengths[:, None]


def check_alike(
    ways: dict[str, Transform], curves: LightCurves, embedder: AstromerEmbedder, dtype: torch.dtype
) -> None:
    """Stop if a way gives other embeddings than float32 does on a CPU."""
    alone = clone(embedder).set_params(device="cpu", precision="float32")
    alone.network_ = embedder.network_
    embeddings = alone.transform(curves)
    for name, transform in ways.items():
        difference = float(np.abs(transform(curves) - embeddings).max() / np.abs(embeddings).max())
        print(f"{name}: largest difference from float32 on a CPU {difference:.1e} of the largest")
        if difference > TOLERANCE[dtype]:
            raise SystemExit(f"{name} gives other embeddings than float32 does on a CPU.")


def window_lengths(curves: LightCurves, size: int) -> NDArray[np.int64]:
    return consecutive_windows(curves.offsets, size).length


def measure_speed(
    report: Report, embedder: AstromerEmbedder, ways: dict[str, Transform], options: Namespace
) -> None:
    config, n_curves = embedder.network_.config, options.curves
    random = np.random.default_rng(1)
    full = random_curves(np.full(n_curves, config.window_size))
    ragged = random_curves(random.integers(3, config.window_size, n_curves))
    check_alike(ways, ragged[:N_CHECKED], embedder, report.dtype)
    for title, curves in (("full windows", full), ("ragged windows of 3 to 199", ragged)):
        work = operations(curves.lengths, config)
        runs = [
            Way(name, lambda transform=transform, curves=curves: transform(curves), n_curves, work)
            for name, transform in ways.items()
        ]
        if options.resident:
            there = curve_runner(embedder, curves)
            runs.append(Way(RESIDENT, lambda there=there: there.embed("mean"), n_curves, work))
        report.compare(title, "curves", runs, baseline=PADDED, limit=report.matrix_product)


def measure_real(
    report: Report, embedder: AstromerEmbedder, ways: dict[str, Transform], path: Path, n_stars: int
) -> None:
    """Measure from an Arrow table to an array."""
    table = pq.read_table(path).slice(0, n_stars)
    curves = as_light_curves(table)
    check_alike(ways, curves, embedder, report.dtype)
    config = embedder.network_.config
    work = operations(window_lengths(curves, config.window_size), config)
    runs = [
        Way(name, lambda transform=transform: transform(as_light_curves(table)), len(curves), work)
        for name, transform in ways.items()
    ]
    length = np.median(curves.lengths)
    title = f"{path.name}, {len(curves):,} light curves (median length {length:.0f}), from Arrow"
    report.compare(title, "curves", runs, baseline=PADDED, limit=report.matrix_product)


def measure_memory(
    report: Report, embedder: AstromerEmbedder, n_observations: int = 10_000_000
) -> None:
    curves = random_curves(np.full(n_observations // 1000, 1000))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.perf_counter()
    embedder.set_params(verbose=1).transform(curves)
    seconds = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"\n{n_observations:,} observations in {seconds:.0f} s: peak memory {after / 1e6:.2f} GB, "
        f"{(after - before) / 1e6:.2f} GB more than before"
    )
    row = {"observations": n_observations, "seconds": seconds}
    report.keep("memory", row | {"peak GB": after / 1e6, "more GB": (after - before) / 1e6})


def print_profile(embedder: AstromerEmbedder, n_curves: int, n_rows: int = 12) -> None:
    """Print which operations take the time of full windows, without those that they call."""
    size = embedder.network_.config.window_size
    curves = random_curves(np.full(n_curves, size))
    embedder.transform(curves)
    with profile(activities=[ProfilerActivity.CPU]) as run:
        embedder.transform(curves)
    operators = sorted(run.key_averages(), key=lambda row: -row.self_cpu_time_total)
    total = sum(row.self_cpu_time_total for row in operators)
    rows = [
        {
            "name": row.key.removeprefix("aten::"),
            "calls": row.count,
            "share of time": row.self_cpu_time_total / total,
            "microseconds per window": row.self_cpu_time_total / n_curves,
        }
        for row in operators[:n_rows]
    ]
    print(f"\nfull windows, one run of {n_curves:,}, wall time of operations\n")
    print_table(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--curves", type=int, default=1024)
    parser.add_argument("--onnx", action="store_true", help="one light curve per call too")
    parser.add_argument("--resident", action="store_true", help="without conversions too")
    parser.add_argument("--data", type=Path, help="Parquet file of real light curves")
    parser.add_argument("--stars", type=int, default=512, help="of them, the first")
    parser.add_argument("--memory", action="store_true", help="embed ten million observations too")
    parser.add_argument("--profile", action="store_true", help="which operations take the time")
    add_device_options(parser)
    add_options(parser)
    options = parser.parse_args()
    if options.onnx and options.device.type != "cpu":
        raise SystemExit("--onnx runs on the CPU; leave out --onnx, or --device.")
    report = Report("transform", options)
    # The paper's architecture; the speed does not depend on what the weights are.
    example = random_curves(np.full(4, 10))
    embedder = AstromerEmbedder(
        max_epochs=1, random_state=0, device=options.device, precision=options.precision
    ).fit(example)
    network = deepcopy(embedder.network_).to(options.device)
    ways: dict[str, Transform] = {
        "transform": embedder.transform,
        PADDED: lambda curves: padded_transform(network, curves, options.precision),
    }
    if options.onnx:
        from onnx_runtime import OneCurvePerCall

        one_by_one = OneCurvePerCall(network, options.threads)
        ways["ONNX Runtime, one curve per call"] = one_by_one.transform
    measure_speed(report, embedder, ways, options)
    if options.data is not None:
        measure_real(report, embedder, ways, options.data, options.stars)
    if options.profile:
        print_profile(embedder, options.curves)
    if options.memory:
        measure_memory(report, embedder)


if __name__ == "__main__":
    main()
