"""How much faster two Dask workers of one thread each embed light curves than one.

Simulated light curves (of 3 to 200 observations) are written to a Parquet file and embedded from
there (by the paper's network), by one worker process and by two, in turn; and it is told whether
the numbers are the same, bit by bit. Both have made one run before, so that imports and the
unpacking of weights are not counted.

Usage: python examples/benchmarks/dask_workers.py [--curves 4000] [--partitions 16] [--repeats 5]
       [--observations 3 200] [--weights variables] [--json FILE]
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import dask.dataframe as dd
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from distributed import Client, LocalCluster
from measuring import Report, Way, add_options, random_curves

from sklearn_astromer import AstromerEmbedder, LightCurves
from sklearn_astromer.dask import transform

WORKERS = {"one worker": 1, "two workers": 2}


def write_stars(path: Path, curves: LightCurves, n_partitions: int) -> None:
    """Write light curves with one row group for each partition."""
    columns = {name: [curve[:, at] for curve in curves] for at, name in enumerate(("mjd", "mag"))}
    pq.write_table(pa.table(columns), path, row_group_size=-(-len(curves) // n_partitions))


def measure(report: Report, path: Path, embedder: AstromerEmbedder, curves: LightCurves) -> None:
    """Embed the file by one worker and by two, in turn."""
    lazy = transform(dd.read_parquet(path, split_row_groups=True), embedder)
    names = list(embedder.get_feature_names_out())
    values = {}

    def way_of(name: str, client: Client) -> Callable[[], None]:
        def run() -> None:
            values[name] = client.compute(lazy).result()[names].to_numpy()

        return run

    with ExitStack() as stack:
        ways = []
        for name, n_workers in WORKERS.items():
            cluster = stack.enter_context(
                LocalCluster(n_workers=n_workers, threads_per_worker=1, dashboard_address=":0")
            )
            client = stack.enter_context(Client(cluster, set_as_default=False))
            ways.append(Way(name, way_of(name, client), len(curves)))
            ways[-1].run()
        title = f"{len(curves):,} light curves from Parquet, workers of one thread"
        report.compare(title, "curves", ways, baseline="one worker")
    one, two = values.values()
    alone = np.abs(two - embedder.transform(curves)).max()
    print(f"\nnumbers of one worker and two identical: {np.array_equal(one, two)}")
    print(f"largest difference from embedder.transform: {alone:.1e}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--curves", type=int, default=4000)
    parser.add_argument("--partitions", type=int, default=16)
    parser.add_argument("--observations", type=int, nargs=2, default=(3, 200))
    parser.add_argument("--weights", help="name or path; without, the paper's network")
    add_options(parser)
    options = parser.parse_args()
    report = Report("dask_workers", options)
    fewest, most = options.observations
    curves = random_curves(np.random.default_rng(1).integers(fewest, most + 1, options.curves))
    if options.weights is None:
        # The speed does not depend on what the weights are.
        embedder = AstromerEmbedder(max_epochs=1, random_state=0, device="cpu").fit(curves[:4])
    else:
        embedder = AstromerEmbedder.pretrained(options.weights, device="cpu")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stars.parquet"
        write_stars(path, curves, options.partitions)
        measure(report, path, embedder, curves)


if __name__ == "__main__":
    main()
