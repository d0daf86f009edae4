"""Checksums of TensorFlow's files."""

from __future__ import annotations

import numpy as np
import pytest

from sklearn_astromer.weights.crc32c import crc32c, masked_crc32c


def bit_by_bit(data: bytes) -> int:
    register = 0xFFFFFFFF
    for value in data:
        register ^= value
        for _ in range(8):
            register = (register >> 1) ^ (0x82F63B78 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        # RFC 3720, Appendix B.4, and the usual check value.
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (b"123456789", 0xE3069283),
    ],
)
def test__crc32c__known_values__are_met(data: bytes, expected: int) -> None:
    assert crc32c(data) == expected


@pytest.mark.parametrize("size", [*range(20), 63, 64, 65, 255, 256, 257, 5000])
def test__crc32c__any_size__equals_the_plain_algorithm(size: int) -> None:
    data = np.random.default_rng(size).bytes(size)
    assert crc32c(data) == bit_by_bit(data)


def test__masked_crc32c__zeros__equals_rotation_and_shift() -> None:
    checksum = 0x8A9136AA
    rotated = int(f"{checksum:032b}"[-15:] + f"{checksum:032b}"[:-15], 2)
    assert masked_crc32c(bytes(32)) == (rotated + 0xA282EAD8) % 2**32
