"""A fused multiply-add of float32 numbers in NumPy, which has none: the oracle of every FMA."""

from typing import Any

import numpy as np


def fma(x: Any, y: Any, z: Any) -> Any:
    """Return x * y + z, rounded once to float32, as IEEE 754 defines it.

    The product is exact in float64, but the sum is rounded. If it were rounded to even, it could become a
    number in the middle between two float32 numbers, and the second rounding could then go the wrong way. It
    is rounded to odd instead: an odd last bit records that the sum was not exact (Boldo and Melquiond 2008,
    "Emulation of FMA and correctly rounded sums").
    """
    with np.errstate(all="ignore"):  # infinities and NaN are operands like any other
        product = np.asarray(x, np.float64) * np.asarray(y, np.float64)
        z = np.asarray(z, np.float64)
        total = np.asarray(product + z)
        # The rounding error of the sum (Knuth's TwoSum).
        virtual = total - product
        lost = (product - (total - virtual)) + (z - virtual)
        is_even = total.view(np.int64) & 1 == 0
        odd = np.nextafter(total, np.where(lost > 0, np.inf, -np.inf))
        return np.where(np.isfinite(total) & (lost != 0) & is_even, odd, total).astype(np.float32)
