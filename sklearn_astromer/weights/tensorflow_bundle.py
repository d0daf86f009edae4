"""Reader of TensorFlow checkpoint bundles (``weights.index`` and ``weights.data-...``).

The index file is a LevelDB table: sorted blocks of prefix-compressed keys, found through a footer.
Each key but the empty one names a tensor, and its value is a small protocol buffer that tells type,
shape and place in a data file. Nothing else of TensorFlow is needed to get the numbers out.

References
----------
LevelDB's ``doc/table_format.md``, and ``tensorflow/core/protobuf/tensor_bundle.proto``.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_astromer.errors import WeightsError
from sklearn_astromer.weights.crc32c import masked_crc32c

FOOTER_SIZE = 48
TABLE_MAGIC = 0xDB4775248B80FB57
# After each block: one byte for its compression, four for its checksum.
BLOCK_TRAILER_SIZE = 5
# Far above what the released files have (a hundred keys of some 80 bytes); these keep
# time and memory bounded.
LARGEST_KEY = 4096
LARGEST_INDEX = 1 << 22
LARGEST_NUMBER_OF_BLOCKS = 2_000
LARGEST_NUMBER_OF_TENSORS = 10_000
LARGEST_NUMBER_OF_SHARDS = 1_000
LARGEST_RANK = 8
GET_ANEW = "Copy or download the checkpoint again."

# Numbers of tensorflow/core/framework/types.proto.
STRING_TYPE = 7
ELEMENT_TYPES = {1: "<f4", 2: "<f8", 3: "<i4", 4: "<u1", 5: "<i2", 6: "<i1", 9: "<i8", 10: "|b1"}

VARINT, FIXED64, LENGTH_DELIMITED, FIXED32 = 0, 1, 2, 5


@dataclass
class _TensorEntry:
    element_type: int = 0
    shape: list[int] = field(default_factory=list)
    shard: int = 0
    offset: int = 0
    size: int = 0
    checksum: int = 0
    sliced: bool = False


def read_bundle(prefix: str | Path) -> dict[str, NDArray[Any]]:
    """Read all numeric tensors of a checkpoint bundle.

    Parameters
    ----------
    prefix : str or Path
        Path of the index file without its ending: ``folder/weights`` for ``folder/weights.index``.

    Returns
    -------
    tensors : dict of str to ndarray
        Tensors by the names under which they were stored. Strings, among them the description of
        the program's object graph, are left out.

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    WeightsError
        If a file is damaged, or is no checkpoint bundle.
    """
    prefix = Path(prefix)
    index_path = prefix.with_name(f"{prefix.name}.index")
    index = index_path.read_bytes()
    n_shards = count_shards(index, str(index_path))
    shards = [
        prefix.with_name(f"{prefix.name}{shard_ending(shard, n_shards)}").read_bytes()
        for shard in range(n_shards)
    ]
    return parse_bundle(index, shards, str(index_path))


def shard_ending(shard: int, n_shards: int) -> str:
    """Give what the name of a data file has after the prefix."""
    return f".data-{shard:05d}-of-{n_shards:05d}"


def count_shards(index: bytes, source: str) -> int:
    """Tell over how many data files the tensors are spread.

    Parameters
    ----------
    index : bytes
        Content of the index file.
    source : str
        What to call the file in errors.
    """
    for key, value in _table_entries(index, source):
        if key:
            break
        header = _message(value, source)
        n_shards, endianness = header.get(1, [1])[-1], header.get(2, [0])[-1]
        if endianness != 0:
            raise WeightsError(
                f"{source} was written on a big-endian machine, which is not supported; write it "
                "again on another one."
            )
        if not isinstance(n_shards, int) or not 1 <= n_shards <= LARGEST_NUMBER_OF_SHARDS:
            raise _damaged(source, f"it claims {n_shards!r} data files")
        return n_shards
    raise _damaged(source, "it has no header entry")


def parse_bundle(index: bytes, shards: Sequence[bytes], source: str) -> dict[str, NDArray[Any]]:
    """Read all numeric tensors from the contents of a bundle's files.

    Parameters
    ----------
    index : bytes
        Content of the index file.
    shards : sequence of bytes
        Contents of the data files, in order.
    source : str
        What to call the index file in errors.

    Returns
    -------
    tensors : dict of str to ndarray
        See `read_bundle`.

    Raises
    ------
    WeightsError
        If something is damaged.
    """
    n_shards = count_shards(index, source)
    if n_shards != len(shards):
        raise WeightsError(
            f"{source} needs {n_shards} data files; there are {len(shards)}. {GET_ANEW}"
        )
    tensors: dict[str, NDArray[Any]] = {}
    # Entries that share their bytes would let a small file fill the memory.
    bytes_left = sum(len(shard) for shard in shards)
    for key, value in _table_entries(index, source):
        if not key:
            continue
        name = key.decode("utf-8", errors="backslashreplace")
        entry = _tensor_entry(value, f"{source}, entry {name!r}")
        if entry.element_type == STRING_TYPE:
            continue
        bytes_left -= entry.size
        if len(tensors) == LARGEST_NUMBER_OF_TENSORS:
            raise _damaged(source, f"it names more than {LARGEST_NUMBER_OF_TENSORS} tensors")
        if bytes_left < 0:
            raise _damaged(source, "its tensors need more bytes than there are")
        tensors[name] = _tensor(entry, shards, f"{source}, tensor {name!r}")
    return tensors


def _damaged(where: str, what: str) -> WeightsError:
    return WeightsError(f"{where} is damaged: {what}. {GET_ANEW}")


def _tensor(entry: _TensorEntry, shards: Sequence[bytes], where: str) -> NDArray[Any]:
    """Cut one tensor out of its data file, and check it."""
    if entry.sliced:
        raise WeightsError(
            f"{where}: tensors stored in slices are not supported; write the checkpoint again, "
            "from one machine."
        )
    if entry.element_type not in ELEMENT_TYPES:
        raise WeightsError(
            f"{where}: elements of type {entry.element_type} are not supported; write the "
            "checkpoint again, in float32."
        )
    element_type = np.dtype(ELEMENT_TYPES[entry.element_type])
    if math.prod(entry.shape) * element_type.itemsize != entry.size:
        raise _damaged(where, f"shape {tuple(entry.shape)} does not fit {entry.size} bytes")
    if entry.shard >= len(shards):
        raise _damaged(where, f"it names data file {entry.shard}, which is not there")
    shard = shards[entry.shard]
    if entry.offset + entry.size > len(shard):
        raise WeightsError(
            f"{where}: the data file ends too early; it has {len(shard)} bytes and the tensor ends "
            f"at {entry.offset + entry.size}. It was probably cut off while it was copied: copy it "
            "again."
        )
    content = shard[entry.offset : entry.offset + entry.size]
    if masked_crc32c(content) != entry.checksum:
        raise _damaged(where, "the checksum of its numbers in the data file is wrong")
    try:
        return np.frombuffer(content, dtype=element_type).reshape(entry.shape)
    except (ValueError, OverflowError) as error:
        raise _damaged(where, f"shape {tuple(entry.shape)}: {error}") from error


def _tensor_entry(value: bytes, where: str) -> _TensorEntry:
    """Read a ``BundleEntryProto``."""
    message = _message(value, where)
    entry = _TensorEntry(
        element_type=_last_integer(message, 1, where),
        shard=_last_integer(message, 3, where),
        offset=_last_integer(message, 4, where),
        size=_last_integer(message, 5, where),
        checksum=_last_integer(message, 6, where),
        sliced=7 in message,
    )
    for shape in message.get(2, []):
        for dimension in _message(shape, where).get(2, []):
            entry.shape.append(_last_integer(_message(dimension, where), 1, where))
            if len(entry.shape) > LARGEST_RANK:
                raise _damaged(where, f"its shape has more than {LARGEST_RANK} dimensions")
    return entry


def _last_integer(message: dict[int, list[int | bytes]], number: int, where: str) -> int:
    """Give the value of an integer field, of which the last one counts; absent ones are zero."""
    value = message.get(number, [0])[-1]
    if not isinstance(value, int):
        raise _damaged(where, f"field {number} is not a number")
    return value


def _message(content: int | bytes, where: str) -> dict[int, list[int | bytes]]:
    """Split a protocol buffer message into the values of its fields."""
    if isinstance(content, int):
        raise _damaged(where, "a message was expected, not a number")
    fields: dict[int, list[int | bytes]] = {}
    position = 0
    while position < len(content):
        tag, position = _varint(content, position, where)
        kind = tag & 7
        value: int | bytes
        if kind == VARINT:
            value, position = _varint(content, position, where)
        else:
            if kind == LENGTH_DELIMITED:
                size, position = _varint(content, position, where)
            elif kind in (FIXED32, FIXED64):
                size = 4 if kind == FIXED32 else 8
            else:
                raise _damaged(where, f"unknown kind {kind} of field")
            if size > len(content) - position:
                raise _damaged(where, "a field is longer than what holds it")
            value = content[position : position + size]
            if kind != LENGTH_DELIMITED:
                value = int.from_bytes(value, "little")
            position += size
        fields.setdefault(tag >> 3, []).append(value)
    return fields


def _varint(content: bytes, position: int, where: str) -> tuple[int, int]:
    """Read an integer of seven bits per byte; give it and the position after it."""
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(content):
            break
        byte = content[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise _damaged(where, "a number in it has no end")


def _table_entries(index: bytes, source: str) -> Iterator[tuple[bytes, bytes]]:
    """Go through keys and values of a LevelDB table, in order."""
    if len(index) > LARGEST_INDEX:
        raise _damaged(source, f"it has {len(index)} bytes, too many for an index")
    if len(index) < FOOTER_SIZE:
        raise _damaged(source, f"it has only {len(index)} bytes, and was cut off")
    footer = index[-FOOTER_SIZE:]
    if struct.unpack("<Q", footer[-8:])[0] != TABLE_MAGIC:
        raise WeightsError(
            f"{source} is cut off, or no TensorFlow checkpoint: its end is unknown. {GET_ANEW}"
        )
    _, _, position = _block_handle(footer, 0, source)
    offset, size, _ = _block_handle(footer, position, source)
    end_of_previous = 0
    for number, (_, handle) in enumerate(
        _block_entries(_block(index, offset, size, source), source)
    ):
        if number == LARGEST_NUMBER_OF_BLOCKS:
            raise _damaged(source, f"it has more than {LARGEST_NUMBER_OF_BLOCKS} blocks")
        offset, size, _ = _block_handle(handle, 0, source)
        # Blocks follow each other; one that is named twice would let a small file take for ever.
        if offset < end_of_previous:
            raise _damaged(source, "its blocks overlap")
        end_of_previous = offset + size
        yield from _block_entries(_block(index, offset, size, source), source)


def _block_handle(content: bytes, position: int, source: str) -> tuple[int, int, int]:
    """Read offset and size of a block; give them and the position after them."""
    offset, position = _varint(content, position, source)
    size, position = _varint(content, position, source)
    return offset, size, position


def _block(index: bytes, offset: int, size: int, source: str) -> bytes:
    """Cut out one block, and check it."""
    end = offset + size
    if end + BLOCK_TRAILER_SIZE > len(index) - FOOTER_SIZE:
        raise _damaged(source, "a block lies outside of the file")
    (checksum,) = struct.unpack("<I", index[end + 1 : end + BLOCK_TRAILER_SIZE])
    if masked_crc32c(index[offset : end + 1]) != checksum:
        raise _damaged(source, "the checksum of a block is wrong")
    if index[end] != 0:
        raise WeightsError(
            f"{source} is compressed (kind {index[end]}), which is not supported; write the "
            "checkpoint again without compression."
        )
    return index[offset:end]


def _block_entries(block: bytes, source: str) -> Iterator[tuple[bytes, bytes]]:
    """Go through keys and values of one block, whose keys share their beginnings."""
    if len(block) < 4:
        raise _damaged(source, f"a block has only {len(block)} bytes")
    (n_restarts,) = struct.unpack("<I", block[-4:])
    end = len(block) - 4 - 4 * n_restarts
    if end < 0:
        raise _damaged(source, f"a block claims {n_restarts} restart points")
    content = block[:end]
    position, key = 0, b""
    while position < end:
        shared, position = _varint(content, position, source)
        unshared, position = _varint(content, position, source)
        size, position = _varint(content, position, source)
        if shared > len(key) or unshared + size > end - position:
            raise _damaged(source, "an entry is longer than its block")
        if shared + unshared > LARGEST_KEY:
            raise _damaged(source, f"a name has {shared + unshared} bytes")
        key = key[:shared] + content[position : position + unshared]
        position += unshared
        yield key, content[position : position + size]
        position += size
