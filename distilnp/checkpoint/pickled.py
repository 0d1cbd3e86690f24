"""The pickles inside `pytorch_model.bin`, read without pickle: descriptions of tensors, and nothing else.

A pickle is a program for a stack machine that can import and call. This machine has only the opcodes that a
dict of tensors needs. It imports nothing: names are looked up in `GLOBALS`, and a "call" makes one of the
descriptions below. Python's own machine would still be open to other attacks with its `find_class` closed: it
makes room for as many memos as one opcode asks for, and a million nested tuples as the key of a dict end the
process (seen with Python 3.11).
"""

import pickletools
from collections.abc import Callable
from typing import Any, NamedTuple

from ..foreign import shown

# A reason shows at most this many characters of a value.
LONGEST = 100

# torch's classes for numbers, and safetensors' names for their types.
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
    "ComplexFloatStorage": "C64",
    "ComplexDoubleStorage": "C128",
}

# torch's types that are newer than its classes of storages: it writes their numbers as bytes.
NEW_TYPES = (
    "uint16",
    "uint32",
    "uint64",
    "float8_e4m3fn",
    "float8_e4m3fnuz",
    "float8_e5m2",
    "float8_e5m2fnuz",
    "float8_e8m0fnu",
    "float4_e2m1fn_x2",
)


class NotTensors(Exception):
    """A pickle asks for something that tensors do not need."""


class StorageType(NamedTuple):
    """One of torch's classes for numbers, by the type of the numbers."""

    dtype: str


class Storage(NamedTuple):
    """Numbers that the file holds under a key."""

    key: str
    dtype: str
    size: int


class View(NamedTuple):
    """A tensor: the numbers of a storage, starting at `offset`."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def unpickle(data: bytes) -> tuple[Any, int]:
    """Return the object in the first pickle of `data`, and the length of that pickle.

    Raises
    ------
    NotTensors
        The pickle asks for something that tensors do not need, or is not a pickle.
    """
    machine = _Machine()
    try:
        for opcode, argument, position in pickletools.genops(data):
            if opcode.name == "STOP":
                return machine.stack.pop(), (position or 0) + 1
            if opcode.name not in OPCODES:
                detail = "" if argument is None else f" ({shown(argument, LONGEST)})"
                raise NotTensors(f"tensors do not need the opcode {opcode.name}{detail}")
            OPCODES[opcode.name](machine, argument)
    except (ValueError, IndexError, KeyError) as error:
        raise NotTensors(f"it is not a whole pickle ({shown(error)})") from None
    raise AssertionError("genops ends at STOP or raises ValueError")


class _Machine:
    """The state between two opcodes.

    `stack` has the values above the last mark, and `below` has, for each mark, the values under it.
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
        """Pop everything down to the last mark."""
        items, self.stack = self.stack, self.below.pop()
        return items

    def top(self, n: int) -> list[Any]:
        """Pop the uppermost n values."""
        items = [self.stack.pop() for _ in range(n)]
        return items[::-1]

    def append(self, values: list[Any]) -> None:
        if type(self.stack[-1]) is not list:
            raise NotTensors("it appends to something other than a list")
        self.stack[-1].extend(values)

    def set_items(self, items: list[Any]) -> None:
        keys, values = items[::2], items[1::2]
        # Keys are text only: hashing a tuple goes through everything inside it.
        if type(self.stack[-1]) is not dict or not all(type(key) is str for key in keys):
            raise NotTensors("it sets items of something other than a dict with text for keys")
        self.stack[-1].update(zip(keys, values, strict=True))

    def remember(self, i: int) -> None:
        self.memo[i] = self.stack[-1]

    def find(self, module: object, name: object) -> None:
        if type(module) is not str or type(name) is not str:
            raise NotTensors("it asks for a name that is not text")
        if f"{module}.{name}" not in GLOBALS:
            raise NotTensors(f"it asks for {shown(f'{module}.{name}', LONGEST)}, which tensors do not need")
        self.push(GLOBALS[f"{module}.{name}"])

    def call(self) -> None:
        function, arguments = self.top(2)
        if function not in CALLABLE or type(arguments) is not tuple:
            raise NotTensors("it calls something that cannot be called")
        self.push(function(arguments))

    def build(self) -> None:
        """Drop a state: torch gives an OrderedDict the versions of its modules."""
        _ = self.stack.pop()
        if type(self.stack[-1]) is not dict:
            raise NotTensors("it sets the state of something other than a dict")


