"""Results of fits, kept as small JSON files, so that no fit is done twice."""

from __future__ import annotations

import json
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_astromer.atomic import write_bytes
from sklearn_astromer.evaluation.fingerprints import fingerprint
from sklearn_astromer.light_curves import LightCurves

__all__ = ["RESULTS", "data_fingerprint", "read_result", "result_file", "write_result"]

# What a file must hold; the rest of it is for the eyes of those who open it.
RESULTS = ("score", "fit_seconds", "predict_seconds", "epochs")


def data_fingerprint(X: Any, classes: list[Any], codes: NDArray[np.int64]) -> str:
    """Give a hash of all light curves (or features) and their classes.

    Parameters
    ----------
    X : LightCurves or what scikit-learn takes
    classes : list
        Labels of the classes.
    codes : ndarray of int64, shape (n_stars,)
        Class of each star.

    Returns
    -------
    fingerprint : str
    """
    if isinstance(X, LightCurves):
        X = [X.time, X.magnitude, X.error, X.offsets, X.ids]
    return fingerprint([X, classes, codes])


def result_file(folder: Path, *parts: Any) -> Path:
    """Name the file for the result of one fit.

    Parameters
    ----------
    folder : Path
    *parts : object
        All that the result depends on, besides the version of this package.

    Returns
    -------
    file : Path
    """
    # Here, since the package imports this module before it knows its version.
    from sklearn_astromer import __version__

    return folder / f"{fingerprint([__version__, *parts])}.json"


def write_result(file: Path, result: dict[str, Any]) -> None:
    """Write a result so that, whatever happens, there is the whole file or none.

    Parameters
    ----------
    file : Path
        The file to make; its folder exists.
    result : dict
        Strings, numbers and None.
    """
    write_bytes(file, json.dumps(result, indent=1).encode())


def read_result(file: Path) -> dict[str, Any] | None:
    """Read the result of a fit that was done before.

    Parameters
    ----------
    file : Path

    Returns
    -------
    result : dict or None
        None if there is no such file.

    Raises
    ------
    ValueError
        If the file is damaged.
    """
    try:
        result = json.loads(file.read_text(encoding="utf-8"))
        numbers = {name: result[name] for name in RESULTS}
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as problem:
        raise _damaged(file, repr(problem)) from problem
    for name, value in numbers.items():
        if not isinstance(value, Real) and not (name == "epochs" and value is None):
            raise _damaged(file, f"{name} is {value!r}")
    return numbers


def _damaged(file: Path, why: str) -> ValueError:
    return ValueError(
        f"the result in {file} is damaged ({why}). Delete the file; its fit is then done again."
    )
