"""Fuzz the readers of files, one after the other, and tell how many inputs each has survived.

    pip install atheris
    python tests/fuzz/run.py --seconds 600

Each reader runs in a process of its own, which ends at the first finding. The bytes that made it
are left in the output folder, and ``python tests/fuzz/targets.py NAME FILE`` repeats it.
"""

from __future__ import annotations

import argparse
import inspect
import os
import re
import resource
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType

import atheris
from targets import NAMES, Targets

# Beyond what Python has in memory after the imports.
MEGABYTES = 1024
SECONDS_FOR_ONE = 10


def functions_of(module: ModuleType) -> Iterator[FunctionType]:
    """Functions that a module defines, and the methods of its classes."""
    for value in vars(module).values():
        if getattr(value, "__module__", None) != module.__name__:
            continue
        if inspect.isfunction(value):
            yield value
        elif inspect.isclass(value):
            yield from filter(inspect.isfunction, vars(value).values())


def instrument() -> None:
    """Let atheris see which lines of the readers are reached."""
    from sklearn_astromer import format_version, saving

    beginning = "sklearn_astromer.weights."
    ours = [module for name, module in sys.modules.items() if name.startswith(beginning)]
    for module in [*ours, format_version, saving, zipfile, tomllib._parser]:
        for function in functions_of(module):
            atheris.instrument_func(function)


def fuzz(targets: Targets, name: str, output: Path, options: list[str]) -> int:
    """Fuzz one target in a process of its own; give its exit status."""
    corpus = output / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(targets.seeds(name)):
        (corpus / f"seed-{number}").write_bytes(seed)
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    log = os.open(output / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    atheris.Setup([sys.argv[0], str(corpus), *options], getattr(targets, name))
    # Which ends this process, and leaves the bytes that made a finding.
    atheris.Fuzz()
    raise AssertionError("atheris gave up")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"which of {', '.join(NAMES)}; all by default")
    parser.add_argument("--seconds", type=int, default=600, help="for each (default: 600)")
    parser.add_argument("--output", type=Path, default=Path("fuzz_output"))
    arguments = parser.parse_args()
    targets = Targets()
    instrument()
    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    limit = MEGABYTES + base
    print(f"memory: {base} MB after the imports, limit {limit} MB", flush=True)
    options = [
        f"-max_total_time={arguments.seconds}",
        f"-timeout={SECONDS_FOR_ONE}",
        f"-rss_limit_mb={limit}",
        "-max_len=100000",
        "-print_final_stats=1",
    ]
    failed = 0
    for name in arguments.names or NAMES:
        prefix = f"-artifact_prefix={arguments.output / name}-"
        status = fuzz(targets, name, arguments.output, [*options, prefix])
        log = arguments.output / f"{name}.log"
        stats = dict(re.findall(r"stat::(\w+):\s+(\d+)", log.read_text(errors="replace")))
        verdict = "nothing found" if status == 0 else f"FAILED with status {status}: see {log}"
        failed += status != 0
        print(
            f"{name}: {stats.get('number_of_executed_units', '?')} executions, "
            f"at most {stats.get('peak_rss_mb', '?')} MB; {verdict}",
            flush=True,
        )
    return failed


if __name__ == "__main__":
    sys.exit(main())
