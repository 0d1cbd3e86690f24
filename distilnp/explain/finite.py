"""Numbers that overflow are one clear error, whichever method computed them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CheckpointError


def expect_finite(name: str, values: NDArray[Any]) -> None:
    """Check that numbers are finite, which the text's own logits may be while these are not.

    Raises
    ------
    CheckpointError
        A number is infinite or NaN.
    """
    if not np.isfinite(values).all():
        raise CheckpointError(
            f"{name} are not all finite, expected finite numbers. The weights of the checkpoint are finite "
            "but too large for float32: it is damaged"
        )
