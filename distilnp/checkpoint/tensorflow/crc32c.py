"""The checksum of TensorFlow's files, CRC-32C, in NumPy, at about the speed of the disk.

A CRC is linear: appending bytes to a text multiplies the text's remainder by a power of x, and adds that of
the bytes. So many pieces of a text can be taken at once, one in each lane of an array, and their remainders
are joined in pairs until one is left. Nothing here is specific to TensorFlow but `masked`.
"""

import functools
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

# Castagnoli's polynomial, with the bits in reverse order as in every CRC-32 of bytes.
POLYNOMIAL = 0x82F63B78
ONES = 0xFFFFFFFF

# Numbers of 32 bits in a lane. A lane is a row; its words are taken one by one. With fewer of them, joining
# the lanes would take as long as the words; with more, short texts would be mostly padding.
WORDS = 64
# Bytes that are taken at once: as many as a second-level cache holds, since a step reads one word of each
# lane. Four times as many and a quarter as many were slower.
BLOCK_BYTES = 1 << 20

MASK_DELTA = 0xA282EAD8

Words = NDArray[np.uint32]


class Crc32c:
    """The checksum of a text that comes in parts."""

    def __init__(self) -> None:
        self._remainder = ONES

    def update(self, data: bytes | memoryview | NDArray[np.uint8]) -> None:
        """Append bytes to the text."""
        octets = np.frombuffer(data, np.uint8)
        for first in range(0, len(octets), BLOCK_BYTES):
            block = octets[first : first + BLOCK_BYTES]
            self._remainder = _shifted_one(self._remainder, len(block)) ^ _remainder(block)

    @property
    def value(self) -> int:
        """The checksum of all bytes so far."""
        return self._remainder ^ ONES

    @property
    def masked(self) -> int:
        """The checksum as TensorFlow and LevelDB store it, so that a text may hold its own checksum."""
        rotated = (self.value >> 15 | self.value << 17) & ONES
        return (rotated + MASK_DELTA) & ONES


def masked_crc32c(parts: Iterable[bytes]) -> int:
    """Return the stored form of the checksum of some parts together."""
    crc = Crc32c()
    for part in parts:
        crc.update(part)
    return crc.masked


def _remainder(block: NDArray[np.uint8]) -> int:
    """Return the remainder of a block, starting from zero."""
    n_lanes = 1
    while n_lanes * WORDS * 4 < len(block):
        n_lanes *= 2
    # Zeros in front of a text do not change a remainder that starts from zero.
    padded = np.zeros(n_lanes * WORDS * 4, np.uint8)
    padded[len(padded) - len(block) :] = block
    words = np.ascontiguousarray(padded.view("<u4").reshape(n_lanes, WORDS).T)
    high, low = _tables()
    lanes = np.zeros(n_lanes, np.uint32)
    for word in words:
        lanes ^= word
        lanes = low[lanes & np.uint32(0xFFFF)] ^ high[lanes >> np.uint32(16)]
    n_bytes = WORDS * 4
    while len(lanes) > 1:
        lanes = _shifted(lanes[::2], n_bytes) ^ lanes[1::2]
        n_bytes *= 2
    return int(lanes[0])


@functools.cache
def _tables() -> tuple[Words, Words]:
    """Return what the upper and the lower half of a word become when four bytes are appended to them."""
    halves = np.arange(1 << 16, dtype=np.uint32)
    return _appended(halves << np.uint32(16), 4), _appended(halves, 4)


def _appended(remainders: Words, n_bytes: int) -> Words:
    """Return remainders after as many zero bytes, bit by bit."""
    for _ in range(8 * n_bytes):
        odd = (remainders & np.uint32(1)).astype(bool)
        remainders = (remainders >> np.uint32(1)) ^ np.where(odd, np.uint32(POLYNOMIAL), np.uint32(0))
    return remainders


def _shifted(remainders: Words, n_bytes: int) -> Words:
    """Return remainders after as many zero bytes."""
    shifted = np.zeros_like(remainders)
    for i, table in enumerate(_shift(n_bytes)):
        shifted ^= table[remainders >> np.uint32(8 * i) & np.uint32(0xFF)]
    return shifted


def _shifted_one(remainder: int, n_bytes: int) -> int:
    """Return a remainder after as many zero bytes: at most those of a block."""
    shifted = np.array([remainder], np.uint32)
    power = 1
    while n_bytes:
        if n_bytes & 1:
            shifted = _shifted(shifted, power)
        n_bytes >>= 1
        power *= 2
    return int(shifted[0])


@functools.cache
def _shift(n_bytes: int) -> tuple[Words, Words, Words, Words]:
    """Return, for each byte of a remainder, what it becomes after as many zero bytes: a power of two."""
    if n_bytes == 1:
        octets = np.arange(256, dtype=np.uint32)
        first, second, third, fourth = (_appended(octets << np.uint32(8 * i), 1) for i in range(4))
    else:
        first, second, third, fourth = (_shifted(table, n_bytes // 2) for table in _shift(n_bytes // 2))
    return first, second, third, fourth
