"""The pickles inside `pytorch_model.bin`, without pickle: what they say about tensors, and nothing else.

A pickle is a program for a stack machine that can import and call. This machine has the opcodes that a dict
of tensors takes. It imports nothing: a name is looked up in `GLOBALS`, and what is "called" makes one of the
descriptions below. Python's own machine, with its `find_class` closed, would still be open to other attacks:
it makes room for as many memos as one opcode asks for, and a tuple of a million tuples, as a key of a dict,
ends the process (seen with Python 3.11).
"""

import pickletools
from collections.abc import Callable
from typing import Any, NamedTuple

# The classes of torch that hold numbers, and what safetensors calls the type.
STORAGES = {
    "DoubleStorage": "F64",
    "FloatStorage": "F32",
    "HalfStorage": "F16",
    "BFloat16Storage": "BF16",
    "LongStorage": "I64",
    "IntStorage": "I32",
    "ShortStorage": "I16",
    "CharStorage": "I8",
    "ByteStorage": "U8",
    "BoolStorage": "BOOL",
}


class Refused(Exception):
    """What a pickle asks for is not what tensors take."""


class StorageType(NamedTuple):
    """A class of torch, by the type of its numbers."""

    kind: str


class Storage(NamedTuple):
    """Numbers in the file, under a key."""

    key: str
    kind: str
    size: int


class View(NamedTuple):
    """A tensor: numbers of a storage, from `offset` on."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def unpickle(data: bytes) -> tuple[Any, int]:
    """Return what the first pickle in `data` holds, and where the next one begins.

    Raises
    ------
    Refused
        It asks for more than tensors, or is none.
    """
    machine = _Machine()
    try:
        for opcode, argument, position in pickletools.genops(data):
            if opcode.name == "STOP":
                return machine.stack.pop(), (position or 0) + 1
            if opcode.name not in OPCODES:
                shown = "" if argument is None else f" ({argument!r:.100})"
                raise Refused(f"the opcode {opcode.name}{shown} is not among those that tensors take")
            OPCODES[opcode.name](machine, argument)
    except (ValueError, IndexError, KeyError) as error:
        raise Refused(f"it is not a whole pickle ({error!r:.200})") from None
    raise AssertionError("genops ends with STOP or a ValueError")


class _Machine:
    """The state between two opcodes.

    `stack` is what stands above the last mark, `below` what stands under each mark.
    """

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []
        self.memo: dict[int, Any] = {}

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def mark(self) -> None:
        self.below.append(self.stack)
        self.stack = []

    def to_mark(self) -> list[Any]:
        """Take everything down to the last mark."""
        items, self.stack = self.stack, self.below.pop()
        return items

    def top(self, n: int) -> list[Any]:
        """Take the upper n."""
        items = [self.stack.pop() for _ in range(n)]
        return items[::-1]

    def append(self, values: list[Any]) -> None:
        if type(self.stack[-1]) is not list:
            raise Refused("it appends to what is not a list")
        self.stack[-1].extend(values)

    def set_items(self, items: list[Any]) -> None:
        keys, values = items[::2], items[1::2]
        # Text only: the hash of a tuple goes through all that is in it.
        if type(self.stack[-1]) is not dict or not all(type(key) is str for key in keys):
            raise Refused("it sets items that are not those of a dict with text for keys")
        self.stack[-1].update(zip(keys, values, strict=True))

    def remember(self, i: int) -> None:
        self.memo[i] = self.stack[-1]

    def find(self, module: object, name: object) -> None:
        if type(module) is not str or type(name) is not str or f"{module}.{name}" not in GLOBALS:
            raise Refused(f"it asks for {module!s:.100}.{name!s:.100}, which is no part of a tensor")
        self.push(GLOBALS[f"{module}.{name}"])

    def call(self) -> None:
        function, arguments = self.top(2)
        if function not in CALLABLE or type(arguments) is not tuple:
            raise Refused("it calls what cannot be called")
        self.push(function(arguments))

    def build(self) -> None:
        """Drop the state: of an OrderedDict, the versions of torch's modules."""
        _ = self.stack.pop()
        if type(self.stack[-1]) is not dict:
            raise Refused("it sets the state of what is not a dict")


def _ordered_dict(arguments: tuple[Any, ...]) -> dict[str, Any]:
    if arguments:
        raise Refused("it fills an OrderedDict in a way that torch does not")
    return {}


