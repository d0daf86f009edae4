"""Numbers of file formats: what is older is read, what is newer is refused with a word of help."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sklearn_astromer.errors import AstromerError, WeightsError


def check_format(
    found: Any, newest: int, path: Path, remedy: str, kind: type[AstromerError] = WeightsError
) -> None:
    """Raise unless a file has a format that this version of the package can read.

    Parameters
    ----------
    found : object
        What the file gives as the number of its format; None where it gives none.
    newest : int
        The newest format that can be read; the first one is 1.
    path : Path
        The file, for the message.
    remedy : str
        What to do about a file that is damaged, as a sentence.
    kind : type, default=WeightsError
        Of the error.

    Raises
    ------
    WeightsError
        If the number is missing, is none, or is that of a newer format.
    """
    # bool is an int to Python, but no number to JSON.
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        shown = "it has no format number" if found is None else f"its format is {found!r:.40}"
        raise kind(f"{path} is damaged: {shown}. {remedy}")
    if found > newest:
        raise kind(
            f"{path} has format {found}; this version of sklearn_astromer reads formats up to "
            f"{newest}. Install a newer version: pip install --upgrade sklearn-astromer."
        )
