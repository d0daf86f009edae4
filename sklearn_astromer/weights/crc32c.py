"""CRC-32C of bytes with numpy alone, as TensorFlow's files use it."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

# Castagnoli polynomial, bit-reversed (RFC 3720, Appendix B.4).
POLYNOMIAL = 0x82F63B78
# Constant of the masking that LevelDB and TensorFlow apply to stored checksums.
MASK_DELTA = 0xA282EAD8


def crc32c(data: bytes) -> int:
    """Compute the CRC-32C checksum of `data`.

    The checksum is linear over GF(2): rows of the data, laid out as a table, are worked through
    side by side, and their results joined pairwise. A megabyte takes milliseconds.

    Parameters
    ----------
    data : bytes
        What to compute the checksum of.

    Returns
    -------
    checksum : int
        Between 0 and 2**32 - 1.
    """
    values = np.frombuffer(data, dtype=np.uint8)
    if values.size < 4:
        register = 0xFFFFFFFF
        for value in values.tolist():
            register = int(_byte_table()[(register ^ value) & 0xFF]) ^ (register >> 8)
        return register ^ 0xFFFFFFFF
    return _linear_remainder(values) ^ 0xFFFFFFFF


def masked_crc32c(data: bytes) -> int:
    """Compute the checksum in the rotated and shifted form in which TensorFlow stores it."""
    checksum = crc32c(data)
    return (((checksum >> 15) | (checksum << 17)) + MASK_DELTA) & 0xFFFFFFFF


def _linear_remainder(values: NDArray[np.uint8]) -> int:
    """Compute the register after at least four bytes, started with all bits set."""
    # Leading zeros do not change a register that is zero, so that the table is filled up in front;
    # a register with all bits set is a zero one that meets four inverted bytes first.
    n_rows = 1 << (values.size.bit_length() // 2)
    n_columns = -(-values.size // n_rows)
    table = np.zeros(n_rows * n_columns, dtype=np.uint32)
    table[-values.size :] = values
    table[table.size - values.size : table.size - values.size + 4] ^= 0xFF
    columns = np.ascontiguousarray(table.reshape(n_rows, n_columns).T)

    lookup = _byte_table()
    register = np.zeros(n_rows, dtype=np.uint32)
    # What `n_columns` zero bytes do to each of the 32 bits: the matrix that joins two rows.
    advance = np.uint32(1) << np.arange(32, dtype=np.uint32)
    for column in columns:
        register = lookup[(register ^ column) & 0xFF] ^ (register >> 8)
        advance = lookup[advance & 0xFF] ^ (advance >> 8)
    while register.size > 1:
        register = _apply(advance, register[0::2]) ^ register[1::2]
        advance = _apply(advance, advance)
    return int(register[0])


def _apply(matrix: NDArray[np.uint32], vectors: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Multiply vectors of 32 bits with a matrix given by its 32 columns, over GF(2)."""
    bits = (vectors[:, None] >> np.arange(32, dtype=np.uint32)) & 1
    return np.bitwise_xor.reduce(bits * matrix, axis=1)


@functools.cache
def _byte_table() -> NDArray[np.uint32]:
    """Compute what each value of a byte does to the register."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(POLYNOMIAL), table >> 1)
    return table
