"""Reader of weights that Keras saved as HDF5."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray


def read_keras_hdf5(content: bytes, source: str) -> dict[str, NDArray[Any]]:
    """Read all numeric arrays of an HDF5 file.

    Keras writes no checksums: a changed number in the arrays themselves goes unnoticed here, unless
    the file comes out of a zip, which has its own, or is compared with the hash in the registry.

    Parameters
    ----------
    content : bytes
        The file's content.
    source : str
        What to call the file in errors.

    Returns
    -------
    arrays : dict of str to ndarray
        Arrays by their paths in the file.

    Raises
    ------
    ImportError
        If h5py is not installed.
    ValueError
        If the file is damaged.
    """
    try:
        import h5py
    except ImportError as error:
        raise ImportError(
            f"{source} is an HDF5 file, and reading those needs h5py; "
            'install it with: pip install "sklearn-astromer[hdf5]"'
        ) from error

    arrays: dict[str, NDArray[Any]] = {}
    # Compressed data sets could grow without limit; what Keras writes is not compressed.
    bytes_left = len(content)

    def collect(name: str, item: Any) -> None:
        nonlocal bytes_left
        if not isinstance(item, h5py.Dataset) or item.dtype.kind not in "fiu":
            return
        if item.external or item.is_virtual:
            raise ValueError(f"{name} has its numbers in another file")
        bytes_left -= item.size * item.dtype.itemsize
        if bytes_left < 0:
            raise ValueError("its arrays need more bytes than the file has")
        arrays[name] = np.asarray(item[()])

    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            file.visititems(collect)
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise ValueError(f"{source} is damaged, or no HDF5 file: {error}") from error
    return arrays
