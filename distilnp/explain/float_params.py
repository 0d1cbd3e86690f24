"""The parameters that explaining needs, unpacked once for each engine and kept as long as the engine is."""

from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

from ..engine.engine import Engine
from ..model.int8 import Int8Linear, Int8Matrix
from ..model.params import Linear, Params


class Unpacked:
    """The parameters of an engine.

    Attributes
    ----------
    params : Params
        As the engine computes with them: for integers, dense layers are `Int8Linear`.
    differentiable : Params
        The numbers that they stand for. Dense layers are `Linear`, which has a gradient.
    """

    def __init__(self, params: Params) -> None:
        self.params = params

    @cached_property
    def differentiable(self) -> Params:
        """The parameters with the floats that integers stand for."""
        return _with_floats(self.params)


def unpacked(engine: Engine) -> Unpacked:
    """Return the parameters of an engine: 90 MB for `sst2-mini`, 270 MB for a model of full size."""
    kept = _kept.get(engine)
    # Two threads may both unpack; the first copy is the one that both use.
    return kept if kept is not None else _kept.setdefault(engine, Unpacked(engine.params))


_kept: WeakKeyDictionary[Engine, Unpacked] = WeakKeyDictionary()


def _with_floats(part: Any) -> Any:
    if isinstance(part, Int8Linear):
        return Linear(Int8Matrix(part.weight, part.scale).floats(), part.bias)
    if not isinstance(part, tuple):
        return part
    parts = map(_with_floats, part)
    return type(part)._make(parts) if hasattr(part, "_make") else tuple(parts)
