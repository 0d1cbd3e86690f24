"""The settings of a model that no variable tells, read from the operations of its graph.

`saved_model.pb` is a SavedModel or, in a package of Spark NLP, the GraphDef alone. Both have the forward pass
as nodes, each with a name, an operation and the names of its inputs. transformers traces it several times
(for training, for serving); a setting has to be the same each time.

The number of heads is the third size to which queries, keys and values are reshaped, [texts, tokens, heads,
dim / heads]. The activation is the function between the two layers of the feed-forward network. The epsilon
of a LayerNorm is what is added to the variance. Nothing is assumed: a setting that is not found is an error.
https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/framework/graph.proto
"""

import re
import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from ...errors import CheckpointError
from ...foreign import read_file, shown
from .protobuf import Damaged, Message, fields, text, varint

# The graph of a DistilBERT of six layers has 5 MB, in any width. Reading a hostile graph of this size takes
# some seconds.
MAX_GRAPH_BYTES = 16 << 20

# The epsilon of every DistilBERT of transformers, which has no setting for it, and of `model.reference`.
EPSILON = 1e-12

# The parts of the graph that are read, by the names of the nodes: the layer of a node and its place in there.
IN_LAYER = re.compile(r"(?:^|/)layer_\._([0-9]{1,4})/(attention|ffn)/(.+)")
IN_NORM = re.compile(
    r"(?:.*/)?(embeddings/LayerNorm|layer_\._[0-9]{1,4}/(?:sa_layer_norm|output_layer_norm))/batchnorm/add/y"
)
# The pass back, which some graphs have beside the forward pass, has the same names behind one of these.
BACKWARD = ("gradients/", "gradient_tape/")

# What is reshaped into heads.
PROJECTIONS = ("q_lin/", "k_lin/", "v_lin/")

# The operations that an activation is made of, apart from sums and products. Those that gelu and relu have
# are the keys of `ACTIVATIONS`. The others are found in other activations, such as gelu_new, which has Tanh.
# fmt: off
CURVES = frozenset((
    "Erf", "Erfc", "Relu", "Relu6", "LeakyRelu", "Elu", "Selu", "Tanh", "Sigmoid", "Softplus", "Softsign",
    "Exp", "Expm1", "Log", "Log1p", "Pow", "Square", "Minimum", "Maximum", "ClipByValue",
))
# fmt: on
ACTIVATIONS = {frozenset({"Erf"}): "gelu", frozenset({"Relu"}): "relu"}

DT_FLOAT, DT_INT32, DT_INT64 = 1, 3, 9


class Settings(NamedTuple):
    """What the graph says about the model: the fields of `config.json`."""

    n_heads: int
    activation: str


class _Node(NamedTuple):
    operation: str
    inputs: list[str]
    content: bytes


def read_settings(path: Path, n_layers: int) -> Settings:
    """Read the settings of a model from its graph.

    Parameters
    ----------
    path : Path
        A SavedModel or a GraphDef.
    n_layers : int
        The number of layers. All of them have to say the same.

    Raises
    ------
    CheckpointError
        The file cannot be read, is damaged, does not say the settings, or has another model.
    """
    try:
        heads, curves, epsilons = _findings(read_file(path, MAX_GRAPH_BYTES))
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be read ({error.strerror or error}), expected the graph of a TensorFlow model"
        ) from error
    except Damaged as reason:
        raise CheckpointError(
            f"{path} is not the graph of a TensorFlow model: {reason}. It is damaged or was not fetched to "
            "its end: fetch it again"
        ) from None
    # None stands for a reshape whose size is no constant, and for a layer in which there is none.
    n_heads = {size for layer in range(n_layers) for size in heads.get(layer, {None})}
    functions = {frozenset(curves.get(layer, ())) for layer in range(n_layers)}
    if len(n_heads) != 1 or None in n_heads:
        raise _unclear(
            path, "number of heads", n_heads, "one size to which queries, keys and values are reshaped"
        )
    if len(functions) != 1 or not functions <= ACTIVATIONS.keys():
        raise _unclear(path, "activation", functions, "gelu by its operation Erf, or Relu, in every layer")
    norms = ["embeddings/LayerNorm"]
    norms += [
        f"layer_._{i}/{norm}" for i in range(n_layers) for norm in ("sa_layer_norm", "output_layer_norm")
    ]
    added = {epsilon for norm in norms for epsilon in epsilons.get(norm, {None})}
    if added != {EPSILON}:
        raise _unclear(path, "epsilon of its LayerNorms", added, f"{EPSILON} in all of them")
    (size,), (function,) = n_heads, functions
    assert size is not None
    return Settings(size, ACTIVATIONS[function])


def _unclear(path: Path, what: str, found: Iterable[object], expected: str) -> CheckpointError:
    values = [sorted(value) if isinstance(value, frozenset) else value for value in found]
    return CheckpointError(
        f"{path} has {shown(sorted(values, key=repr))} for the {what}, expected {expected}. It is the graph "
        "of another model, or is traced by an unknown version of transformers. Load the model in "
        "transformers, and write it by save_pretrained(..., safe_serialization=True)"
    )


