"""Descriptions of files and folders that people take for a checkpoint, each with advice.

Only names and first bytes are looked at. A folder that has everything may still be wrong, which the modules
that read its files report.
"""

import itertools
import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from ..foreign import open_file, read_file, shown
from .files import CONFIG, FOLDER_WEIGHTS, KERAS, SHARD, TOKENIZER_FILES, WEIGHTS

# The first line of a file that git-lfs has not fetched. A pointer has less than 1024 bytes.
# https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
POINTER = b"version https://git-lfs.github.com/spec/"
MAX_POINTER_BYTES = 1024

ADAPTER = "adapter_config.json"

# A name with one of these suffixes is the name of a file.
WEIGHTS_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack", ".onnx", ".gguf")
ARCHIVE_SUFFIXES = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".7z", ".rar")
FILE_SUFFIXES = (*WEIGHTS_SUFFIXES, *ARCHIVE_SUFFIXES, ".json", ".txt")

# The first bytes of archives: zip, gzip, bzip2, xz, Zstandard, 7z.
ARCHIVES = (b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf\x27\x1c")

# What Spark writes for every annotator and pipeline, and TensorFlow for every SavedModel.
METADATA = "metadata"
SAVED_MODEL = "saved_model.pb"

# Files that torch.save writes. A Trainer writes those with the three names beside a checkpoint.
TORCH_SUFFIXES = (".pt", ".pth", ".ckpt")
OF_A_TRAINER = {"optimizer.pt", "scheduler.pt", "scaler.pt"}

# A ratio of difflib: two letters of four that have changed places are enough, "a" and "ab" are not.
MISSPELT = 0.7

# Entries of a folder that are looked at; more are not needed for a hint.
MAX_ENTRIES = 1000
MAX_NAMED = 10


def is_archive(path: Path) -> bool:
    """Return whether a file is a zip archive. The files of torch are such archives, too, and do not count."""
    return not path.name.lower().endswith(WEIGHTS_SUFFIXES) and _begins_with(path, ARCHIVES[:1])


def is_package(folder: Path) -> bool:
    """Return whether a folder is laid out as Spark writes an annotator or a pipeline."""
    return (folder / METADATA).is_dir() and not os.path.lexists(folder / CONFIG)


def is_saved_model(folder: Path) -> bool:
    """Return whether a folder has TensorFlow's form of a model, and no `config.json` that describes it."""
    return os.path.lexists(folder / SAVED_MODEL) and not os.path.lexists(folder / CONFIG)


def describe_folder(folder: Path) -> str | None:
    """Describe a folder that cannot be a checkpoint, with advice; return None if it may be one."""
    listed = [path.name for path in _entries(folder)]
    # Asked for by name as well: the listing stops somewhere in a folder of many files.
    asked_for = (CONFIG, ADAPTER, *TOKENIZER_FILES, *FOLDER_WEIGHTS)
    names = sorted({*listed, *(name for name in asked_for if os.path.lexists(folder / name))})
    if pointers := [name for name in names if _is_read(name) and _is_pointer(folder / name)]:
        return (
            f"{folder}: {_named(pointers)} is a Git LFS pointer, expected the file itself. The repository "
            "was cloned without git-lfs: run `git lfs install` and `git lfs pull` in it"
        )
    has_weights = not set(FOLDER_WEIGHTS).isdisjoint(names)
    if CONFIG in names and has_weights:
        return None
    expected = f"expected a folder with {CONFIG}, a tokenizer and weights"
    if ADAPTER in names:
        return (
            f"{folder} is an adapter (LoRA) for {_base_of(folder)}, {expected}. Merge it: load both with "
            "peft, and write the model of merge_and_unload() by save_pretrained"
        )
    if checkpoints := _checkpoints_in(folder):
        return (
            f"{folder} is a folder of checkpoints ({_named(checkpoints)}), expected one of them. Load "
            f"{folder / checkpoints[0]}, for example"
        )
    if has_weights:
        return None
    if packages := [name for name in folders_in(folder) if is_package(folder / name)]:
        return (
            f"{folder} is a folder of packages ({_named(packages)}), expected one of them. Load "
            f"{folder / packages[0]}, for example"
        )
    if exports := _with_suffix(folder, names, ".onnx"):
        return (
            f"{folder} is an ONNX export ({_named(exports)}), {expected}. Load the folder that it was "
            "exported from"
        )
    if exports := [name for name in _with_suffix(folder, names, ".xml") if "openvino" in name.lower()]:
        return (
            f"{folder} is an OpenVINO export ({_named(exports)}), {expected}. Load the folder that it was "
            "exported from"
        )
    if files := [name for name in _with_suffix(folder, names, *TORCH_SUFFIXES) if name not in OF_A_TRAINER]:
        return (
            f"{folder} has {_named(files)}, which torch.save writes, {expected}. Load it in torch, and write "
            "the model by save_pretrained"
        )
    if files := _with_suffix(folder, names, *ARCHIVE_SUFFIXES):
        return f"{folder} has an archive ({_named(files)}), {expected}. Unpack it, and load the folder"
    return None


def describe_file(path: Path) -> str:
    """Describe a file that was given for a checkpoint, with advice."""
    if path.name.lower().endswith(WEIGHTS_SUFFIXES):
        if path.suffix.lower() == ".onnx":
            return "it is an ONNX export. Load the folder that it was exported from"
        if (path.parent / CONFIG).is_file():
            return f"it is a file of weights. Load its folder, {shown(str(path.parent))}"
        return f"it is a file of weights. Load a folder that has {CONFIG} and a tokenizer beside it"
    if path.suffix.lower() == ".zip":
        return f"it has the name of a zip archive and begins with {_first_bytes(path)}. Fetch it again"
    if path.name.lower().endswith(ARCHIVE_SUFFIXES) or _begins_with(path, ARCHIVES):
        return "it is an archive. Unpack it, and load the folder"
    if (path.parent / CONFIG).is_file():
        return f"it is a file. Load its folder, {shown(str(path.parent))}"
    return "it is a file"


def describe_missing(path: Path) -> str:
    """Name the first part of a path that is not there, and folders of similar names beside it."""
    missing = path
    with suppress(OSError, ValueError):
        while missing.parent != missing and not missing.parent.is_dir():
            missing = missing.parent
    near = similar(missing.name, folders_in(missing.parent), MISSPELT)
    beside = f", but {_named(near)} in {shown(str(missing.parent.resolve()))}" if near else ""
    return f"there is no {shown(str(missing))}{beside}"


def folders_in(folder: Path) -> list[str]:
    """Return the names of the folders in a folder."""
    return [path.name for path in _entries(folder) if _is_folder(path)]


def similar(name: str, names: Iterable[str], least: float = 0.6) -> list[str]:
    """Return the names that are spelled like a name, the most similar one first.

    Case counts as little as the kind of hyphen. `least` is the ratio of difflib that is enough.
    """
    import difflib  # imported late: it takes milliseconds of every start

    plain: dict[str, list[str]] = {}
    for other in names:
        plain.setdefault(_plain(other), []).append(other)
    close = difflib.get_close_matches(_plain(name[:200]), plain, n=3, cutoff=least)
    return [other for match in close for other in plain[match]][:3]


def begins(name: str, names: Iterable[str]) -> list[str]:
    """Return the names that begin with this name and a hyphen."""
    return [other for other in names if _plain(other).startswith(f"{_plain(name)}-")]


def _plain(name: str) -> str:
    return re.sub(r"[_.\s-]+", "-", name).lower()


def _entries(folder: Path) -> Iterator[Path]:
    with suppress(OSError, ValueError):
        yield from itertools.islice(folder.iterdir(), MAX_ENTRIES)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _is_read(name: str) -> bool:
    return name in (CONFIG, *TOKENIZER_FILES, *FOLDER_WEIGHTS) or SHARD.fullmatch(name) is not None


def _is_pointer(path: Path) -> bool:
    try:
        return path.stat().st_size <= MAX_POINTER_BYTES and _begins_with(path, (POINTER,))
    except OSError:
        return False


def _begins_with(path: Path, beginnings: tuple[bytes, ...]) -> bool:
    try:
        with open_file(path) as file:
            return file.read(64).startswith(beginnings)
    except OSError:
        return False


def _first_bytes(path: Path) -> str:
    """Return the beginning of a file for a message: a server that has no file sends a page that says so."""
    try:
        with open_file(path) as file:
            begin = file.read(24)  # enough to recognise a page by
            return shown(begin) if begin else "nothing"
    except OSError:
        return "nothing that can be read"


def _base_of(folder: Path) -> str:
    """Return the name of the model that an adapter belongs to."""
    try:
        base = json.loads(read_file(folder / ADAPTER))["base_model_name_or_path"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return "a model that it does not name"
    return shown(base)


def _checkpoints_in(folder: Path) -> list[str]:
    """Return the sub-folders that are checkpoints; the one of the last step comes first."""
    places = [
        *(path for path in _entries(folder) if _is_folder(path)),
        *_entries(folder / "snapshots"),  # of a repository in the hub's cache
    ]
    found = []
    for place in places:
        names = {path.name for path in _entries(place)}
        if CONFIG in names and not names.isdisjoint((*WEIGHTS, KERAS)):
            found.append(str(place.relative_to(folder)))
    return sorted(found, key=_step, reverse=True)


def _step(name: str) -> tuple[int, str]:
    step = re.fullmatch(r"checkpoint-([0-9]{1,12})", name)
    return (int(step[1]) if step else -1, name)


def _with_suffix(folder: Path, names: Iterable[str], *suffixes: str) -> list[str]:
    """Return the files with one of these suffixes in a folder, or in the folder of an export in it."""
    inside = [f"{part}/{path.name}" for part in ("onnx", "openvino") for path in _entries(folder / part)]
    return sorted(name for name in [*names, *inside] if name.lower().endswith(suffixes))


def _named(names: list[str]) -> str:
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(shown(name) for name in names[:MAX_NAMED]) + more
