"""Write `tests/goldens/engine_bits.json`: the exact logits of the engine, as code from Numba computes them.

    PYTHONPATH=tests python tests/witness/engine_bits.py

Run it after an intended change of the kernels' numerics, and state the size of the change in CHANGELOG.md.
"""

import json
import os

from support.golden_bits import GOLDEN, MODELS, engine_bits


def main() -> None:
    """Write the golden file."""
    os.environ["DISTILNP_KERNELS"] = "jit"
    bits = {name: engine_bits(name, threads=1) for name in MODELS}
    GOLDEN.write_text(json.dumps(bits, indent=1) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
