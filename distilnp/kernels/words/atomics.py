"""What threads write for each other to read."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .memory import int_pointer


@intrinsic
def fetch_add(typing: Any, pointer: Any, n: Any) -> Any:
    """Operation: old = pointer[0]; pointer[0] += n; return old. Atomic, and ordered with all other memory."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        return builder.atomic_rmw("add", args[0], args[1], "seq_cst")

    return types.int64(int_pointer, types.int64), generate


@intrinsic
def load_acquire(typing: Any, pointer: Any) -> Any:
    """Operation: pointer[0]. Whatever another thread wrote before it changed this number is visible after."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        return builder.load_atomic(args[0], "acquire", align=8)

    return types.int64(int_pointer), generate
