"""Put the ends of runs of `pretrain.py` into one table.

    python examples/run_table.py runs/folding runs/no-errors docs/runs/paper.csv

Prints Markdown: one row per run, named after its folder or the copy of its log, with the last line
of the log and what it cost: seconds of training on the machine and with the threads it had.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

COLUMNS = ("magnitude_loss", "class_loss", "portrait_loss")


def log_of(run: Path) -> list[dict[str, str]]:
    """Read the log of a run, from its folder or a copy."""
    path = run / "log.csv" if run.is_dir() else run
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def seconds(log: list[dict[str, str]]) -> str:
    """Add up what the windows between one line and the next took; empty if that was not kept."""
    if not all(row["windows_per_second"] for row in log):
        return ""
    total, before = 0.0, 0
    for row in log:
        windows = int(row["windows"])
        total += (windows - before) / float(row["windows_per_second"])
        before = windows
    return f"{total:.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    help_of_runs = "folders of examples/pretrain.py, or copies of their log.csv"
    parser.add_argument("runs", type=Path, nargs="+", help=help_of_runs)
    logs = {run.stem: log_of(run) for run in parser.parse_args().runs}
    scores = [name for name in next(iter(logs.values()))[-1] if name.startswith("f1_")]
    print("| " + " | ".join(["run", "windows", "seconds", *COLUMNS, *scores]) + " |")
    print("| --- " * (3 + len(COLUMNS) + len(scores)) + "|")
    for name, log in logs.items():
        last = log[-1]
        cells = [name, f"{int(last['windows']):,}", seconds(log)]
        print("| " + " | ".join([*cells, *(last[key] for key in (*COLUMNS, *scores))]) + " |")


if __name__ == "__main__":
    main()
