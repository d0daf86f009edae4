"""How the benchmarks measure: several runs in turn, beside a baseline and a limit.

All print Markdown tables. With ``--json FILE`` each row is also appended to a file, as a line of
JSON that says which machine it was.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np
import torch
from numpy.typing import NDArray

from sklearn_astromer import LightCurves, __version__
from sklearn_astromer.network import NetworkConfig
from sklearn_astromer.training.devices import autocast, resolve_device

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Way:
    """One way to do something.

    Parameters
    ----------
    name : str
        What to call it.
    run : callable
        Does it once.
    amount : float
        How many units that are: light curves, say.
    work : float, optional
        How much work that is at least, in the unit of the limit's: operations, say.
    """

    name: str
    run: Callable[[], object]
    amount: float = 1.0
    work: float | None = None


def matrix_product(
    size: int, device: torch.device = CPU, dtype: torch.dtype = torch.float32
) -> Way:
    """Give what a machine can do: matrix products; the work is in operations."""
    matrix = torch.randn(size, size, device=device, dtype=dtype)

    def multiply() -> None:
        matrix @ matrix
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return Way(f"{str(dtype).removeprefix('torch.')} matrix product", multiply, work=2 * size**3)


def add_device_options(parser: argparse.ArgumentParser, default: str = "cpu") -> None:
    """Add the options of benchmarks that can use a GPU."""
    parser.add_argument("--device", type=resolve_device, default=default, help="auto, cpu, cuda")
    parser.add_argument("--precision", choices=("auto", "float32", "bfloat16"), default="auto")


def _multiplied_in(device: torch.device, precision: str) -> torch.dtype:
    """Tell in what type a network multiplies matrices there."""
    with autocast(device, precision):
        return (torch.ones(1, 1, device=device) @ torch.ones(1, 1, device=device)).dtype


def add_options(parser: argparse.ArgumentParser, repeats: int = 5) -> None:
    """Add the options that all benchmarks have."""
    parser.add_argument("--repeats", type=int, default=repeats, help="runs of each way, in turn")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--matrix-size", type=int, default=2048, help="of products, the limit")
    parser.add_argument("--json", type=Path, help="file to which each row is appended")


class Report:
    """Measures, prints tables, and keeps their rows.

    Parameters
    ----------
    benchmark : str
        Its name.
    options : argparse.Namespace
        With what `add_options` adds, and perhaps `add_device_options`. Matrix products of the
        device, in the type in which a network multiplies there, describe the machine, and are the
        limit of most benchmarks; without these options, of the CPU in float32.
    """

    def __init__(self, benchmark: str, options: argparse.Namespace) -> None:
        torch.set_num_threads(options.threads)
        self.benchmark, self.repeats, self.path = benchmark, options.repeats, options.json
        device = getattr(options, "device", CPU)
        self.dtype = _multiplied_in(device, getattr(options, "precision", "float32"))
        self.matrix_product = matrix_product(options.matrix_size, device, self.dtype)
        self.machine = machine(self.matrix_product, device)
        print(f"\n## {benchmark}\n")
        print(", ".join(f"{name} {value}" for name, value in self.machine.items()), flush=True)

    def compare(
        self,
        title: str,
        unit: str,
        ways: Sequence[Way],
        *,
        baseline: str,
        limit: Way | None = None,
    ) -> dict[str, float]:
        """Measure ways in turn, so that a machine that slows down slows all of them.

        Parameters
        ----------
        title : str
            What is done.
        unit : str
            Of which each way does its `amount`.
        ways : sequence of Way
            The ways.
        baseline : str
            Name of the way that the others are compared with.
        limit : Way, optional
            What the machine can do; one of the ways, or measured beside them.

        Returns
        -------
        seconds : dict of float
            The median of each way.
        """
        beside = [] if limit is None or limit in ways else [limit]
        taken: dict[str, list[float]] = {way.name: [] for way in (*ways, *beside)}
        for _ in range(self.repeats):
            for way in (*ways, *beside):
                begin = time.perf_counter()
                way.run()
                taken[way.name].append(time.perf_counter() - begin)
        seconds = {name: float(np.median(runs)) for name, runs in taken.items()}
        rate = {way.name: way.amount / seconds[way.name] for way in ways}
        rows = []
        for way in ways:
            runs = taken[way.name]
            row = {
                "name": way.name,
                f"{unit}/s": rate[way.name],
                "spread": (max(runs) - min(runs)) / 2 / seconds[way.name],
                "ratio": rate[way.name] / rate[baseline],
            }
            if limit is not None and limit.work is not None and way.work is not None:
                # What the machine can do at most is what it did in the fastest run; but what is
                # one of the ways is judged as they are.
                fastest = seconds[limit.name] if limit in ways else min(taken[limit.name])
                at_limit = way.work / limit.work * fastest
                row["share of limit"] = at_limit / seconds[way.name]
            rows.append(row)
            told = {"baseline": baseline, "limit": limit and limit.name, "seconds": runs}
            self.keep(title, row | told)
        told_limit = "" if limit is None else f"; limit: {limit.name}"
        print(f"\n{title} (median of {self.repeats}; ratio to {baseline}{told_limit})\n")
        print_table(rows)
        return seconds

    def keep(self, title: str, row: dict[str, object]) -> None:
        """Append a row to the file."""
        if self.path is None:
            return
        line = {
            "benchmark": self.benchmark,
            "table": title,
            **row,
            "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "sklearn_astromer": __version__,
            "machine": self.machine,
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def print_table(rows: Sequence[dict[str, object]]) -> None:
    """Print rows as a table of Markdown; columns are those of the first."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [columns, *([_shown(name, row.get(name)) for name in columns] for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns))]
    lines.insert(1, ["-" * width for width in widths])
    for line in lines:
        first, *others = (cell.ljust(widths[place]) for place, cell in enumerate(line))
        cells = [cell.strip().rjust(len(cell)) for cell in others]
        print("| " + " | ".join([first, *cells]) + " |", flush=True)


