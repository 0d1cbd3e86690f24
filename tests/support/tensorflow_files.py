"""TensorFlow's and Spark NLP's files, written without either: tables, messages, pairs of Java, packages."""

import json
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np

from distilnp.checkpoint.tensorflow.crc32c import masked_crc32c
from distilnp.checkpoint.tensorflow.protobuf import fields
from distilnp.checkpoint.tensorflow.table import FOOTER_BYTES, MAGIC
from distilnp.model.config import DistilBertConfig

GOLDENS = Path(__file__).parents[1] / "goldens"
PACKAGE = GOLDENS / "spark_nlp" / "package.zip"
MODEL = "distilbert_classification_tensorflow"

# The function of the package's graph that serves; the others are the same model again.
SERVING = b"__inference_serving_fn_1312"


def varint(value: int) -> bytes:
    """Return an integer, which may be too large for any reader."""
    content = bytearray()
    while value > 0x7F:
        content.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*content, value])


def field(number: int, value: int | bytes) -> bytes:
    """Return a field of a message: an integer, or bytes of any kind."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def block(entries: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the content of a block of a table, with every key in full."""
    content = b"".join(
        varint(0) + varint(len(key)) + varint(len(value)) + key + value for key, value in entries
    )
    return content + bytes(4) + (1).to_bytes(4, "little")


def stored(content: bytes, compression: int = 0) -> bytes:
    """Return a block with the trailer that belongs to it."""
    checksum = masked_crc32c([content, bytes([compression])])
    return content + bytes([compression]) + checksum.to_bytes(4, "little")


def table(entries: Mapping[bytes, bytes], pack: Callable[[bytes], bytes] | None = None) -> bytes:
    """Return a table of one block, which `pack` compresses as Snappy does."""
    content = block(sorted(entries.items()))
    if pack is not None:
        content = pack(content)
    data = stored(content, 0 if pack is None else 1)
    index = stored(block([(b"\xff", varint(0) + varint(len(content)))]))
    return table_of(data + index, len(data), len(index) - 5)


def table_of(blocks: bytes, index: int, length: int) -> bytes:
    """Return blocks with the footer of a table, which says where the index is."""
    footer = varint(0) + varint(0) + varint(index) + varint(length)
    return blocks + footer.ljust(FOOTER_BYTES - len(MAGIC), b"\0") + MAGIC


def utf(text: str) -> bytes:
    """Return a text as Java writes it, without characters beyond 16 bits."""
    content = text.encode()
    return len(content).to_bytes(2, "big") + content


def described(name: str, members: Mapping[str, str], parent: bytes = b"\x70") -> bytes:
    """Return the description of a class."""
    parts = [b"\x72", utf(name), bytes(8), b"\2", len(members).to_bytes(2, "big")]
    for member, code in members.items():
        parts += [code.encode(), utf(member), b"\x74" + utf("Ljava/lang/Object;") if code == "L" else b""]
    return b"".join([*parts, b"\x78", parent])


TUPLES = described("[Lscala.Tuple2;", {})
TUPLE = described("scala.Tuple2", {"_1": "L", "_2": "L"})
INTEGER = described("java.lang.Integer", {"value": "I"}, described("java.lang.Number", {}))


def java_text(text: str) -> bytes:
    """Return a text in a stream."""
    return b"\x74" + utf(text)


def java_pair(first: bytes, second: bytes) -> bytes:
    """Return a pair in a stream."""
    return b"\x73" + TUPLE + first + second


def java_integer(value: int) -> bytes:
    """Return a number in a stream."""
    return b"\x73" + INTEGER + value.to_bytes(4, "big", signed=True)


def java_array(items: list[bytes]) -> bytes:
    """Return a stream of an array of pairs."""
    return b"\xac\xed\0\5\x75" + TUPLES + len(items).to_bytes(4, "big") + b"".join(items)


def sequence_file(records: list[bytes], flags: bytes = b"\0\0") -> bytes:
    """Return a sequence file with these streams."""
    classes = ("org.apache.hadoop.io.NullWritable", "org.apache.hadoop.io.BytesWritable")
    parts = [b"SEQ\6", *(bytes([len(name)]) + name.encode() for name in classes), flags, bytes(4), b"s" * 16]
    for record in records:
        parts += [(len(record) + 4).to_bytes(4, "big"), bytes(4), len(record).to_bytes(4, "big"), record]
    return b"".join(parts)


def pairs_file(pairs: Mapping[str, int]) -> bytes:
    """Return a sequence file of texts and numbers, ten pairs in a record as Spark has them."""
    items = [java_pair(java_text(text), java_integer(number)) for text, number in pairs.items()]
    return sequence_file([java_array(items[i : i + 10]) for i in range(0, len(items), 10)])


def unpack_package(folder: Path, *, whole_graph: bool = False) -> Path:
    """Unpack the golden package; without its `whole_graph`, every reading of it takes a tenth of the time."""
    with zipfile.ZipFile(PACKAGE) as archive:
        archive.extractall(folder)
    if not whole_graph:
        change_model(folder, {"saved_model.pb": trimmed})
    return folder


