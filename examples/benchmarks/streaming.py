"""How the cost of embedding Parquet files grows with the number of light curves.

Simulates short light curves on the fly, a batch at a time, into a Parquet file, and embeds it into
Parquet files. Light curves per second should not depend on how many there are, nor should the peak
memory of the process, which is printed after each size (sizes are measured in order). The baseline
is the first size, the limit the embedding of one batch that is in memory already.

Usage: python examples/benchmarks/streaming.py [--sizes 1000 10000 100000 1000000]
       [--batch-rows 1000] [--weights macho] [--device cpu] [--precision auto] [--json FILE]
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from measuring import Report, add_device_options, add_options, print_table

from sklearn_astromer import AstromerEmbedder, as_light_curves
from sklearn_astromer.streaming import transform_parquet

SCHEMA = pa.schema(
    {
        "object_id": pa.int64(),
        "mjd": pa.large_list(pa.float64()),
        "mag": pa.large_list(pa.float32()),
        "magerr": pa.large_list(pa.float32()),
    }
)
# Observations of a light curve, from and to.
SHORTEST, LONGEST = 20, 60


def simulated(n_curves: int, batch_rows: int) -> Iterator[pa.RecordBatch]:
    """Simulate sine curves with noise, a batch at a time."""
    random = np.random.default_rng(0)
    for first in range(0, n_curves, batch_rows):
        n = min(batch_rows, n_curves - first)
        offsets = np.concatenate(([0], np.cumsum(random.integers(SHORTEST, LONGEST + 1, n))))
        curve = np.repeat(np.arange(n), np.diff(offsets))
        day = random.exponential(3.0, offsets[-1]).cumsum()
        period = 10 ** random.uniform(-0.5, 1.5, n)
        error = random.uniform(0.02, 0.1, offsets[-1])
        noise = error * random.standard_normal(offsets[-1])
        magnitude = 15 + 0.3 * np.sin(2 * np.pi * day / period[curve]) + noise
        columns = [day, magnitude.astype(np.float32), error.astype(np.float32)]
        lists = [pa.LargeListArray.from_arrays(offsets, column) for column in columns]
        yield pa.record_batch([np.arange(first, first + n), *lists], schema=SCHEMA)


def peak_memory() -> float:
    """Give the most memory that this process has held so far, in MB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def measure(
    embedder: AstromerEmbedder, n_curves: int, options: argparse.Namespace, folder: Path
) -> dict[str, object]:
    """Write a file of light curves and embed it; measure the second."""
    source = folder / f"{n_curves}.parquet"
    with pq.ParquetWriter(source, SCHEMA) as writer:
        for batch in simulated(n_curves, options.batch_rows):
            writer.write_batch(batch)
    seconds = []
    for repeat in range(options.repeats):
        begin = time.perf_counter()
        transform_parquet(
            embedder, source, folder / f"{n_curves}-{repeat}", batch_rows=options.batch_rows
        )
        seconds.append(time.perf_counter() - begin)
    source.unlink()
    middle = float(np.median(seconds))
    return {
        "name": f"{n_curves:,} light curves",
        "seconds": middle,
        "curves/s": n_curves / middle,
        "spread": (max(seconds) - min(seconds)) / 2 / middle,
        "peak memory so far, MB": peak_memory(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--batch-rows", type=int, default=1000)
    parser.add_argument("--weights", default="macho", help="name of weights")
    add_device_options(parser)
    add_options(parser, repeats=1)
    options = parser.parse_args()
    report = Report("streaming", options)
    embedder = AstromerEmbedder.pretrained(
        options.weights, device=options.device, precision=options.precision
    )
    (batch,) = simulated(options.batch_rows, options.batch_rows)
    curves = as_light_curves(pa.Table.from_batches([batch]))
    in_memory = []
    for _ in range(3):
        begin = time.perf_counter()
        embedder.transform(curves)
        in_memory.append(len(curves) / (time.perf_counter() - begin))
    limit = float(np.median(in_memory))
    title = (
        f"Parquet to Parquet, weights {options.weights}, {SHORTEST} to {LONGEST} observations, "
        f"{options.batch_rows:,} rows at once"
    )
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for n_curves in sorted(options.sizes):
            row = measure(embedder, n_curves, options, Path(folder))
            row["ratio"] = row["curves/s"] / (rows[0] if rows else row)["curves/s"]
            row["share of limit"] = row["curves/s"] / limit
            rows.append(row)
            report.keep(title, row | {"baseline": rows[0]["name"], "limit": "in memory"})
    print(f"\n{title} (median of {options.repeats}; ratio to {rows[0]['name']}; ", end="")
    print(f"limit: {limit:,.0f} curves/s in memory)\n")
    print_table(rows)


if __name__ == "__main__":
    main()