def _shown(name: str, value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, float):
        return f"{value:,}" if isinstance(value, int) else str(value)
    if name == "spread":
        return f"± {value:.0%}"
    if name.startswith("share"):
        return f"{value:.0%}"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def machine(product: Way, device: torch.device = CPU) -> dict[str, object]:
    """Tell what a benchmark runs on, and how fast that is at a matrix product."""
    assert product.work is not None
    product.run()
    taken = []
    for _ in range(5):
        begin = time.perf_counter()
        product.run()
        taken.append(time.perf_counter() - begin)
    told: dict[str, object] = {
        "CPU": cpu_name(),
        "cores": joblib.cpu_count(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "GFLOP/s of matrix products": float(f"{product.work / float(np.median(taken)) / 1e9:.4g}"),
    }
    if device.type == "cuda":
        told["GPU"] = torch.cuda.get_device_name(device)
    return told


def cpu_name() -> str:
    """Give the model of the CPU."""
    described = Path("/proc/cpuinfo")
    if described.is_file():
        for line in described.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def random_curves(lengths: NDArray[np.int64], seed: int = 0) -> LightCurves:
    """Make light curves of noise; the speed of networks does not depend on what they show."""
    random = np.random.default_rng(seed)
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    time_steps = random.exponential(3.0, offsets[-1])
    magnitude = 15 + 0.3 * random.standard_normal(offsets[-1], dtype=np.float32)
    return LightCurves(50_000 + np.cumsum(time_steps), magnitude, offsets=offsets)


def operations(lengths: NDArray[np.int64], config: NetworkConfig, visible: float = 1.0) -> float:
    """Count the multiplications and additions of the matrix products of the encoder.

    Parameters
    ----------
    lengths : ndarray of int64
        Observations of each window.
    config : NetworkConfig
        Sizes of the network.
    visible : float, default=1.0
        Share of the observations that are keys.
    """
    d = config.embedding_size
    linear = 2 * (2 * d * d * (1 + visible) + 2 * d * config.feedforward_size) * lengths.sum()
    attention = 2 * 2 * d * visible * (lengths.astype(float) ** 2).sum()
    return float(config.n_blocks * (linear + attention))
