"""Writer of the index of TensorFlow checkpoint bundles, for tests: right checksums, any content."""

from __future__ import annotations

import struct

from sklearn_astromer.weights.crc32c import masked_crc32c

MAGIC = 0xDB4775248B80FB57


def varint(value: int) -> bytes:
    content = bytearray()
    while value >= 0x80:
        content.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*content, value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def nested(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content


def tensor_entry(
    data: bytes,
    shape: tuple[int, ...],
    *,
    element_type: int = 1,
    shard: int = 0,
    offset: int = 0,
    size: int | None = None,
    more: bytes = b"",
) -> bytes:
    dimensions = b"".join(nested(2, number(1, length)) for length in shape)
    checksum = varint(6 << 3 | 5) + struct.pack("<I", masked_crc32c(data))
    place = number(3, shard) + number(4, offset)
    size = len(data) if size is None else size
    return (
        number(1, element_type) + nested(2, dimensions) + place + number(5, size) + checksum + more
    )


def entry_in_block(key: bytes, value: bytes, shared: int = 0) -> bytes:
    return varint(shared) + varint(len(key)) + varint(len(value)) + key + value


def sealed(content: bytes, compression: int = 0) -> bytes:
    trailer = bytes([compression])
    return content + trailer + struct.pack("<I", masked_crc32c(content + trailer))


def table(content: bytes, compression: int = 0) -> bytes:
    """Index file with one block, whose checksums are right whatever it holds."""
    block = content + struct.pack("<II", 0, 1)
    data = sealed(block, compression)
    handle = varint(0) + varint(len(block))
    index = entry_in_block(b"~", handle) + struct.pack("<II", 0, 1)
    footer = varint(0) * 2 + varint(len(data)) + varint(len(index))
    return data + sealed(index) + footer.ljust(40, b"\0") + struct.pack("<Q", MAGIC)


HEADER = entry_in_block(b"", number(1, 1))


def split_index(index: bytes) -> list[bytes]:
    """Give the contents of the blocks of an index that hold its entries."""
    from sklearn_astromer.weights import tensorflow_bundle as reader

    _, _, position = reader._block_handle(index[-48:], 0, "index")
    offset, size, _ = reader._block_handle(index[-48:], position, "index")
    handles = reader._block_entries(index[offset : offset + size], "index")
    places = [reader._block_handle(handle, 0, "index")[:2] for _, handle in handles]
    return [index[offset : offset + size] for offset, size in places]


def index_of_blocks(blocks: list[bytes]) -> bytes:
    """Make an index of whole blocks, restart points included, with right checksums."""
    data, handles = b"", b""
    for number, block in enumerate(blocks):
        handle = varint(len(data)) + varint(len(block))
        handles += entry_in_block(b"~%d" % number, handle)
        data += sealed(block)
    index = handles + struct.pack("<II", 0, 1)
    footer = varint(0) * 2 + varint(len(data)) + varint(len(index))
    return data + sealed(index) + footer.ljust(40, b"\0") + struct.pack("<Q", MAGIC)
