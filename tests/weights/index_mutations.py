"""Every byte of the index of the tiny checkpoints, replaced by other values.

    python tests/weights/index_mutations.py

tries all values of all bytes, which takes some minutes, and counts; the tests try some of them.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from sklearn_astromer.errors import WeightsError
from sklearn_astromer.weights.tensorflow_bundle import _block_handle, parse_bundle

DATA = Path(__file__).resolve().parent / "data"
BUNDLES = ("tiny_bundle", "tiny_astromer2")
SOURCE = "weights.index"


def outcomes(bundle: str, changes: Iterable[int]) -> Iterator[tuple[int, str]]:
    """Change each byte by exclusive or, and tell what the reader makes of it.

    Yields
    ------
    position : int
    outcome : str
        "refused" (an error of ours that names the file), "right" (all numbers as they were), or
        what else happened.
    """
    index = (DATA / bundle / "weights.index").read_bytes()
    numbers = (DATA / bundle / "weights.data-00000-of-00001").read_bytes()
    intact = parse_bundle(index, [numbers], SOURCE)
    for position in range(len(index)):
        for change in changes:
            damaged = bytearray(index)
            damaged[position] ^= change
            try:
                found = parse_bundle(bytes(damaged), [numbers], SOURCE)
            except WeightsError as error:
                yield position, "refused" if SOURCE in str(error) else f"unclear: {error}"
            except Exception as error:
                yield position, f"another error: {error!r}"
            else:
                same = found.keys() == intact.keys() and all(
                    np.array_equal(found[name], intact[name]) for name in intact
                )
                yield position, "right" if same else "wrong numbers"


def unread_places(bundle: str) -> set[int]:
    """The places of a second table, which is empty, and of the filling of the footer."""
    index = (DATA / bundle / "weights.index").read_bytes()
    footer = index[-48:]
    offset, size, first = _block_handle(footer, 0, SOURCE)
    _, _, end = _block_handle(footer, first, SOURCE)
    in_footer = {*range(first), *range(end, 40)}
    places = {*range(offset, offset + size + 5)}
    return places | {len(index) - 48 + place for place in in_footer}


def main() -> None:
    for bundle in sys.argv[1:] or BUNDLES:
        counts = Counter(outcome for _, outcome in outcomes(bundle, range(1, 256)))
        print(bundle, dict(counts))  # noqa: T201 - what it is run for


if __name__ == "__main__":
    main()
