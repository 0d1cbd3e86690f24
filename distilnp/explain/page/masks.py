"""Numbers as pictures without a colour: a page pours its own colour through them, in light and in dark."""

import struct
import zlib
from base64 import b64encode

import numpy as np
from numpy.typing import NDArray

# Shades of a picture. More of them can hardly be told apart, and take more bytes.
SHADES = 15

# The type of a pixel in the header of a PNG file.
GRAY_WITH_ALPHA = 4


def mask(values: NDArray[np.floating]) -> str:
    """Return a picture as a `data:` address: where a value is 1, a colour passes; where it is 0, none does.

    Parameters
    ----------
    values : array, [height, width]
        From 0 to 1. A pixel lets the square root of its value pass, so that small values can be seen.
    """
    shades = np.rint(np.sqrt(values) * SHADES).astype(np.uint8) * (255 // SHADES)
    return f"data:image/png;base64,{b64encode(png(shades)).decode()}"


def png(alpha: NDArray[np.uint8]) -> bytes:
    """Return a PNG file of black pixels with these opacities [height, width]."""
    height, width = alpha.shape
    rows = np.zeros((height, 1 + 2 * width), np.uint8)  # a row begins with the number of its filter, 0: none
    rows[:, 2::2] = alpha
    header = struct.pack(">IIBBBBB", width, height, 8, GRAY_WITH_ALPHA, 0, 0, 0)
    pixels = zlib.compress(rows.tobytes(), 9)
    chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
