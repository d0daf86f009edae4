"""Fuzz the readers of files, one after the other, and tell how many bytes each has survived.

    pip install atheris
    python tests/fuzz/run.py --seconds 600

Each reader runs in a process of its own that ends at the first finding: the bytes that made it are
left in the output folder, and ``python tests/fuzz/targets.py NAME FILE`` repeats it.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

from targets import NAMES

TARGETS = Path(__file__).with_name("targets.py")
MEGABYTES = 1024
# What Python has in memory after the imports, measured, and added to the limit.
BASE = "import resource, torch, h5py, sklearn_astromer as s; print(resource.getrusage(0).ru_maxrss)"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], help="which; all by default")
    parser.add_argument("--seconds", type=int, default=600, help="for each (default: 600)")
    parser.add_argument("--output", type=Path, default=Path("fuzz_output"))
    options = parser.parse_args()
    base = int(subprocess.run([sys.executable, "-c", BASE], check=True, capture_output=True).stdout)
    limit = MEGABYTES + base // 1024
    print(f"memory: {base // 1024} MB after the imports, limit {limit} MB")
    failed = 0
    for name in options.names or NAMES:
        corpus = options.output / name
        corpus.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, str(TARGETS), name, str(corpus)]
        command += [f"-max_total_time={options.seconds}", "-timeout=10", "-print_final_stats=1"]
        command += [f"-rss_limit_mb={limit}", "-max_len=100000", "-use_value_profile=1"]
        command += [f"-artifact_prefix={options.output / name}-", "-verbosity=1"]
        log = options.output / f"{name}.log"
        with log.open("w") as file:
            status = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT).returncode
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