def _rebuild_tensor(arguments: tuple[Any, ...]) -> View:
    # Then come requires_grad, hooks and, in later versions, metadata: nothing that is stored.
    if not 6 <= len(arguments) <= 7:
        raise Refused(f"a tensor has {len(arguments)} parts, expected 6 or 7")
    storage, offset, shape, strides = arguments[:4]
    if type(storage) is not Storage:
        raise Refused("a tensor has no storage")
    if type(shape) is not tuple or type(strides) is not tuple or len(shape) != len(strides):
        raise Refused("a tensor's shape and strides are not as many numbers")
    if not all(type(n) is int and n >= 0 for n in (offset, *shape, *strides)):
        raise Refused("a tensor's offset, shape or strides are not numbers from 0")
    view = View(storage, offset, shape, strides)
    end = offset + sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True)) + 1
    if 0 not in shape and end > storage.size:
        raise Refused(f"a tensor ends at element {end} of a storage of {storage.size}")
    return view


def _rebuild_parameter(arguments: tuple[Any, ...]) -> View:
    if len(arguments) != 3 or type(arguments[0]) is not View:
        raise Refused("a parameter is not made of one tensor")
    return arguments[0]


def _storage(identity: object) -> Storage:
    """Return what a persistent id stands for: ("storage", type, key, device, size).

    The legacy format has None in sixth place; in its first days it had views of storages there.
    """
    if type(identity) is tuple and len(identity) == 6 and identity[5] is None:
        identity = identity[:5]
    if type(identity) is not tuple or len(identity) != 5:
        raise Refused("a persistent id is not a storage's")
    word, storage_type, key, device, size = identity
    if (
        (type(word), type(storage_type), type(key), type(device), type(size))
        != (str, StorageType, str, str, int)
        or word != "storage"
        or size < 0
    ):
        raise Refused("a persistent id is not a storage's")
    return Storage(key, storage_type.kind, size)


CALLABLE = (_ordered_dict, _rebuild_tensor, _rebuild_parameter)

GLOBALS: dict[str, Any] = {
    "collections.OrderedDict": _ordered_dict,
    "torch._utils._rebuild_tensor_v2": _rebuild_tensor,
    "torch._utils._rebuild_parameter": _rebuild_parameter,
    **{f"torch.{name}": StorageType(kind) for name, kind in STORAGES.items()},
}

# Those of protocol 2, which torch writes, and of 4, which it writes when asked to.
OPCODES: dict[str, Callable[[_Machine, Any], None]] = {
    **dict.fromkeys(("PROTO", "FRAME"), lambda machine, argument: None),
    **dict.fromkeys(
        ("BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE", "SHORT_BINUNICODE"),
        lambda machine, argument: machine.push(argument),
    ),
    "NONE": lambda machine, argument: machine.push(None),
    "NEWTRUE": lambda machine, argument: machine.push(True),
    "NEWFALSE": lambda machine, argument: machine.push(False),
    "EMPTY_DICT": lambda machine, argument: machine.push({}),
    "EMPTY_LIST": lambda machine, argument: machine.push([]),
    "EMPTY_TUPLE": lambda machine, argument: machine.push(()),
    "MARK": lambda machine, argument: machine.mark(),
    "TUPLE": lambda machine, argument: machine.push(tuple(machine.to_mark())),
    "TUPLE1": lambda machine, argument: machine.push(tuple(machine.top(1))),
    "TUPLE2": lambda machine, argument: machine.push(tuple(machine.top(2))),
    "TUPLE3": lambda machine, argument: machine.push(tuple(machine.top(3))),
    "APPEND": lambda machine, argument: machine.append(machine.top(1)),
    "APPENDS": lambda machine, argument: machine.append(machine.to_mark()),
    "SETITEM": lambda machine, argument: machine.set_items(machine.top(2)),
    "SETITEMS": lambda machine, argument: machine.set_items(machine.to_mark()),
    **dict.fromkeys(("BINPUT", "LONG_BINPUT"), lambda machine, argument: machine.remember(argument)),
    "MEMOIZE": lambda machine, argument: machine.remember(len(machine.memo)),
    **dict.fromkeys(
        ("BINGET", "LONG_BINGET"), lambda machine, argument: machine.push(machine.memo[argument])
    ),
    "GLOBAL": lambda machine, argument: machine.find(*argument.split(" ", 1)),
    "STACK_GLOBAL": lambda machine, argument: machine.find(*machine.top(2)),
    "BINPERSID": lambda machine, argument: machine.push(_storage(machine.stack.pop())),
    "REDUCE": lambda machine, argument: machine.call(),
    "BUILD": lambda machine, argument: machine.build(),
}