def _ordered_dict(arguments: tuple[Any, ...]) -> dict[str, Any]:
    if arguments:
        raise NotTensors("it fills an OrderedDict in a way that torch does not")
    return {}


def _rebuild_tensor(arguments: tuple[Any, ...]) -> View:
    # The rest is requires_grad, hooks and, in later versions, metadata. None of these describes stored
    # numbers.
    if not 6 <= len(arguments) <= 7:
        raise NotTensors(f"a tensor has {len(arguments)} parts, expected 6 or 7")
    storage, offset, shape, strides = arguments[:4]
    if type(storage) is not Storage:
        raise NotTensors("a tensor has no storage")
    if type(shape) is not tuple or type(strides) is not tuple or len(shape) != len(strides):
        raise NotTensors("a tensor's shape and strides differ in length")
    if not all(type(n) is int and n >= 0 for n in (offset, *shape, *strides)):
        raise NotTensors("a tensor's offset, shape or strides are not whole numbers from 0")
    view = View(storage, offset, shape, strides)
    end = offset + sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True)) + 1
    if 0 not in shape and end > storage.size:
        raise NotTensors(f"a tensor ends at element {end} of a storage of {storage.size}")
    return view


def _rebuild_tensor_of_new_type(arguments: tuple[Any, ...]) -> View:
    """Return the bytes of a tensor of one of the `NEW_TYPES`: no parameter has such a type."""
    if not arguments or type(arguments[0]) is not Storage:
        raise NotTensors("a tensor has no storage")
    return View(arguments[0], 0, (arguments[0].size,), (1,))


def _rebuild_parameter(arguments: tuple[Any, ...]) -> View:
    if len(arguments) != 3 or type(arguments[0]) is not View:
        raise NotTensors("a parameter is not made of one tensor")
    return arguments[0]


def _storage(identity: object) -> Storage:
    """Return the storage that a persistent id describes: ("storage", type, key, device, size).

    The legacy format has a sixth item. It is None, except in the format's first days, when it was a view.
    """
    if type(identity) is tuple and len(identity) == 6 and identity[5] is None:
        identity = identity[:5]
    if type(identity) is not tuple or len(identity) != 5:
        raise NotTensors("a persistent id does not describe a storage")
    word, storage_type, key, device, size = identity
    if (
        (type(word), type(storage_type), type(key), type(device), type(size))
        != (str, StorageType, str, str, int)
        or word != "storage"
        or size < 0
    ):
        raise NotTensors("a persistent id does not describe a storage")
    return Storage(key, storage_type.dtype, size)


CALLABLE = (_ordered_dict, _rebuild_tensor, _rebuild_tensor_of_new_type, _rebuild_parameter)

GLOBALS: dict[str, Any] = {
    "collections.OrderedDict": _ordered_dict,
    "torch._utils._rebuild_tensor_v2": _rebuild_tensor,
    "torch._utils._rebuild_tensor_v3": _rebuild_tensor_of_new_type,
    "torch._utils._rebuild_parameter": _rebuild_parameter,
    "torch.storage.UntypedStorage": StorageType("U8"),
    **{f"torch.{name}": None for name in NEW_TYPES},
    **{f"torch.{name}": StorageType(dtype) for name, dtype in STORAGES.items()},
}

# The opcodes of protocol 2, which torch writes, and of protocol 4, which it writes on request.
OPCODES: dict[str, Callable[[_Machine, Any], None]] = {
    **dict.fromkeys(("PROTO", "FRAME"), lambda machine, argument: None),
    **dict.fromkeys(
        ("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE"),
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
