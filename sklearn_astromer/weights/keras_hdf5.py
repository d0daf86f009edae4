"""Reader of weights that Keras saved as HDF5.

Of HDF5 this is what Keras uses for weights: groups with symbol tables, and arrays of floating-point
numbers that lie in one piece. The HDF5 library itself can do far more, and is not made for files
from strangers: damaged ones can crash it. Here every place that a file names is checked.

References
----------
The HDF Group, HDF5 File Format Specification Version 2.0: superblock version 0 (II.A), B-trees
version 1 (III.A.1), symbol table nodes (III.B), local heaps (III.D), object headers version 1
(IV.A).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sklearn_astromer.errors import WeightsError

SIGNATURE = b"\x89HDF\r\n\x1a\n"
# Of the entry of the root group, behind what the superblock says of sizes and of the whole file.
ROOT_ENTRY = 56
ENTRY_SIZE = 40
# Kinds of messages in the header of an object.
DATASPACE, DATATYPE, EXTERNAL, LAYOUT, CONTINUATION, SYMBOL_TABLE = 1, 3, 7, 8, 16, 17
# Class of floating-point numbers; and what the two kinds that Keras writes have in their
# description: little-endian, IEEE 754.
FLOATING_POINT = 1
FLOATS = {
    struct.pack("<BIHHBBBBI", 31, 4, 0, 32, 23, 8, 0, 23, 127): "<f4",
    struct.pack("<BIHHBBBBI", 63, 8, 0, 64, 52, 11, 0, 52, 1023): "<f8",
}
COMPACT, CONTIGUOUS = 0, 1
# Far above what the released files have (38 arrays, in groups of at most four levels); these keep
# time and memory bounded.
DEEPEST = 16
MOST_STEPS = 100_000
LONGEST_NAME = 1024
LARGEST_RANK = 8


class _Damage(Exception):
    """What is wrong with a file."""


class _Message(NamedTuple):
    kind: int
    shared: bool
    content: bytes


def read_keras_hdf5(content: bytes, source: str) -> dict[str, NDArray[Any]]:
    """Read all arrays of float32 and float64 of an HDF5 file of Keras.

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
        Arrays by their paths in the file. Other data sets, such as counters, are left out.

    Raises
    ------
    WeightsError
        If the file is damaged, or has what Keras does not write for weights.
    """
    try:
        return dict(_File(content).arrays())
    except _Damage as damage:
        raise WeightsError(
            f"{source} is damaged, or no HDF5 file of Keras: {damage}. Copy or download it again."
        ) from None


class _File:
    """An HDF5 file in memory."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.steps_left = MOST_STEPS
        self.bytes_left = len(content)
        self.seen: set[int] = set()

    def arrays(self) -> Iterator[tuple[str, NDArray[Any]]]:
        """Go through all arrays and their paths."""
        if self.bytes_at(0, len(SIGNATURE)) != SIGNATURE:
            raise _Damage("its beginning is unknown")
        version, size_of_offsets, size_of_lengths = (self.bytes_at(k, 1)[0] for k in (8, 13, 14))
        if (version, size_of_offsets, size_of_lengths) != (0, 8, 8):
            raise _Damage(f"its superblock, of version {version}, is not as Keras writes it")
        if self.number(24) != 0:
            raise _Damage("it does not begin where it says")
        yield from self.members("", self.number(ROOT_ENTRY + 8), 0)

    def members(self, path: str, header: int, depth: int) -> Iterator[tuple[str, NDArray[Any]]]:
        """Go through the arrays in an object: itself, or those below it if it is a group."""
        self.visit(header)
        if depth > DEEPEST:
            raise _Damage(f"its groups are more than {DEEPEST} deep")
        messages = {message.kind: message for message in self.messages(header)}
        if SYMBOL_TABLE not in messages:
            array = self.array(messages, path)
            if array is not None:
                yield path, array
            return
        tree, heap = struct.unpack("<QQ", _cut(messages[SYMBOL_TABLE].content, 16))
        if self.bytes_at(heap, 4) != b"HEAP":
            raise _Damage(f"the names of the group {path!r} are not where it says")
        names = self.number(heap + 24)
        for entry in self.entries(tree):
            name = self.name(names + self.number(entry))
            below = f"{path}/{name}" if path else name
            yield from self.members(below, self.number(entry + 8), depth + 1)

    def entries(self, node: int) -> Iterator[int]:
        """Go through the places of the entries of a group."""
        self.visit(node)
        kind = self.bytes_at(node, 4)
        count = self.number(node + 6, 2)
        if kind == b"SNOD":
            for number in range(count):
                self.step()
                yield node + 8 + ENTRY_SIZE * number
        elif kind == b"TREE" and self.bytes_at(node + 4, 1) == b"\x00":
            level = self.bytes_at(node + 5, 1)[0]
            for number in range(count):
                self.step()
                child = self.number(node + 32 + 16 * number)
                # Levels fall by one: so the way down has an end.
                if level and self.bytes_at(child, 6)[5] != level - 1:
                    raise _Damage("the levels of a tree are out of order")
                if not level and self.bytes_at(child, 4) != b"SNOD":
                    raise _Damage("the lowest level of a tree holds no entries")
                yield from self.entries(child)
        else:
            raise _Damage("the members of a group are not where it says")

    def messages(self, header: int) -> Iterator[_Message]:
        """Go through the messages in the header of an object."""
        if self.bytes_at(header, 1) != b"\x01":
            raise _Damage("the header of an object is not as Keras writes it")
        blocks = [(header + 16, self.number(header + 8, 4))]
        for start, size in blocks:
            self.check(start, size)
            position = start
            while position + 8 <= start + size:
                self.step()
                kind, length, flags = struct.unpack("<HHB", self.bytes_at(position, 5))
                content = self.bytes_at(position + 8, length)
                if kind == CONTINUATION:
                    blocks.append(struct.unpack("<QQ", _cut(content, 16)))
                yield _Message(kind, bool(flags & 2), content)
                position += 8 + length

    def array(self, messages: dict[int, _Message], path: str) -> NDArray[Any] | None:
        """Give the numbers of a data set; None if it has none of floating point."""
        if not {DATASPACE, DATATYPE, LAYOUT} <= messages.keys():
            return None
        if any(messages[kind].shared for kind in (DATASPACE, DATATYPE, LAYOUT)):
            raise _Damage(f"what {path} is, is told elsewhere, as Keras does not")
        described = messages[DATATYPE].content
        if _cut(described, 8)[0] & 0x0F != FLOATING_POINT:
            return None
        # Without the class, the order of bytes and of padding, and a byte that is not used.
        element = FLOATS.get(described[2:3] + described[4:20])
        if element is None or described[1] & 0x41:
            raise _Damage(f"the numbers of {path} are neither float32 nor float64")
        if EXTERNAL in messages:
            raise _Damage(f"{path} has its numbers in another file")
        shape = _shape(messages[DATASPACE].content, path)
        size = math.prod(shape) * np.dtype(element).itemsize
        # Arrays that share their bytes would let a small file fill the memory.
        self.bytes_left -= size
        if self.bytes_left < 0:
            raise _Damage("its arrays need more bytes than the file has")
        numbers = self.numbers(messages[LAYOUT].content, size, path)
        return np.frombuffer(numbers, dtype=element).reshape(shape)

    def numbers(self, layout: bytes, size: int, path: str) -> bytes:
        """Give the bytes of a data set."""
        version, kind = _cut(layout, 2)
        if version == 3 and kind == CONTIGUOUS:
            address, stored = struct.unpack("<QQ", _cut(layout[2:], 16))
            # What is empty is nowhere.
            numbers = self.bytes_at(address, size) if size and stored == size else b""
        elif version == 3 and kind == COMPACT:
            stored = int.from_bytes(_cut(layout[2:], 2), "little")
            numbers = layout[4 : 4 + size]
        else:
            raise _Damage(f"{path} is stored in pieces, or compressed, as Keras does not")
        if stored != size or len(numbers) != size:
            raise _Damage(f"the numbers of {path} do not fit its shape")
        return numbers

    def name(self, start: int) -> str:
        """Read the name of a member of a group."""
        self.bytes_at(start, 1)
        end = self.content.find(b"\x00", start, start + LONGEST_NAME)
        if end <= start:
            raise _Damage("a name has no end, or no letters")
        return self.content[start:end].decode("utf-8", errors="backslashreplace")

    def bytes_at(self, start: int, size: int) -> bytes:
        """Cut bytes out of the file."""
        self.check(start, size)
        return self.content[start : start + size]

    def check(self, start: int, size: int) -> None:
        """Raise if bytes are not in the file."""
        if start + size > len(self.content):
            raise _Damage(f"it ends at byte {len(self.content)}, before byte {start + size}")

    def number(self, start: int, size: int = 8) -> int:
        """Read a whole number."""
        return int.from_bytes(self.bytes_at(start, size), "little")

    def visit(self, place: int) -> None:
        """Note a part of the file; nothing in it is there for two."""
        self.step()
        if place in self.seen:
            raise _Damage("a part of it is used twice")
        self.seen.add(place)

    def step(self) -> None:
        """Count what has an end in every file of Keras."""
        self.steps_left -= 1
        if self.steps_left < 0:
            raise _Damage("it has more entries than any file of weights")


def _shape(dataspace: bytes, path: str) -> tuple[int, ...]:
    """Read the lengths of an array's dimensions."""
    version, rank = _cut(dataspace, 2)
    begin = {1: 8, 2: 4}.get(version)
    if begin is None or rank > LARGEST_RANK or len(dataspace) < begin + 8 * rank:
        raise _Damage(f"the shape of {path} is not as Keras writes it")
    return struct.unpack_from(f"<{rank}Q", dataspace, begin)


def _cut(content: bytes, size: int) -> bytes:
    """Give the beginning of a message that has to be so long."""
    if len(content) < size:
        raise _Damage("a part of a header is too short")
    return content[:size]
