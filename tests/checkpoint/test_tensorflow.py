"""TensorFlow's files: every form has TensorFlow's numbers and logits, and damage is one clear error."""

import hashlib
import json
import os
import random
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.children import run_python
from support.tensorflow_files import GOLDENS, block, field, stored, table, table_of, varint

import distilnp
from distilnp import CheckpointError, TensorError
from distilnp.checkpoint import converted as cache
from distilnp.checkpoint.config_json import read_config
from distilnp.checkpoint.registry import find_checkpoint
from distilnp.checkpoint.tensorflow import graph as graph_module
from distilnp.checkpoint.tensorflow.crc32c import BLOCK_BYTES, Crc32c
from distilnp.checkpoint.tensorflow.graph import MAX_GRAPH_BYTES, read_settings
from distilnp.checkpoint.tensorflow.names import parameter
from distilnp.checkpoint.tensorflow.protobuf import Damaged, Message, fields
from distilnp.checkpoint.tensorflow.snappy import decompress
from distilnp.checkpoint.tensorflow.table import MAX_CONTENT_BYTES, read_table
from distilnp.checkpoint.tensorflow.variables import Variables
from distilnp.checkpoint.tensors import load_tensors
from distilnp.model.reference import LAYER_NORM_EPSILON

MANIFEST = json.loads((GOLDENS / "tensorflow" / "manifest.json").read_text())
MODELS = ("gelu", "relu")
FORMS = ("SavedModel", "exported", "TensorFlow 1", "Keras")


