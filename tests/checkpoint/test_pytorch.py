"""`pytorch_model.bin`: torch's files are read, damage is one clear error, and nothing is ever executed."""

import io
import json
import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.children import MEMORY_TO_LOAD, run_python
from support.seeded_models import CONFIGS, seeded_tensors, write_checkpoint
from support.torch_files import (
    SYSTEM,
    number,
    pickled,
    state_dict,
    storage,
    view,
    word,
    write_archive,
    write_legacy,
    write_torch,
)

import distilnp
from distilnp import CheckpointError, TensorError
from distilnp.checkpoint.pytorch import MAX_PICKLE_BYTES, PytorchFile
from distilnp.checkpoint.stored import StoredTensor
from distilnp.checkpoint.tensors import CHUNK_BYTES, load_params
from distilnp.model.config import DistilBertConfig

CONFIG = CONFIGS["odd-sizes"]
TENSORS = seeded_tensors(CONFIG)
GOLDENS = Path(__file__).parents[1] / "goldens" / "pytorch"
WEIGHT = "distilbert.transformer.layer.1.attention.k_lin.weight"
FORMATS = pytest.mark.parametrize("legacy", [False, True], ids=["archive", "legacy"])


def folder_with(path: Path, tensors: dict[str, np.ndarray], *, legacy: bool = False) -> Path:
    write_checkpoint(path, CONFIG, {})
    (path / "model.safetensors").unlink()
    write_torch(path / "pytorch_model.bin", tensors, legacy=legacy)
    return path


def values(tensor: StoredTensor) -> list[object]:
    rows = tensor.rows(0, tensor.shape[0])
    if tensor.dtype == "BF16":
        rows = (rows.astype(np.uint32) << 16).view(np.float32)
    return rows.astype(np.float64).tolist()


@pytest.mark.parametrize("name", ["archive", "legacy", "protocol4"])
def test_files_that_torch_wrote_are_read(name: str) -> None:
    expected = json.loads((GOLDENS / "manifest.json").read_text())["tensors"]

    tensors = PytorchFile(GOLDENS / f"{name}.bin").tensors()

    assert tensors.pop("position_ids").dtype == "I64"
    expected.pop("position_ids")
    assert {name: values(tensor) for name, tensor in tensors.items()} == expected
    middle = tensors["by columns"].rows(1, 3).tolist()
    assert middle == expected["by columns"][1:3]


@FORMATS
def test_the_logits_are_those_of_the_same_weights_as_safetensors(tmp_path: Path, legacy: bool) -> None:
    expected = distilnp.load(write_checkpoint(tmp_path / "safe", CONFIG, TENSORS))("w1 w2").logits

    folder = folder_with(tmp_path / "torch", TENSORS, legacy=legacy)

    np.testing.assert_array_equal(distilnp.load(folder)("w1 w2").logits, expected)


