"""Show the loop in which a rung spends its time, as machine code."""

import re
from types import ModuleType
from typing import Any

from . import operands

LABEL = re.compile(r"^(\.?L\w+):")
JUMP = re.compile(r"^\s+(?:j\w+|b\S*|cbn?z\s+\w+,|tbn?z\s+\w+,\s*#?\d+,)\s+(\.?L\w+)")
# What multiplies, on x86-64 and on ARM.
MULTIPLICATION = re.compile(r"^\s+(?:v?f?n?mul|vfn?madd|fmla|fmadd|vpdp|vpmadd|sdot|udot|smull|tdp)")


def loops(assembly: str) -> list[list[str]]:
    """Return the innermost loops, from their label to the last jump back to it."""
    lines = [
        line
        for line in assembly.splitlines()
        if not line.lstrip().startswith((".", "#", "//")) or LABEL.match(line)
    ]
    labels: dict[str, int] = {}
    ends: dict[int, int] = {}  # of the last jump back to a label
    for i, line in enumerate(lines):
        if label := LABEL.match(line):
            labels[label[1]] = i
        elif (jump := JUMP.match(line)) and jump[1] in labels:
            ends[labels[jump[1]]] = i
    spans = list(ends.items())
    innermost = [
        span for span in spans if not any(a >= span[0] and b <= span[1] for a, b in spans if (a, b) != span)
    ]
    return [lines[a : b + 1] for a, b in innermost]


def hot_loop(module: ModuleType) -> str:
    """Return the innermost loop of a rung that has the most multiplications."""
    is_int8 = module.__name__.endswith("int8")
    tiles = operands.TILES
    entry: Any = getattr(module, "product", None) or module.kernel(tiles.int8 if is_int8 else tiles.float32)
    # The library of a C function is private to Numba; a dispatcher's `inspect_asm` shows the same.
    found = loops(entry.compiled._library.get_asm_str())
    return "\n".join(max(found, key=lambda loop: sum(bool(MULTIPLICATION.match(line)) for line in loop)))