@pytest.fixture(autouse=True)
def _cache_of_its_own(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", os.fspath(tmp_path_factory.mktemp("cache")))
    monkeypatch.setattr(cache, "_temporary", {})


def unpacked(tmp_path: Path, model: str = "gelu") -> Path:
    """Return a folder as save_pretrained of transformers wrote it."""
    with zipfile.ZipFile(GOLDENS / "tensorflow" / f"{model}.zip") as archive:
        archive.extractall(tmp_path / model)
    return tmp_path / model


def folder_with(tmp_path: Path, form: str, model: str = "gelu") -> Path:
    """Return a folder with config.json, vocab.txt and the weights in one form."""
    whole = unpacked(tmp_path, model)
    folder = tmp_path / form
    folder.mkdir()
    for name in ("config.json", "vocab.txt"):
        shutil.copy(whole / name, folder)
    if form == "SavedModel":
        shutil.copytree(whole / "saved_model" / "1" / "variables", folder / "variables")
    elif form == "exported":
        shutil.copytree(whole / "saved_model", folder / "saved_model")
    elif form == "TensorFlow 1":
        shutil.copytree(whole / "tensorflow1", folder / "variables")
    else:
        pytest.importorskip("h5py")
        shutil.copy(whole / "tf_model.h5", folder)
    return folder


def expected_digests(model: str) -> dict[str, str]:
    found = {}
    for variable, digest in MANIFEST["models"][model]["variables"].items():
        known = parameter(variable)
        assert known is not None
        found[known.name] = digest
    return found


def in_tensorflows_layout(folder: Path, model: str) -> dict[str, str]:
    """Return the SHA-256 of every parameter, in the layout of TensorFlow."""
    kernels = {
        known.name
        for variable in MANIFEST["models"][model]["variables"]
        if (known := parameter(variable)) and known.is_transposed
    }
    tensors = load_tensors(folder, read_config(folder), np.float32)
    turned = {name: tensor.T if name in kernels else tensor for name, tensor in tensors.items()}
    return {name: hashlib.sha256(tensor.tobytes()).hexdigest() for name, tensor in turned.items()}


# -------------------------------------------------------------------------------------------------- the forms


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("form", FORMS)
def test_every_form_has_the_parameters_of_tensorflow_to_the_last_bit(
    tmp_path: Path, form: str, model: str
) -> None:
    folder = folder_with(tmp_path, form, model)

    assert in_tensorflows_layout(folder, model) == expected_digests(model)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("form", FORMS)
def test_every_form_has_the_logits_of_tensorflow(tmp_path: Path, form: str, model: str) -> None:
    classifier = distilnp.load(folder_with(tmp_path, form, model))

    logits = classifier.forward(MANIFEST["ids"])

    # The logits are up to 10, where float32 has a spacing of 1e-6, and every layer sums in another order.
    np.testing.assert_allclose(logits, MANIFEST["models"][model]["logits"], rtol=0, atol=2e-5)


@pytest.mark.parametrize("model", MODELS)
def test_a_savedmodel_without_config_json_is_understood(tmp_path: Path, model: str) -> None:
    whole = unpacked(tmp_path, model)

    folder = find_checkpoint(whole / "saved_model" / "1")

    assert read_config(folder) == read_config(whole)
    assert in_tensorflows_layout(folder, model) == expected_digests(model)
    assert (folder / "vocab.txt").read_bytes() == (whole / "vocab.txt").read_bytes()


def test_the_folder_of_transformers_prefers_what_needs_no_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = unpacked(tmp_path)
    monkeypatch.setitem(sys.modules, "h5py", None)

    assert in_tensorflows_layout(folder, "gelu") == expected_digests("gelu")


def test_without_h5py_the_error_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_with(tmp_path, "Keras")
    monkeypatch.setitem(sys.modules, "h5py", None)

    with pytest.raises(CheckpointError, match=r"expected h5py.*: pip install 'distilnp\[tensorflow\]'"):
        distilnp.load(folder)


def test_a_savedmodel_without_labels_has_labels_without_names(tmp_path: Path) -> None:
    folder = unpacked(tmp_path) / "saved_model" / "1"
    (folder / "assets" / "labels.txt").unlink()

    assert distilnp.load(folder).labels == ("LABEL_0", "LABEL_1", "LABEL_2")
    assert distilnp.load(folder, labels=["a", "b", "c"]).labels == ("a", "b", "c")


def test_a_savedmodel_without_a_vocabulary_says_where_to_put_it(tmp_path: Path) -> None:
    whole = unpacked(tmp_path)
    folder = whole / "saved_model" / "1"
    (folder / "assets" / "vocab.txt").unlink()

    with pytest.raises(
        CheckpointError, match=rf"expected assets/vocab\.txt.*Load {whole}, which has its config"
    ):
        distilnp.load(folder)
    (whole / "config.json").unlink()
    with pytest.raises(CheckpointError, match=r"expected assets/vocab\.txt.*Put it there"):
        distilnp.load(folder)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("vocab.txt", b"[UNK]\na\na\n", r"has 'a' on lines 2 and 3"),
        ("vocab.txt", b"\xff", "byte 0 is 0xFF, expected UTF-8"),
        ("labels.txt", b"a\nb\n", "has a head of 3 labels, and 2 are given"),
        ("labels.txt", b"a\nb\nb\n", "has the label 'b' more than once"),
    ],
)
def test_assets_that_do_not_fit_are_one_error(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    folder = unpacked(tmp_path) / "saved_model" / "1"
    (folder / "assets" / name).write_bytes(content)

    with pytest.raises(CheckpointError, match=reason):
        distilnp.load(folder)


# ------------------------------------------------------------------------------------------------------- HDF5


def keras_error(tmp_path: Path, change: Callable[[object], None]) -> str:
    h5py = pytest.importorskip("h5py")
    folder = folder_with(tmp_path, "Keras")
    with h5py.File(folder / "tf_model.h5", "r+") as file:
        change(file)
    with pytest.raises(CheckpointError) as raised:
        distilnp.load(folder)
    return str(raised.value)


BIAS = "classifier/tf_distil_bert_for_sequence_classification/classifier/bias:0"


def test_a_link_out_of_the_file_is_not_followed(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["x"] = np.zeros(3, np.float32)

    def link(file: object) -> None:
        del file[BIAS]
        file[BIAS] = h5py.ExternalLink(os.fspath(secret), "x")

    assert "is a link, expected the variable itself" in keras_error(tmp_path, link)


def test_numbers_in_another_file_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(bytes(12))

    def move(file: object) -> None:
        del file[BIAS]
        file.create_dataset(BIAS, (3,), np.float32, external=[(os.fspath(tmp_path / "secret"), 0, 12)])

    assert "does not lie in one piece in the file" in keras_error(tmp_path, move)


def test_a_compressed_variable_is_refused(tmp_path: Path) -> None:
    def compress(file: object) -> None:
        del file[BIAS]
        file.create_dataset(BIAS, data=np.zeros(3, np.float32), compression="gzip")

    assert "does not lie in one piece in the file" in keras_error(tmp_path, compress)


def test_a_group_that_holds_itself_ends(tmp_path: Path) -> None:
    def ring(file: object) -> None:
        file["classifier/ring"] = file["classifier"]
        file["classifier/again"] = file["classifier"]

    assert "more groups than a model has" in keras_error(tmp_path, ring)


def test_a_variable_that_is_missing_is_named(tmp_path: Path) -> None:
    def take(file: object) -> None:
        del file[BIAS]

    assert "classifier.bias is missing" in keras_error(tmp_path, take)


LOAD_DAMAGED = """
import random, sys
from pathlib import Path
import distilnp
path, draw = Path(sys.argv[1], "tf_model.h5"), random.Random(5)
whole = path.read_bytes()
for i in range(60):
    content = bytearray(whole[: draw.randrange(len(whole))] if i % 2 else whole)
    for _ in range(8 * (i % 2 == 0)):
        content[draw.randrange(min(len(whole), 9000))] ^= 1 << draw.randrange(8)
    path.write_bytes(content)
    try:
        distilnp.load(path.parent)
    except distilnp.CheckpointError as error:
        assert 20 < len(str(error)) < 20_000
"""


def test_damaged_hdf5_is_one_error(tmp_path: Path) -> None:
    """The library that finds the variables is C, so that a process of its own asks it.

    Half of the files are cut. In the others, bits are flipped in front, where the library looks.
    """
    run = run_python(LOAD_DAMAGED, folder_with(tmp_path, "Keras"))

    assert (run.returncode, run.stderr) == (0, "")


# -------------------------------------------------------------------------------------------------- the graph


def test_the_epsilon_is_that_of_the_reference() -> None:
    assert graph_module.EPSILON == LAYER_NORM_EPSILON


def graph_of(tmp_path: Path, model: str = "gelu") -> Path:
    return unpacked(tmp_path, model) / "saved_model" / "1" / "saved_model.pb"


def test_another_activation_is_named(tmp_path: Path) -> None:
    path = graph_of(tmp_path, "gelu_new")

    with pytest.raises(CheckpointError, match=r"has \[\['Pow', 'Tanh'\]\] for the activation, expected gelu"):
        read_settings(path, 2)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"\xcc\xbc\x8c\x2b", b"\x01\xbc\x8c\x2b", r"for the epsilon of its LayerNorms, expected 1e-12"),
        (
            b"layer_._1/sa_layer_norm/batchnorm",
            b"layer_._1/sa_layer_norm/batchnorx",
            r"has \[1e-12, None\] for",
        ),
        (b"/batchnorm/add/y", b"/batchnorm/adx/y", r"has \[None\] for the epsilon"),
        (b"\x12\x07Reshape", b"\x12\x07Reshapf", r"has \[None\] for the number of heads"),
        (b"q_lin/BiasAdd", b"q_lim/BiasAdd", ""),
        (b"Gelu/Erf", b"Gelx/Erf", ""),
        (b"\x12\x03Erf", b"\x12\x03Sin", r"for the activation, expected gelu by its operation Erf, or Relu"),
    ],
)
def test_what_the_graph_does_not_say_is_an_error(tmp_path: Path, old: bytes, new: bytes, reason: str) -> None:
    path = graph_of(tmp_path)
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))

    if not reason:  # queries are not needed where keys and values agree, nor is a name for an operation
        assert read_settings(path, 2) == (4, "gelu")
        return
    with pytest.raises(CheckpointError, match=reason):
        read_settings(path, 2)