def change_model(folder: Path, changes: Mapping[str, Callable[[bytes], bytes | None]]) -> None:
    """Change files in the archive of a package's model; a change that returns None takes the file out."""
    path = folder / MODEL
    with zipfile.ZipFile(path) as archive:
        contents: dict[str, bytes | None] = {name: archive.read(name) for name in archive.namelist()}
    for name, change in changes.items():
        contents[name] = change(contents.get(name) or b"")
    write_zip(path, {name: content for name, content in contents.items() if content is not None})


def write_zip(path: Path, contents: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> None:
    """Write an archive."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)


def zipped(folder: Path, path: Path, within: str = "") -> Path:
    """Write the archive of a folder."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    write_zip(path, {within + file.relative_to(folder).as_posix(): file.read_bytes() for file in files})
    return path


def trimmed(graph: bytes) -> bytes:
    """Return the graph of the package with one of its functions."""
    parts = []
    for number, value in fields(graph):
        if number == 2:
            value = b"".join(
                field(1, function)
                for key, function in fields(value)
                if key == 1 and SERVING in function[:200]
            )
        parts.append(field(number, value))
    return b"".join(parts)


def write_package(folder: Path, config: DistilBertConfig, tensors: Mapping[str, np.ndarray]) -> Path:
    """Write a package with these parameters, and with as little of a graph as its reader needs."""
    for name in ("metadata", "fields/labels", "fields/vocabulary"):
        (folder / name).mkdir(parents=True)
    class_name = "com.johnsnowlabs.nlp.annotators.classifier.dl.DistilBertForSequenceClassification"
    (folder / "metadata" / "part-00000").write_text(json.dumps({"class": class_name}))
    labels = {label: i for i, label in enumerate(config.id2label)}
    (folder / "fields" / "labels" / "part-00000").write_bytes(pairs_file(labels))
    words = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "w1", "w2")
    vocabulary = {word: i for i, word in enumerate(words)}
    (folder / "fields" / "vocabulary" / "part-00000").write_bytes(pairs_file(vocabulary))
    index, data = variables(tensors)
    contents = {
        "variables.index": index,
        "variables.data-00000-of-00001": data,
        "saved_model.pb": graph(config),
    }
    write_zip(folder / MODEL, contents)
    return folder


def variables(tensors: Mapping[str, np.ndarray]) -> tuple[bytes, bytes]:
    """Return an index without an object graph, and the data: parameters of PyTorch in TensorFlow's layout."""
    entries, parts, begin = {b"": field(1, 1)}, [], 0
    for name, tensor in tensors.items():
        variable, is_transposed = variable_of(name)
        content = np.ascontiguousarray(tensor.T if is_transposed else tensor)
        shape = b"".join(field(2, field(1, size)) for size in content.shape)
        checksum = b"\x35" + masked_crc32c([content.tobytes()]).to_bytes(4, "little")
        entries[variable.encode()] = (
            field(1, 1) + field(2, shape) + field(4, begin) + field(5, content.nbytes) + checksum
        )
        parts.append(content.tobytes())
        begin += content.nbytes
    return table(entries), b"".join(parts)


def variable_of(name: str) -> tuple[str, bool]:
    """Return TensorFlow's name of a parameter, and whether its matrix is the transpose of PyTorch's."""
    module, _, kind = name.rpartition(".")
    if module.lower().replace("_", "").endswith("layernorm"):
        kind = {"weight": "gamma", "bias": "beta"}[kind]
    elif kind == "weight":
        of_embeddings = {"word_embeddings": "weight", "position_embeddings": "embeddings"}
        kind = of_embeddings.get(module.rpartition(".")[2], "kernel")
    path = module.replace(".layer.", ".layer_").replace(".", "/").replace("/layer_", "/layer_._")
    return f"tf_distil_bert_for_sequence_classification/{path}/{kind}", kind == "kernel"


def graph(config: DistilBertConfig) -> bytes:
    """Return the nodes of a graph that say the settings of a model."""
    nodes = []
    erf = {"gelu": "Erf", "relu": "Relu"}[config.activation]
    norms = ["distilbert/embeddings/LayerNorm"]
    for i in range(config.n_layers):
        scope = f"distilbert/transformer/layer_._{i}"
        norms += [f"{scope}/sa_layer_norm", f"{scope}/output_layer_norm"]
        sizes = np.array([1, -1, config.n_heads, config.dim // config.n_heads], "<i4")
        nodes += [
            constant(f"{scope}/attention/shape", 3, field(4, sizes.tobytes())),
            node(
                f"{scope}/attention/Reshape",
                "Reshape",
                f"{scope}/attention/q_lin/BiasAdd",
                f"{scope}/attention/shape",
            ),
            node(f"{scope}/ffn/activation", erf, f"{scope}/ffn/lin1/BiasAdd"),
        ]
    epsilon = field(5, b"\xcc\xbc\x8c\x2b")  # 1e-12 as a float32
    nodes += [constant(f"{norm}/batchnorm/add/y", 1, epsilon) for norm in norms]
    return b"".join(field(1, content) for content in nodes)


def node(name: str, operation: str, *inputs: str) -> bytes:
    """Return a node of a graph."""
    return (
        field(1, name.encode())
        + field(2, operation.encode())
        + b"".join(field(3, i.encode()) for i in inputs)
    )


def constant(name: str, dtype: int, content: bytes) -> bytes:
    """Return a node with a tensor."""
    value = field(8, field(1, dtype) + content)
    return node(name, "Const") + field(5, field(1, b"value") + field(2, value))