def _findings(
    data: bytes,
) -> tuple[dict[int, set[int | None]], dict[int, set[str]], dict[str, set[float | None]]]:
    """Return the numbers of heads and the curves of each layer, and the epsilons of each LayerNorm."""
    heads: dict[int, set[int | None]] = defaultdict(set)
    curves: dict[int, set[str]] = defaultdict(set)
    epsilons: dict[str, set[float | None]] = defaultdict(set)
    for nodes in _functions(data):
        for name, node in nodes.items():
            if (place := IN_LAYER.search(name)) is not None:
                layer, part, rest = int(place[1]), place[2], place[3]
                if part == "ffn" and node.operation in CURVES:
                    curves[layer].add(node.operation)
                elif node.operation == "Reshape" and "/" not in rest and _is_projected(node):
                    heads[layer].add(_size_of(nodes, node))
            if node.operation == "Const" and (norm := IN_NORM.fullmatch(name)) is not None:
                epsilons[norm[1]].add(_float(_constant(node)))
    return heads, curves, epsilons


def _functions(data: bytes) -> Iterator[dict[str, _Node]]:
    """Yield the nodes of the graph and of each of its functions, by their names, as far as they are read."""
    graphs = [data]
    # The first field of a GraphDef is a node. That of a SavedModel is the version of its form.
    if data[:1] == b"\x08":
        graphs = [
            graph
            for number, meta_graph in fields(data)
            if number == 2 and isinstance(meta_graph, bytes)
            for field, graph in fields(meta_graph)
            if field == 2 and isinstance(graph, bytes)
        ]
    for graph in graphs:
        yield _nodes(graph, 1)
        for number, library in fields(graph):
            if number == 2 and isinstance(library, bytes):
                for field, function in fields(library):
                    if field == 1 and isinstance(function, bytes):
                        yield _nodes(function, 3)


def _nodes(graph: bytes, number: int) -> dict[str, _Node]:
    """Return the nodes that are read: those of attention, feed-forward networks and LayerNorms."""
    found = {}
    for field, content in fields(graph):
        if field != number or not isinstance(content, bytes):
            continue
        name, operation, inputs = "", "", []
        for part, value in fields(content):
            if part == 1:
                name = text(value)
                if name.startswith(BACKWARD) or not (IN_LAYER.search(name) or IN_NORM.fullmatch(name)):
                    name = ""
                    break
            elif part == 2:
                operation = text(value)
            elif part == 3:
                inputs.append(text(value))
        if name:
            found[name] = _Node(operation, inputs, content)
    return found


def _is_projected(node: _Node) -> bool:
    """Return whether a reshape takes queries, keys or values."""
    place = IN_LAYER.search(node.inputs[0]) if len(node.inputs) == 2 else None
    return place is not None and place[3].startswith(PROJECTIONS)


def _size_of(nodes: dict[str, _Node], reshape: _Node) -> int | None:
    """Return the third of four sizes to which a tensor is reshaped; None if it is no constant.

    The sizes are one constant, or four tensors that are packed.
    """
    shape = _input(nodes, reshape, 1)
    if shape is None:
        return None
    if shape.operation == "Pack" and len(shape.inputs) == 4:
        size = _input(nodes, shape, 2)
        sizes = _integers(_constant(size)) if size is not None else ()
        return sizes[0] if len(sizes) == 1 else None
    sizes = _integers(_constant(shape))
    return sizes[2] if len(sizes) == 4 else None


def _input(nodes: dict[str, _Node], node: _Node, number: int) -> _Node | None:
    """Return the node whose output is an input of another.

    In a function, a colon, the name of the output and a number follow the name of the node.
    """
    return nodes.get(node.inputs[number].partition(":")[0])


def _constant(node: _Node) -> Message:
    """Return the tensor of a constant, and an empty one for another node."""
    if node.operation == "Const":
        for attribute in Message(node.content).messages(5):
            if attribute.content(1) == b"value":
                return Message(Message(attribute.content(2)).content(8))
    return Message(b"")


def _integers(tensor: Message) -> tuple[int, ...]:
    """Return the numbers of a tensor of integers, of which it has either the bytes or a packed list."""
    kind = tensor.integer(1)
    content = tensor.content(4)
    if kind not in (DT_INT32, DT_INT64):
        return ()
    if content:
        width = 4 if kind == DT_INT32 else 8
        n_numbers = len(content) // width
        return struct.unpack(f"<{n_numbers}{'i' if width == 4 else 'q'}", content[: n_numbers * width])
    packed, position, numbers = tensor.content(7 if kind == DT_INT32 else 10), 0, []
    while position < len(packed):
        number, position = varint(packed, position)
        numbers.append(number)
    return tuple(numbers)


def _float(tensor: Message) -> float | None:
    """Return the number of a tensor of one float32, and None for another tensor.

    The number is rounded to seven digits, which is what 1e-12 was before TensorFlow made a float32 of it.
    """
    content = tensor.content(5) or tensor.content(4)
    if tensor.integer(1) != DT_FLOAT or len(content) != 4:
        return None
    return float(f"{struct.unpack('<f', content)[0]:.7g}")