@FORMATS
def test_matrices_may_lie_column_by_column(
    tmp_path: Path, legacy: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("distilnp.checkpoint.tensors.CHUNK_BYTES", 1)
    turned = {name: np.asfortranarray(tensor) for name, tensor in TENSORS.items()}

    params = load_params(folder_with(tmp_path, turned, legacy=legacy), CONFIG)

    np.testing.assert_array_equal(params.layers[1].k_lin.weight, TENSORS[WEIGHT])
    np.testing.assert_array_equal(
        params.embeddings.word_embeddings, turned["distilbert.embeddings.word_embeddings.weight"]
    )


def test_a_published_encoder_has_the_tensors_of_its_safetensors(data: Path) -> None:
    from distilnp.checkpoint.safetensors_file import SafetensorsFile

    folder = data / "tiny-random-distilbert"
    theirs = SafetensorsFile(folder / "model.safetensors").tensors()

    ours = PytorchFile(folder / "pytorch_model.bin").tensors()

    assert ours.keys() - {"embeddings.position_ids"} == theirs.keys() - {"embeddings.position_ids"}
    for name in ours.keys() & theirs.keys() - {"embeddings.position_ids"}:
        assert values(ours[name]) == values(theirs[name])


def test_safetensors_are_preferred(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path, CONFIG, TENSORS)
    (folder / "pytorch_model.bin").write_bytes(b"never opened")

    np.testing.assert_array_equal(load_params(folder, CONFIG).layers[1].k_lin.weight, TENSORS[WEIGHT])


class Evil:
    """An object whose pickle calls a function."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[object, ...]:
        return self.call


CANARY = "DISTILNP_WAS_ATTACKED"
NASTY = f"import os; os.environ[{CANARY!r}] = '1'"

# Pickles that Python made, and opcodes written by hand, which follow PROTO 2.
HOSTILE: dict[str, tuple[bytes, str]] = {
    "os.system": (pickle.dumps(Evil(os.system, f"export {CANARY}=1"), 2), "posix.system"),
    "os.system, protocol 5": (pickle.dumps(Evil(os.system, "true"), 5), "posix.system"),
    "builtins.eval": (pickle.dumps(Evil(eval, NASTY), 4), "builtins.eval"),
    "builtins.exec": (pickle.dumps(Evil(exec, NASTY), 2), "__builtin__.exec"),
    "subprocess": (pickle.dumps(Evil(subprocess.Popen, ["true"]), 4), "subprocess.Popen"),
    "a chain of __reduce__": (pickle.dumps(Evil(getattr, Evil(__import__, "os"), "system"), 2), "getattr"),
    "getattr on an allowed name": (b"cbuiltins\ngetattr\nctorch\nFloatStorage\n\x86R.", "builtins.getattr"),
    "a dotted name": (b"ctorch._utils\n_rebuild_tensor_v2.__globals__\n.", "_rebuild_tensor_v2.__globals__"),
    "a dotted module": (b"\x8c\x0btorch.utils\x8c\x0f_rebuild_tensor\x93.", "torch.utils"),
    "a name that is not text": (b")" + b"\x85" * 1_000_000 + b")\x93.", "a name that is not text"),
    "a name from the memo": (word("os") + b"q\0" + word("system") + b"q\1" + b"h\0h\1\x93.", "os.system"),
    "copyreg": (b"ccopyreg\n_reconstructor\n.", "copyreg._reconstructor"),
    "copyreg of Python 2": (b"ccopy_reg\n_reconstructor\n.", "copy_reg._reconstructor"),
    "an extension of one byte": (b"\x82\x01.", "EXT1"),
    "an extension of four bytes": (b"\x84\1\0\0\0.", "EXT4"),
    "INST": (b"(ios\nsystem\n.", "INST .'os system'"),
    "OBJ": (b"(cos\nsystem\no.", "os.system"),
    "NEWOBJ": (b"ccollections\nOrderedDict\n)\x81.", "NEWOBJ"),
    "NEWOBJ_EX": (b"ccollections\nOrderedDict\n)}\x92.", "NEWOBJ_EX"),
    "a persistent id of text": (b"Pevil\n.", "PERSID"),
    "a persistent id of another kind": (b"K\1Q.", "persistent id does not describe a storage"),
    "a module as a persistent id": (
        b"(" + word("module") + b"ctorch\nFloatStorage\n" + word("0") + word("cpu") + b"K\1tQ.",
        "persistent id does not describe a storage",
    ),
    "a storage of no type": (
        b"(" + word("storage") + word("os") + word("0") + word("cpu") + b"K\1tQ.",
        "persistent id does not describe a storage",
    ),
    "a storage of negative size": (
        storage("0", "FloatStorage", -1) + b".",
        "persistent id does not describe a storage",
    ),
    "a call of text": (word("os.system") + b")R.", "calls something that cannot be called"),
    "a call of a type": (b"ctorch\nFloatStorage\n)R.", "calls something that cannot be called"),
    "state for a function": (b"ctorch._utils\n_rebuild_tensor_v2\n}b.", "sets the state"),
    "state with slots for a type": (b"ctorch\nFloatStorage\nN}\x86b.", "sets the state"),
    "an OrderedDict with arguments": (b"ccollections\nOrderedDict\n]\x85R.", "fills an OrderedDict"),
    "room for two billion memos": (b"}r\xff\xff\xff\x7f0.", "POP"),
    "a memo that is not there": (b"h\7.", "not a whole pickle"),
    "a stack that is empty": (b"R.", "not a whole pickle"),
    "a mark that is not there": (b"u.", "not a whole pickle"),
    "a tuple too deep to hash": (b"})" + b"\x85" * 1_000_000 + b"K\1s.", "dict with text for keys"),
    "a text of four gigabytes": (b"X\xff\xff\xff\xff.", "not a whole pickle"),
    "bytes of an exabyte": (b"\x96\0\0\0\0\0\0\0\x10.", "not a whole pickle"),
    "a frame of an exabyte": (b"\x95\0\0\0\0\0\0\0\x10ios\nsystem\n.", "INST"),
    "a number of a megabyte": (b"\x8b\0\0\x10\0.", "not a whole pickle"),
    "a list in itself": (b"]q\0h\0a.", "holds list"),
    "a number for a dict": (b"K\1.", "holds int"),
    "no end": (b"}X", "not a whole pickle|opcode"),
}


@FORMATS
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_pickle_is_refused_with_the_reason_and_nothing_is_executed(
    tmp_path: Path, name: str, legacy: bool
) -> None:
    code, reason = HOSTILE[name]
    path = tmp_path / "pytorch_model.bin"
    if not code.startswith(b"\x80"):
        code = b"\x80\2" + code
    if legacy:
        write_legacy(path, code, {})
    else:
        write_archive(path, code, {})

    with pytest.raises(CheckpointError, match=f"{reason}.*Nothing in it was executed"):
        PytorchFile(path).tensors()

    assert CANARY not in os.environ


def test_python_would_execute_a_hostile_pickle() -> None:
    """The list above would prove nothing if its pickles were harmless."""
    seen: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("builtins.eval", seen.append)
        pickle.loads(HOSTILE["builtins.eval"][0])

    assert seen == [NASTY]


FLOATS = storage("0", "FloatStorage", 6)

# Views of a storage of six numbers.
VIEWS: dict[str, tuple[bytes, str]] = {
    "too long": (view(FLOATS, 0, (7,), (1,)), "element 7 of a storage of 6"),
    "too far": (view(FLOATS, 5, (2,), (1,)), "element 7 of a storage of 6"),
    "strides beyond": (view(FLOATS, 0, (2, 3), (4, 1)), "element 7 of a storage of 6"),
    "beyond 64 bits": (view(FLOATS, 2**64, (2,), (1,)), "of a storage of 6"),
    "a product beyond 64 bits": (view(FLOATS, 0, (2**33, 2**33), (2**33, 1)), "of a storage of 6"),
    "a negative offset": (view(FLOATS, -1, (2,), (1,)), "not whole numbers from 0"),
    "a negative size": (view(FLOATS, 0, (-2,), (1,)), "not whole numbers from 0"),
    "a negative stride": (view(FLOATS, 5, (2,), (-1,)), "not whole numbers from 0"),
    "more strides than sizes": (view(FLOATS, 0, (2,), (1, 1)), "differ in length"),
    "no storage": (view(b"N", 0, (2,), (1,)), "no storage"),
    "a size that is text": (
        view(FLOATS, 0, (2,), (1,)).replace(number(2), word("2")),
        "not whole numbers from 0",
    ),
    "True for a size": (view(FLOATS, 0, (2,), (1,)).replace(number(2), b"\x88"), "not whole numbers from 0"),
    "too few parts": (b"ctorch._utils\n_rebuild_tensor_v2\n(" + FLOATS + b"tR", "1 parts"),
    "a parameter of nothing": (b"ctorch._utils\n_rebuild_parameter\n(NNNtR", "one tensor"),
    "no tensor": (b"}", "is dict, expected a tensor"),
}


@pytest.mark.parametrize("name", VIEWS)
def test_a_tensor_outside_its_storage_is_refused(tmp_path: Path, name: str) -> None:
    pushed, reason = VIEWS[name]
    path = tmp_path / "pytorch_model.bin"
    write_archive(path, state_dict({"x": pushed}), {"0": bytes(24)})

    with pytest.raises(CheckpointError, match=reason):
        PytorchFile(path).tensors()


def test_one_storage_cannot_have_two_types(tmp_path: Path) -> None:
    path = tmp_path / "pytorch_model.bin"
    halves = storage("0", "HalfStorage", 12)
    views = {"x": view(FLOATS, 0, (6,), (1,)), "y": view(halves, 0, (12,), (1,))}
    write_archive(path, state_dict(views), {"0": bytes(24)})

    with pytest.raises(CheckpointError, match="'0' is described in two ways"):
        PytorchFile(path).tensors()


def test_tensors_that_share_numbers_cannot_take_more_memory_than_the_file(tmp_path: Path) -> None:
    size = max(tensor.size for tensor in TENSORS.values())
    shared = storage("0", "FloatStorage", size)
    views = {}
    for name, tensor in TENSORS.items():
        strides = tuple(step // 4 for step in tensor.strides)
        views[name] = view(shared, 0, tensor.shape, strides)
    folder = folder_with(tmp_path, {})
    write_archive(folder / "pytorch_model.bin", state_dict(views), {"0": bytes(4 * size)})

    with pytest.raises(TensorError, match="Do not trust a small file that makes a large model"):
        load_params(folder, CONFIG)


def test_a_matrix_with_gaps_in_both_directions_is_refused(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, TENSORS)
    pushed = {
        name: view(storage("0", "FloatStorage", 60_000), 0, t.shape, tuple(s // 4 for s in t.strides))
        for name, t in TENSORS.items()
    }
    pushed[WEIGHT] = view(storage("0", "FloatStorage", 60_000), 0, (35, 35), (100, 2))
    write_archive(folder / "pytorch_model.bin", state_dict(pushed), {"0": bytes(240_000)})

    with pytest.raises(TensorError, match=r"k_lin\.weight has strides \(100, 2\)"):
        load_params(folder, CONFIG)


def archive_with(**changes: object) -> Callable[[Path], None]:
    """Return a function that writes an archive with one thing wrong."""

    def write(path: Path) -> None:
        code, contents = pickled({"x": np.zeros(6, np.float32)})
        write_archive(path, code, contents)
        entries = {i.filename: i for i in zipfile.ZipFile(path).infolist()}
        contents_of = {name: zipfile.ZipFile(path).read(name) for name in entries}
        with zipfile.ZipFile(path, "w", changes.get("compression", zipfile.ZIP_STORED)) as archive:
            for name, content in (contents_of | changes.get("records", {})).items():
                if content is not None:
                    archive.writestr(name, content)

    return write


ARCHIVES: dict[str, tuple[Callable[[Path], None], str]] = {
    "compressed": (archive_with(compression=zipfile.ZIP_DEFLATED), "is compressed, encrypted"),
    "big-endian": (archive_with(records={"archive/byteorder": b"big"}), "not in little-endian order"),
    "without a pickle": (archive_with(records={"archive/data.pkl": None}), "data.pkl 0 times"),
    "with two pickles": (archive_with(records={"other/data.pkl": b""}), "data.pkl 2 times"),
    "without a storage": (
        archive_with(records={"archive/data/0": None}),
        "storage '0' is not in the archive",
    ),
    "with a short storage": (
        archive_with(records={"archive/data/0": bytes(23)}),
        "has 23 bytes, expected 24",
    ),
    "with a pickle too large": (
        archive_with(records={"archive/data.pkl": bytes(MAX_PICKLE_BYTES + 1)}),
        "larger than 4194304 bytes",
    ),
    "with a directory too large": (
        archive_with(records={f"archive/{i}{'x' * 60_000}": b"" for i in range(80)}),
        "a directory or record of more than",
    ),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_that_torch_did_not_write_is_refused(tmp_path: Path, name: str) -> None:
    write, reason = ARCHIVES[name]
    path = tmp_path / "pytorch_model.bin"
    write(path)

    with pytest.raises(CheckpointError, match=reason):
        PytorchFile(path).tensors()


def test_an_archive_with_the_same_name_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pytorch_model.bin"
    write_torch(path, {"x": np.zeros(6, np.float32)})
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning):
        archive.writestr("archive/data.pkl", b"\x80\2}.")

    with pytest.raises(CheckpointError, match="the same name twice"):
        PytorchFile(path).tensors()


def test_an_archive_whose_directory_points_elsewhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pytorch_model.bin"
    write_torch(path, {"x": np.zeros(6, np.float32)})
    with zipfile.ZipFile(path) as archive:
        begin = archive.getinfo("archive/data/0").header_offset
    whole = bytearray(path.read_bytes())
    whole[begin + 30 + len("archive/data/")] = ord("9")
    path.write_bytes(whole)

    with pytest.raises(CheckpointError, match="not where the archive's directory has it"):
        PytorchFile(path).tensors()


def legacy_bytes(**system: object) -> bytes:
    code, contents = pickled({"x": np.zeros(6, np.float32)}, legacy=True)
    stream = io.BytesIO()
    path = type("Memory", (), {"write_bytes": lambda self, content: stream.write(content)})()
    write_legacy(path, code, {"0": (6, contents["0"])}, **system)
    return stream.getvalue()


LEGACY: dict[str, tuple[bytes, str]] = {
    "big-endian": (legacy_bytes(little_endian=False), "not in little-endian order"),
    "cut": (legacy_bytes()[:-1], "the file ends inside the storage '0'"),
    "with another number of elements": (
        legacy_bytes().replace(b"\6\0\0\0\0\0\0\0" + bytes(24), b"\7\0\0\0\0\0\0\0" + bytes(24)),
        "has 7 elements, expected 6",
    ),
    "with another list of storages": (
        legacy_bytes().replace(pickle.dumps(["0"], 2), pickle.dumps(["1"], 2)),
        "its list of storages",
    ),
    "empty": (b"", "not a whole pickle"),
    "a page of HTML": (b"<!DOCTYPE html><html>rate limited</html>", "not a whole pickle|opcode"),
    "a pointer of git LFS": (b"version https://git-lfs.github.com/spec/v1\n", "not a whole pickle|opcode"),
    "another magic number": (pickle.dumps(1, 2) * 2 + pickle.dumps(SYSTEM, 2), "magic number"),
}


@pytest.mark.parametrize("name", LEGACY)
def test_a_legacy_file_that_torch_did_not_write_is_refused(tmp_path: Path, name: str) -> None:
    content, reason = LEGACY[name]
    (tmp_path / "pytorch_model.bin").write_bytes(content)

    with pytest.raises(CheckpointError, match=reason):
        PytorchFile(tmp_path / "pytorch_model.bin").tensors()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pytorch_model.bin")

    with pytest.raises(CheckpointError, match=r"it is not a file.*, expected a file with the weights"):
        load_params(tmp_path, CONFIG)


def test_a_link_that_leads_nowhere_is_an_error_even_if_other_weights_are_there(tmp_path: Path) -> None:
    write_torch(tmp_path / "pytorch_model.bin", TENSORS)
    (tmp_path / "model.safetensors").symlink_to("gone")

    with pytest.raises(CheckpointError, match=r"model\.safetensors cannot be read"):
        load_params(tmp_path, CONFIG)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports the peak memory of a process")
@FORMATS
def test_reading_takes_no_second_copy_of_the_file(tmp_path: Path, legacy: bool) -> None:
    config = DistilBertConfig(n_layers=1, vocab_size=60_000, dim=512, n_heads=8, hidden_dim=512)
    write_checkpoint(tmp_path, config, {})
    (tmp_path / "model.safetensors").unlink()
    write_torch(tmp_path / "pytorch_model.bin", seeded_tensors(config), legacy=legacy)
    size = (tmp_path / "pytorch_model.bin").stat().st_size

    run = run_python(MEMORY_TO_LOAD, tmp_path)

    assert run.stderr == ""
    assert size < int(run.stdout) < size + 4 * CHUNK_BYTES


@FORMATS
def test_the_engine_packs_columns_as_it_packs_rows(tmp_path: Path, legacy: bool) -> None:
    expected = distilnp.load(write_checkpoint(tmp_path / "safe", CONFIG, TENSORS))("w1 w2").logits
    turned = {name: np.asfortranarray(tensor) for name, tensor in TENSORS.items()}

    folder = folder_with(tmp_path / "torch", turned, legacy=legacy)

    np.testing.assert_array_equal(distilnp.load(folder)("w1 w2").logits, expected)


def test_a_shape_of_any_length_is_cut_short_in_the_message(tmp_path: Path) -> None:
    ones = (1,) * 10_000
    folder = folder_with(tmp_path, {})
    views = {WEIGHT: view(storage("0", "FloatStorage", 1), 0, ones, ones)}
    views |= dict.fromkeys(("distilbert.embeddings.LayerNorm.bias", "pre_classifier.bias"), views[WEIGHT])
    write_archive(folder / "pytorch_model.bin", state_dict(views), {"0": bytes(4)})

    with pytest.raises(TensorError, match=r"has shape \(1, 1, ") as raised:
        load_params(folder, CONFIG)

    assert len(str(raised.value)) < 5_000
