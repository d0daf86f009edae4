"""Reader of weights that Keras saved as HDF5."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from sklearn_astromer.errors import WeightsError
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


def written(**options: Any) -> bytes:
    """A file of a few groups, with attributes as Keras writes them; with options, another one."""
    memory = io.BytesIO()
    random = np.random.default_rng(0)
    with h5py.File(memory, "w", libver="earliest") as file:
        file.attrs["layer_names"] = np.array([b"encoder", b"regression"])
        for layer in range(12):
            group = file.create_group(f"layer_{layer}/dense")
            group.attrs["weight_names"] = np.array([b"kernel:0"] * (layer + 1))
            numbers = random.normal(size=(layer, 3)).astype("f4" if layer % 2 else "f8")
            group.create_dataset("kernel:0", data=numbers, **options)
            group.create_dataset("scalar:0", data=np.float32(layer))
        # Which are left out.
        file["counter"] = np.arange(3)
        file["text"] = "model"
    return memory.getvalue()


def test__read_keras_hdf5__own_file__gives_what_the_hdf5_library_gives() -> None:
    content = written()
    expected: dict[str, Any] = {}
    with h5py.File(io.BytesIO(content)) as file:
        file.visititems(
            lambda name, item: expected.update(
                {name: item[()]}
                if isinstance(item, h5py.Dataset) and item.dtype.kind == "f"
                else {}
            )
        )
    arrays = read_keras_hdf5(content, "here")
    assert arrays.keys() == expected.keys()
    assert len(arrays) == 24
    for name, value in expected.items():
        assert arrays[name].dtype == np.asarray(value).dtype
        np.testing.assert_array_equal(arrays[name], value)


@pytest.mark.parametrize(
    "options",
    [{"compression": "gzip"}, {"chunks": (1, 3)}, {"dtype": ">f4"}, {"dtype": "f2"}],
    ids=str,
)
def test__read_keras_hdf5__what_keras_does_not_write__is_refused(options: dict[str, Any]) -> None:
    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        file.create_dataset("a/kernel", data=np.ones((2, 3)), **options)
    with pytest.raises(WeightsError, match=r"the file .*(pieces, or compressed|neither float32)"):
        read_keras_hdf5(memory.getvalue(), "the file")


def test__read_keras_hdf5__newer_kind_of_file__is_refused() -> None:
    memory = io.BytesIO()
    with h5py.File(memory, "w", libver="latest") as file:
        file["a"] = np.ones(3)
    with pytest.raises(WeightsError, match="superblock, of version 3"):
        read_keras_hdf5(memory.getvalue(), "the file")


def test__read_keras_hdf5__more_numbers_than_bytes__is_refused(content: bytes) -> None:
    # Two arrays that share their bytes, which are most of the file.
    memory = io.BytesIO()
    with h5py.File(memory, "w", libver="earliest") as file:
        file["one"] = np.ones(9000, "f4")
        file["two"] = np.full(9000, 2, "f4")
        places = [file[name].id.get_offset() for name in ("two", "one")]
    shared = memory.getvalue().replace(*(place.to_bytes(8, "little") for place in places))
    shared = shared[: places[0]] + shared[places[0] + 36000 :]
    with pytest.raises(WeightsError, match="more bytes than the file has"):
        read_keras_hdf5(shared, "the file")


def test__read_keras_hdf5__link_to_itself__is_refused() -> None:
    memory = io.BytesIO()
    with h5py.File(memory, "w", libver="earliest") as file:
        file["a/b"] = np.ones(3, "f4")
        file["a/again"] = file["a"]
    with pytest.raises(WeightsError, match="used twice"):
        read_keras_hdf5(memory.getvalue(), "the file")


def test__read_keras_hdf5__numbers_of_another_file__are_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"1234")
    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        file.create_dataset("spy", (1,), dtype="f4", external=[(str(secret), 0, 4)])
    with pytest.raises(WeightsError, match="spy has its numbers in another file"):
        read_keras_hdf5(memory.getvalue(), "the file")
