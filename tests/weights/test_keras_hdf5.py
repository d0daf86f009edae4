"""Reader of weights that Keras saved as HDF5."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from sklearn_astromer.weights.keras_hdf5 import read_keras_hdf5


@pytest.fixture
def content(data_folder: Path) -> bytes:
    return (data_folder / "tiny_h5" / "weights.h5").read_bytes()


def test__read_keras_hdf5__tiny_checkpoint__gives_all_arrays(content: bytes) -> None:
    arrays = read_keras_hdf5(content, "here")
    assert len(arrays) == 2 * 16 + 6
    assert arrays["encoder/encoder/dense/kernel:0"].shape == (1, 16)
    assert {array.dtype for array in arrays.values()} == {np.dtype("float32")}


@pytest.mark.parametrize("kept", [0, 4, 100, 5000, 40000])
def test__read_keras_hdf5__truncated__raises(content: bytes, kept: int) -> None:
    with pytest.raises(ValueError, match="the file is damaged"):
        read_keras_hdf5(content[:kept], "the file")


def test__read_keras_hdf5__flipped_bytes__never_another_error(content: bytes) -> None:
    noticed = 0
    for position in range(0, len(content), 401):
        damaged = bytearray(content)
        damaged[position] ^= 0x81
        try:
            read_keras_hdf5(bytes(damaged), "the file")
        except ValueError as error:
            assert "the file is damaged" in str(error)  # noqa: PT017 - numbers have no checksum
            noticed += 1
    assert noticed > 5


def test__read_keras_hdf5__more_numbers_than_bytes__is_refused() -> None:
    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        file.create_dataset("bomb", (1 << 24,), dtype="f4", compression="gzip", fillvalue=0)
    with pytest.raises(ValueError, match="more bytes than the file has"):
        read_keras_hdf5(memory.getvalue(), "the file")


def test__read_keras_hdf5__numbers_of_another_file__are_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"1234")
    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        file.create_dataset("spy", (1,), dtype="f4", external=[(str(secret), 0, 4)])
    with pytest.raises(ValueError, match="spy has its numbers in another file"):
        read_keras_hdf5(memory.getvalue(), "the file")


def test__read_keras_hdf5__without_h5py__prints_the_install_line(
    content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ImportError, match=r'pip install "sklearn-astromer\[hdf5\]"'):
        read_keras_hdf5(content, "the file")