def test_layers_that_disagree_are_an_error(tmp_path: Path) -> None:
    path = graph_of(tmp_path)
    content = path.read_bytes()
    # The third size of a reshape is the constant of this name: a scalar of type int32 with one number.
    name = b"layer_._1/attention/Reshape/shape/2\x12\x05Const"
    at = content.index(b"\x3a\x01\x04", content.index(name))
    path.write_bytes(content[: at + 2] + b"\x08" + content[at + 3 :])

    with pytest.raises(CheckpointError, match=r"has \[4, 8\] for the number of heads, expected one size"):
        read_settings(path, 2)


def test_a_layer_without_a_graph_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"has \[4, None\] for the number of heads"):
        read_settings(graph_of(tmp_path), 3)


def test_a_graph_beyond_the_limit_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "saved_model.pb").open("wb") as file:
        file.truncate(MAX_GRAPH_BYTES + 1)

    with pytest.raises(CheckpointError, match="it has more than"):
        read_settings(tmp_path / "saved_model.pb", 2)


# ----------------------------------------------------------------------------- checksums, tables and messages


def remainder_bit_by_bit(content: bytes) -> int:
    """Return the CRC-32C of a text by its definition."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def test_the_checksum_is_the_published_one() -> None:
    """The values are from RFC 3720, B.4, and from the catalogue of CRCs."""
    vectors = {
        b"123456789": 0xE3069283,
        bytes(32): 0x8A9136AA,
        b"\xff" * 32: 0x62A8AB43,
        bytes(range(32)): 0x46DD794E,
        b"": 0,
    }

    for content, expected in vectors.items():
        crc = Crc32c()
        crc.update(content)
        assert crc.value == expected


@pytest.mark.parametrize("size", [1, 3, 4, 5, 255, 256, 257, 1023, 4097])
def test_the_checksum_follows_its_definition(size: int) -> None:
    content = random.Random(size).randbytes(size)
    crc = Crc32c()

    crc.update(content)

    assert crc.value == remainder_bit_by_bit(content)


def test_the_checksum_of_parts_is_that_of_the_whole() -> None:
    content = random.Random(1).randbytes(2 * BLOCK_BYTES + 12_345)
    whole, parts = Crc32c(), Crc32c()

    whole.update(content)
    for first in range(0, len(content), 333_333):
        parts.update(content[first : first + 333_333])

    assert parts.value == whole.value


ENTRIES = {b"": b"header", b"a": b"1", b"ab": b"2" * 300}


def literal(content: bytes) -> bytes:
    """Return a text as Snappy stores one without repetitions."""
    return varint(len(content)) + b"\xf4" + (len(content) - 1).to_bytes(2, "little") + content


def test_a_table_may_be_compressed() -> None:
    assert read_table(table(ENTRIES)) == ENTRIES
    assert read_table(table(ENTRIES, literal)) == ENTRIES


# Streams of Snappy, written from its description, and what they become.
STREAMS = {
    "a literal": (b"\x03\x08abc", b"abc"),
    "a long literal": (b"\x64\xf0\x63" + b"x" * 100, b"x" * 100),
    "a copy": (b"\x07\x08abc\x01\x03", b"abcabca"),
    "a copy of itself": (b"\x0b\x00a\x1a\x01\x00\x08zzz", b"aaaaaaaazzz"),
    "a far copy": (b"\x06\x08abc\x0b\x03\x00\x00\x00", b"abcabc"),
    "nothing": (b"\x00", b""),
}


@pytest.mark.parametrize("name", STREAMS)
def test_snappy_is_undone(name: str) -> None:
    stream, expected = STREAMS[name]

    assert decompress(stream, 1000) == expected


BAD_STREAMS = {
    "too large": (b"\xff\xff\xff\x7f\x00", "expected at most 1000"),
    "a copy of nothing": (b"\x04\x01\x01", "copies from outside"),
    "a copy from before": (b"\x08\x08abc\x01\x04", "copies from outside"),
    "a copy from here": (b"\x08\x08abc\x01\x00", "copies from outside"),
    "a cut literal": (b"\x05\x10ab", "ends too early"),
    "a cut copy": (b"\x08\x08abc\x0b\x03", "expected 8|copies from outside"),
    "too long": (b"\x02\x08abc", "more than the 2 bytes"),
    "too short": (b"\x09\x08abc", "becomes 3 bytes, expected 9"),
    "no size": (b"", "ends inside an integer"),
}


@pytest.mark.parametrize("name", BAD_STREAMS)
def test_damaged_snappy_is_refused(name: str) -> None:
    stream, reason = BAD_STREAMS[name]

    with pytest.raises(Damaged, match=reason):
        decompress(stream, 1000)


def with_block(content: bytes, compression: int = 0) -> bytes:
    data = stored(content, compression)
    index = stored(block([(b"\xff", varint(0) + varint(len(content)))]))
    return table_of(data + index, len(data), len(index) - 5)


def long_keys() -> bytes:
    """Return a block with a key of 4,000 bytes, and 2,000 entries of five bytes whose keys begin with it."""
    first = varint(0) + varint(4000) + varint(0) + b"k" * 4000
    others = (varint(4000 + i) + varint(1) + varint(0) + b"k" for i in range(2000))
    return first + b"".join(others) + bytes(4) + (1).to_bytes(4, "little")


TABLES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "does not end as a table does"),
    "no magic number": (table(ENTRIES)[:-1] + b"x", "does not end as a table does"),
    "a wrong checksum": (b"\xff" + table(ENTRIES)[1:], "the checksum of a block is wrong"),
    "an index beyond the end": (table_of(b"", 1000, 5), "a block goes beyond the end"),
    "an index of an exabyte": (table_of(b"", 0, 1 << 60), "a block goes beyond the end"),
    "an unknown compression": (with_block(block([]), 2), "is compressed by method 2"),
    "a bomb": (with_block(varint(1 << 30) + b"\0a", 1), f"expected at most {MAX_CONTENT_BYTES}"),
    "no list of keys": (with_block(b"\1\0"), "too short for its list of keys"),
    "a list of keys too long": (with_block(b"\xff\xff\xff\x7f"), "too short for its list of keys"),
    "a shared key that is not there": (with_block(b"\5\1\0k" + bytes(4)), "goes beyond its block"),
    "a value beyond its block": (with_block(b"\0\1\x7fk" + bytes(4)), "goes beyond its block"),
    "keys in disorder": (with_block(block([(b"b", b""), (b"a", b"")])), "not in order"),
    "a key twice": (with_block(block([(b"a", b""), (b"a", b"")])), "not in order"),
    "long keys in few bytes": (with_block(long_keys()), f"more than {MAX_CONTENT_BYTES} bytes of keys"),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_damaged_table_is_refused(name: str) -> None:
    data, reason = TABLES[name]

    with pytest.raises(Damaged, match=reason):
        read_table(data)


def test_blocks_may_not_be_read_again_and_again() -> None:
    """A small file whose index names one large block a hundred times would become a large memory."""
    content = block([(b"a" * 100_000, b"")])
    data = stored(content)
    index = stored(block([(bytes([i]), varint(0) + varint(len(content))) for i in range(100)]))

    with pytest.raises(Damaged, match="not in order"):
        read_table(table_of(data + index, len(data), len(index) - 5))


MESSAGES = {
    "a cut tag": (b"\x80", "ends inside an integer"),
    "a cut length": (b"\x0a", "ends inside an integer"),
    "a cut field": (b"\x0a\x05ab", "ends inside a field"),
    "a length of an exabyte": (field(1, b"")[:-1] + varint(1 << 60), "ends inside a field"),
    "a number without end": (b"\x08" + b"\xff" * 20, "more than 64 bits"),
    "a number of 70 bits": (b"\x08" + b"\xff" * 9 + b"\x7f", "more than 64 bits"),
    "a group": (b"\x0b", "a field of kind 3"),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_damaged_message_is_refused(name: str) -> None:
    data, reason = MESSAGES[name]

    with pytest.raises(Damaged, match=reason):
        list(fields(data))


def test_a_field_of_another_type_is_refused() -> None:
    message = Message(field(1, 5) + field(2, b"ab"))

    assert (message.integer(1), message.content(2), message.integer(3), message.text(4)) == (5, b"ab", 0, "")
    for ask in (message.content, message.fixed32, message.text):
        with pytest.raises(Damaged, match="expected bytes"):
            ask(1)
    with pytest.raises(Damaged, match="expected an integer"):
        message.integer(2)
    with pytest.raises(Damaged, match="has 2 bytes, expected 4"):
        message.fixed32(2)
    with pytest.raises(Damaged, match="where a message is expected"):
        list(message.messages(1))


# ------------------------------------------------------------------------------------------------ checkpoints


VALUE = "variables/0/.ATTRIBUTES/VARIABLE_VALUE"


def entry(shape: tuple[int, ...], size: int, begin: int = 0, kind: int = 1, **more: int) -> bytes:
    sizes = b"".join(field(2, field(1, n)) for n in shape)
    shard = field(3, more["shard"]) if "shard" in more else b""
    slices = field(7, b"") if "slices" in more else b""
    return (
        field(1, kind)
        + field(2, sizes)
        + shard
        + field(4, begin)
        + field(5, size)
        + b"\x35"
        + bytes(4)
        + slices
    )


INDEXES: dict[str, tuple[dict[bytes, bytes], str]] = {
    "no header": ({b"a": entry((3,), 12)}, "it states 0 files of data"),
    "a million files": ({b"": field(1, 1 << 20)}, "it states 1048576 files of data, expected 1 to 1000"),
    "big-endian": ({b"": field(1, 1) + field(2, 1)}, "not in little-endian order"),
    "another file": ({b"": field(1, 1), b"a": entry((3,), 12, shard=1)}, "'a' is in file 1 of 1"),
    "slices": ({b"": field(1, 1), b"a": entry((3,), 12, slices=1)}, "stored in slices"),
    "beyond the data": ({b"": field(1, 1), b"a": entry((3,), 12, 1)}, "has 12 bytes and ends before"),
    "an exabyte": ({b"": field(1, 1), b"a": entry((1 << 60,), 1 << 62)}, "has 12 bytes and ends before"),
    "another size": ({b"": field(1, 1), b"a": entry((2,), 12)}, "has 12 bytes, expected those of its shape"),
    "a negative size": ({b"": field(1, 1), b"a": entry((1 << 63,), 12)}, "has no shape"),
    "a thousand sizes": ({b"": field(1, 1), b"a": entry((1,) * 1000, 4)}, "has no shape"),
    "a key that is no text": ({b"": field(1, 1), b"\xff": entry((3,), 12)}, "is not UTF-8"),
    "an object graph of numbers": (
        {b"": field(1, 1), b"_CHECKPOINTABLE_OBJECT_GRAPH": entry((3,), 12)},
        "object graph is not one text",
    ),
    "an object graph that ends": (
        {b"": field(1, 1), b"_CHECKPOINTABLE_OBJECT_GRAPH": entry((), 12, kind=7)},
        "its object graph has 7 bytes, expected 0",
    ),
    "two names for one parameter": (
        {b"": field(1, 1), b"classifier/bias": entry((3,), 12), b"x/classifier/bias": entry((3,), 12)},
        "'classifier.bias' is there twice",
    ),
}


@pytest.mark.parametrize("name", INDEXES)
def test_an_index_that_lies_is_refused(tmp_path: Path, name: str) -> None:
    entries, reason = INDEXES[name]
    (tmp_path / "variables.index").write_bytes(table(entries))
    (tmp_path / "variables.data-00000-of-00001").write_bytes(bytes(12))

    with pytest.raises(CheckpointError, match=reason):
        Variables(tmp_path / "variables.index").tensors()


def test_a_wrong_checksum_of_a_tensor_is_found(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "SavedModel")
    data = folder / "variables" / "variables.data-00000-of-00001"
    content = bytearray(data.read_bytes())
    content[100] ^= 1
    data.write_bytes(content)

    Variables(folder / "variables" / "variables.index").tensors()  # only a reader of the numbers pays for it
    with pytest.raises(
        CheckpointError, match=r"the checksum of 'distilbert\..*' in variables\.data.* is wrong"
    ):
        distilnp.load(folder)


def test_a_checkpoint_may_have_several_files_of_data(tmp_path: Path) -> None:
    numbers = np.arange(3, dtype=np.float32)
    crc = Crc32c()
    crc.update(numbers.tobytes())
    checksum = b"\x35" + crc.masked.to_bytes(4, "little")
    entries = {
        b"": field(1, 2),
        b"x/classifier/bias": entry((3,), 12, shard=1)[:-5] + checksum,
        b"x/pre_classifier/bias": entry((3,), 12)[:-5] + checksum,
    }
    (tmp_path / "v.index").write_bytes(table(entries))
    for i in range(2):
        (tmp_path / f"v.data-0000{i}-of-00002").write_bytes(numbers.tobytes())

    variables = Variables(tmp_path / "v.index")

    assert [path.name for path in variables.files()] == [
        "v.index",
        "v.data-00000-of-00002",
        "v.data-00001-of-00002",
    ]
    assert {name: list(tensor.rows(0, 3)) for name, tensor in variables.tensors().items()} == {
        "classifier.bias": [0, 1, 2],
        "pre_classifier.bias": [0, 1, 2],
    }
    variables.check()


@pytest.mark.parametrize(
    ("variable", "name"),
    [
        ("tf_distil_bert_for_sequence_classification/classifier/kernel:0", "classifier.weight"),
        (
            "m_1/distilbert/transformer/layer_._11/ffn/lin2/bias",
            "distilbert.transformer.layer.11.ffn.lin2.bias",
        ),
        ("distilbert/embeddings/LayerNorm/gamma", "distilbert.embeddings.LayerNorm.weight"),
        (
            "x/distilbert/embeddings/position_embeddings/embeddings",
            "distilbert.embeddings.position_embeddings.weight",
        ),
        ("Adam/m/x/classifier/kernel", None),
        ("x/classifier/kernel/Adam_1", None),
        ("x/dense/kernel", None),
        ("global_step", None),
        ("", None),
    ],
)
def test_variables_have_the_names_of_pytorch(variable: str, name: str | None) -> None:
    known = parameter(variable)

    assert (known and known.name) == name


def test_a_model_without_a_head_is_named(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "TensorFlow 1")
    index = folder / "variables" / "variables.index"
    kept = {key: value for key, value in read_table(index.read_bytes()).items() if b"classifier/" not in key}
    index.write_bytes(table(kept))

    with pytest.raises(TensorError, match="holds DistilBertModel, a base model without a head"):
        distilnp.load(folder)
