"""x * y + z of float32 numbers with one rounding, in NumPy, which has none: the oracle of every FMA."""

from typing import Any

import numpy as np


def fma(x: Any, y: Any, z: Any) -> Any:
    """Return x * y + z as IEEE 754 has it in float32.

    In float64 the product is exact, and the sum is rounded. Were it rounded to even, a second rounding could
    tip what the first has put in the middle. Rounded to odd, as here, it cannot: an odd last bit says that
    there was something left (Boldo and Melquiond 2008, "Emulation of FMA and correctly rounded sums").
    """
    with np.errstate(all="ignore"):  # infinities and NaN are part of it
        product = np.asarray(x, np.float64) * np.asarray(y, np.float64)
        z = np.asarray(z, np.float64)
        total = np.asarray(product + z)
        # What was lost (Knuth's TwoSum).
        virtual = total - product
        lost = (product - (total - virtual)) + (z - virtual)
        is_even = total.view(np.int64) & 1 == 0
        odd = np.nextafter(total, np.where(lost > 0, np.inf, -np.inf))
        return np.where(np.isfinite(total) & (lost != 0) & is_even, odd, total).astype(np.float32)
