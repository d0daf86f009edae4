"""How much faster two Dask workers of one thread each embed light curves than one.

Simulated light curves (of 3 to 200 observations) are written to a Parquet file and embedded from
there (by the paper's network), by one worker process and by two, in turn. Prints light curves per
second (median of the runs), their spread ((largest - smallest) / median) and the ratio to one
worker, and whether the numbers are the same, bit by bit. Both clusters have made one run before,
so that imports and the unpacking of weights are not counted.

Usage: python examples/benchmarks/dask_workers.py [--curves 4000] [--partitions 16] [--repeats 5]
    [--observations 3 200] [--weights variables]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import dask.dataframe as dd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from distributed import Client, LocalCluster

from sklearn_astromer import AstromerEmbedder, LightCurves
from sklearn_astromer.dask import transform

WORKERS = (1, 2)


def write_stars(path: Path, n_curves: int, n_partitions: int, fewest: int, most: int) -> None:
    """Write light curves with one row group for each partition."""
    random = np.random.default_rng(0)
    curves = []
    for length in random.integers(fewest, most + 1, n_curves):
        times = 50_000 + np.cumsum(random.exponential(3.0, length))
        curves.append((times, 15 + 0.3 * random.standard_normal(length)))
    table = pa.table({"mjd": [times for times, _ in curves], "mag": [mag for _, mag in curves]})
    pq.write_table(table, path, row_group_size=-(-n_curves // n_partitions))


def measure(path: Path, embedder: AstromerEmbedder, repeats: int) -> None:
    """Embed the file by one worker and by two, in turn, and print what came out."""
    lazy = transform(dd.read_parquet(path, split_row_groups=True), embedder)
    names = list(embedder.get_feature_names_out())
    taken: dict[int, list[float]] = {number: [] for number in WORKERS}
    values = {}
    with ExitStack() as stack:
        clients = {
            number: stack.enter_context(
                Client(
                    stack.enter_context(
                        LocalCluster(n_workers=number, threads_per_worker=1, dashboard_address=":0")
                    ),
                    set_as_default=False,
                )
            )
            for number in WORKERS
        }
        for run in range(repeats + 1):
            for number, client in clients.items():
                begin = time.perf_counter()
                done = client.compute(lazy).result()
                if run:
                    taken[number].append(time.perf_counter() - begin)
                values[number] = done[names].to_numpy()
    report(taken, values, embedder.transform(LightCurves.read_parquet(path)))


def report(taken: dict[int, list[float]], values: dict[int, np.ndarray], alone: np.ndarray) -> None:
    """Print the table, and how far the numbers agree."""
    one = statistics.median(taken[1])
    rows = [
        {
            "workers": number,
            "curves/s": len(alone) / statistics.median(seconds),
            "spread": (max(seconds) - min(seconds)) / statistics.median(seconds),
            "ratio": one / statistics.median(seconds),
        }
        for number, seconds in taken.items()
    ]
    formats = {"curves/s": "{:.0f}".format, "spread": "{:.0%}".format, "ratio": "{:.2f}".format}
    print(pd.DataFrame(rows).to_string(index=False, formatters=formats))
    print(f"runs: {len(taken[1])}; light curves: {len(alone):,}; threads of a worker: 1")
    print(f"numbers of one worker and two identical: {np.array_equal(values[1], values[2])}")
    print(f"largest difference from embedder.transform: {np.abs(values[2] - alone).max():.1e}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--curves", type=int, default=4000)
    parser.add_argument("--partitions", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--observations", type=int, nargs=2, default=(3, 200))
    parser.add_argument("--weights", help="name or path; without, the paper's network")
    arguments = parser.parse_args()
    if arguments.weights is None:
        # The speed does not depend on what the weights are.
        example = [np.column_stack([np.arange(9.0), np.sin(np.arange(9.0))])] * 4
        embedder = AstromerEmbedder(max_epochs=1, random_state=0, device="cpu").fit(example)
    else:
        embedder = AstromerEmbedder.pretrained(arguments.weights, device="cpu")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stars.parquet"
        write_stars(path, arguments.curves, arguments.partitions, *arguments.observations)
        measure(path, embedder, arguments.repeats)


if __name__ == "__main__":
    main()
