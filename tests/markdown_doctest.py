"""Run the examples of Markdown pages and docstrings, with a little room in the last digit."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

PYTHON_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
# A decimal number that is no part of a name or of a version.
DECIMAL = re.compile(r"(?<![\w.])-?\d+\.\d+(?![\w.])")
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class ForgivingChecker(doctest.OutputChecker):
    """Accept decimal numbers that differ by one in the last digit shown: processors round so."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        numbers = DECIMAL.findall(want)
        if len(DECIMAL.findall(got)) == len(numbers):
            wanted = iter(numbers)
            got = DECIMAL.sub(lambda match: _wanted_if_close(match[0], next(wanted)), got)
        return super().check_output(want, got, optionflags)


def _wanted_if_close(got: str, want: str) -> str:
    last_digit = 10.0 ** -len(want.partition(".")[2])
    return want if abs(float(got) - float(want)) <= 1.01 * last_digit else got


def python_blocks(page: Path) -> str:
    """Join the Python blocks of a page, the lines between them left empty."""
    text = page.read_text(encoding="utf-8")
    lines = [""] * (text.count("\n") + 1)
    for block in PYTHON_BLOCK.finditer(text):
        first = text.count("\n", 0, block.start(1))
        code = block[1].splitlines()
        lines[first : first + len(code)] = code
    return "\n".join(lines) + "\n"


def run_page(page: Path) -> tuple[doctest.TestResults, str]:
    """Run the examples of a page from top to bottom; what failed is told in the text."""
    test = doctest.DocTestParser().get_doctest(python_blocks(page), {}, page.name, str(page), 0)
    return run_examples(test)


def run_examples(test: doctest.DocTest) -> tuple[doctest.TestResults, str]:
    runner = doctest.DocTestRunner(ForgivingChecker(), verbose=False, optionflags=OPTIONS)
    report: list[str] = []
    results = runner.run(test, out=report.append)
    return results, "".join(report)
