"""Write `tests/goldens/engine_bits.json`: logits of the engine, to the bit, computed by Numba's code.

    PYTHONPATH=tests python tests/witness/engine_bits.py

Run it when the kernels' numerics have changed on purpose, and say in CHANGELOG.md by how much.
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
