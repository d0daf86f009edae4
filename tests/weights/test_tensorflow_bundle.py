"""Reader of TensorFlow checkpoint bundles."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from bundle_bytes import (
    HEADER,
    entry_in_block,
    index_of_blocks,
    nested,
    number,
    split_index,
    table,
    tensor_entry,
    varint,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_astromer.errors import WeightsError
from sklearn_astromer.weights.tensorflow_bundle import parse_bundle, read_bundle

VALUES = np.arange(6, dtype="<f4").reshape(2, 3)
CONTENT = VALUES.tobytes()


def test__read_bundle__own_table__gives_the_tensor() -> None:
    # The later tests of damage lean on this writer: it has to be right itself.
    second = entry_in_block(b"b", tensor_entry(b"text", (1,), element_type=7), shared=1)
    third = entry_in_block(b"c", tensor_entry(CONTENT[:8], (1,), element_type=9), shared=1)
    first = entry_in_block(b"aa", tensor_entry(CONTENT, (2, 3)))
    tensors = parse_bundle(table(HEADER + first + second + third), [CONTENT * 2], "here")
    assert list(tensors) == ["aa", "ac"]
    np.testing.assert_array_equal(tensors["aa"], VALUES)
    assert tensors["ac"].dtype == np.int64


@pytest.mark.parametrize("name", ["tiny_bundle", "tiny_astromer2"])
def test__read_bundle__tiny_checkpoint__gives_all_tensors(data_folder: Path, name: str) -> None:
    tensors = read_bundle(data_folder / name / "weights")
    n_blocks = 2 if name == "tiny_bundle" else 3
    # Per block: four projections, two maps, two norms, two arrays each; and three more layers.
    assert len(tensors) == n_blocks * 16 + 6
    assert {tensor.dtype for tensor in tensors.values()} == {np.dtype("<f4")}
    query = "layer_with_weights-0/enc_layers/1/mha/wq/kernel/.ATTRIBUTES/VARIABLE_VALUE"
    assert tensors[query].shape == (16, 16)


def test__read_bundle__missing_file__raises_file_not_found(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_bundle(tmp_path / "weights")


def test__read_bundle__any_flipped_byte_of_index__is_noticed(data_folder: Path) -> None:
    index = (data_folder / "tiny_bundle" / "weights.index").read_bytes()
    data = (data_folder / "tiny_bundle" / "weights.data-00000-of-00001").read_bytes()
    intact = parse_bundle(index, [data], "here")
    unnoticed = []
    for position in range(0, len(index), 11):
        damaged = bytearray(index)
        damaged[position] ^= 0x55
        try:
            found = parse_bundle(bytes(damaged), [data], "the index")
        except ValueError as error:
            assert "the index" in str(error)  # noqa: PT017 - most but not all positions raise
        else:
            unnoticed.append(position)
            assert all(np.array_equal(found[name], intact[name]) for name in intact)
    # The unused second table and the filling of the footer do not matter.
    assert all(position > len(index) - 120 for position in unnoticed)


def test__read_bundle__any_flipped_byte_of_data__is_noticed(data_folder: Path) -> None:
    index = (data_folder / "tiny_bundle" / "weights.index").read_bytes()
    data = (data_folder / "tiny_bundle" / "weights.data-00000-of-00001").read_bytes()
    n_used = 4 * sum(tensor.size for tensor in parse_bundle(index, [data], "here").values())
    noticed = 0
    positions = range(0, len(data), 97)
    for position in positions:
        damaged = bytearray(data)
        damaged[position] ^= 0x01
        try:
            parse_bundle(bytes(index), [bytes(damaged)], "here")
        except ValueError as error:
            assert "damaged" in str(error)  # noqa: PT017 - the program's description is not read
            noticed += 1
    assert noticed == pytest.approx(len(positions) * n_used / len(data), abs=2)


@pytest.mark.parametrize("kept", [0, 1, 47, 48, 500, 2400])
def test__read_bundle__truncated_index__raises(data_folder: Path, kept: int) -> None:
    index = (data_folder / "tiny_bundle" / "weights.index").read_bytes()
    with pytest.raises(ValueError, match=r"the index .*(cut off|damaged)"):
        parse_bundle(index[:kept], [b""], "the index")


@pytest.mark.parametrize("kept", [0, 1, 5000])
def test__read_bundle__truncated_data__raises(data_folder: Path, kept: int) -> None:
    index = (data_folder / "tiny_bundle" / "weights.index").read_bytes()
    data = (data_folder / "tiny_bundle" / "weights.data-00000-of-00001").read_bytes()
    with pytest.raises(ValueError, match=r"the index.*(ends too early|more bytes than there are)"):
        parse_bundle(index, [data[:kept]], "the index")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no header entry"),
        (entry_in_block(b"", number(1, 2)), "needs 2 data files"),
        (entry_in_block(b"", number(1, 1 << 62)), "data files"),
        (entry_in_block(b"", number(2, 1)), "big-endian"),
        (entry_in_block(b"", nested(1, b"")), "data files"),
        (HEADER + entry_in_block(b"a", b"", shared=3), "longer than its block"),
        (HEADER + varint(0) + varint(1 << 60) + varint(0), "longer than its block"),
        (HEADER + entry_in_block(b"a" * 5000, b""), "name has 5000 bytes"),
        (HEADER + b"\xff" * 12, "has no end"),
        (HEADER + entry_in_block(b"a", b"\x03"), "unknown kind 3"),
        (HEADER + entry_in_block(b"a", varint(1 << 3 | 2) + varint(99)), "longer than what holds"),
        (HEADER + entry_in_block(b"a", nested(5, b"1")), "field 5 is not a number"),
        (HEADER + entry_in_block(b"a", number(2, 4)), "a message was expected"),
        (HEADER + entry_in_block(b"a", tensor_entry(CONTENT, (7,))), "shape"),
        (HEADER + entry_in_block(b"a", tensor_entry(CONTENT, (2**64 - 1, 6))), "shape"),
        (HEADER + entry_in_block(b"a", tensor_entry(b"", (2**63, 0))), "shape"),
        (HEADER + entry_in_block(b"a", tensor_entry(CONTENT[:4], (1,) * 99)), "shape"),
        (HEADER + entry_in_block(b"a", tensor_entry(CONTENT, (6,), shard=1)), "names data file 1"),
        (HEADER + entry_in_block(b"a", tensor_entry(CONTENT, (6,), offset=4)), "ends too early"),
        (HEADER + entry_in_block(b"a", tensor_entry(CONTENT, (12,), size=48)), "more bytes"),
        (HEADER + entry_in_block(b"a", tensor_entry(CONTENT, (6,), element_type=19)), "type 19"),
        (HEADER + entry_in_block(b"a", tensor_entry(CONTENT, (6,), more=nested(7, b""))), "slices"),
        (
            HEADER
            + entry_in_block(b"a", tensor_entry(CONTENT, (6,)))
            + entry_in_block(b"b", tensor_entry(CONTENT, (6,))),
            "more bytes than there are",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test__read_bundle__impossible_content__raises(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=rf"the index.*{message}"):
        parse_bundle(table(content), [CONTENT], "the index")


def test__read_bundle__too_much_of_anything__is_refused() -> None:
    with pytest.raises(WeightsError, match="too many for an index"):
        parse_bundle(bytes(1 << 23), [b""], "the index")
    empty = tensor_entry(b"", (0,))
    names = b"".join(entry_in_block(b"%06d" % number, empty) for number in range(10_001))
    with pytest.raises(WeightsError, match="more than 10000 tensors"):
        parse_bundle(table(HEADER + names), [b""], "the index")
    blocks = [HEADER + struct.pack("<II", 0, 1), *[struct.pack("<I", 0)] * 2000]
    with pytest.raises(WeightsError, match="more than 2000 blocks"):
        parse_bundle(index_of_blocks(blocks), [b""], "the index")
    # Their product would take minutes.
    shape = entry_in_block(b"a", tensor_entry(CONTENT, (2**63,) * 100_000))
    with pytest.raises(WeightsError, match="more than 8 dimensions"):
        parse_bundle(table(HEADER + shape), [CONTENT], "the index")


def test__index_of_blocks__of_a_real_index__gives_the_same_tensors(data_folder: Path) -> None:
    # The fuzzing of indexes leans on it.
    index = (data_folder / "tiny_bundle" / "weights.index").read_bytes()
    data = (data_folder / "tiny_bundle" / "weights.data-00000-of-00001").read_bytes()
    found = parse_bundle(index_of_blocks(split_index(index)), [data], "the copy")
    expected = parse_bundle(index, [data], "the index")
    assert found.keys() == expected.keys()
    assert all(np.array_equal(found[name], expected[name]) for name in expected)


def test__read_bundle__compressed__says_so() -> None:
    with pytest.raises(ValueError, match="the index is compressed"):
        parse_bundle(table(HEADER, compression=1), [b""], "the index")


def test__read_bundle__other_file__says_what_it_is_not() -> None:
    with pytest.raises(ValueError, match="no TensorFlow checkpoint"):
        parse_bundle(b"x" * 1000, [b""], "the index")


@settings(max_examples=300, deadline=None)
@given(
    st.integers(0, 300), st.binary(min_size=1, max_size=12), st.binary(max_size=30), st.booleans()
)
def test__read_bundle__arbitrary_bytes_with_right_checksums__never_another_error(
    position: int, inserted: bytes, end: bytes, replaces: bool
) -> None:
    content = HEADER + entry_in_block(b"name/a", tensor_entry(CONTENT, (2, 3)))
    content += entry_in_block(b"b", tensor_entry(b"text", (1,), element_type=7), shared=5)
    position %= len(content)
    rest = content[position + len(inserted) * replaces :]
    try:
        parse_bundle(table(content[:position] + inserted + rest + end), [CONTENT], "here")
    except ValueError as error:
        assert "here" in str(error)  # noqa: PT017 - some insertions are harmless
