"""Checkpoint folders damaged by a seed: in their bits, lengths, JSON, opcodes, archives or files."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file
from support.seeded_models import CONFIGS, QUANTIZATION, int8_rows, seeded_tensors, write_checkpoint
from support.torch_files import pickled, write_archive, write_legacy, write_torch
from tokenizers import BertWordPieceTokenizer

CONFIG = CONFIGS["one-layer"]
TENSORS = seeded_tensors(CONFIG)

# Lengths, sizes and offsets that overflow some type.
NUMBERS = (
    0,
    1,
    -1,
    255,
    2**16,
    2**24,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**40,
    2**63 - 1,
    2**63,
    2**64 - 1,
    10**400,
)
VALUES: tuple[Any, ...] = (
    *NUMBERS,
    None,
    True,
    False,
    0.5,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "\0",
    "\ud800",
    "../../etc/passwd",
    "x" * 100_000,
    "(a+)+$",
    [],
    {},
    [[]],
    {"": {}},
)
OPCODES = b"().012FGIJKLMNPQRSTUVX]abcdeghijloprstu}" + bytes(range(0x80, 0x98))


def write_sources(folder: Path) -> list[Path]:
    """Write a valid folder of every form; return the folders."""
    folders = [write_checkpoint(folder / name, CONFIG, TENSORS) for name in ("safetensors", "tokenizer.json")]
    tokenizer = BertWordPieceTokenizer(str(folders[1] / "vocab.txt"))
    tokenizer.save(str(folders[1] / "tokenizer.json"))
    (folders[0] / "tokenizer_config.json").write_text('{"do_lower_case": true, "model_max_length": 512}')
    folders.append(
        write_checkpoint(folder / "int8", CONFIG, int8_rows(TENSORS), quantization_config=QUANTIZATION)
    )
    additions = {"loss_fct.weight": np.ones(2, np.float32), "embeddings.position_ids": np.arange(512)[None]}
    folders.append(write_checkpoint(folder / "additions", CONFIG, TENSORS | additions))
    with (folders[-1] / "vocab.txt").open("a") as file:
        file.write("\n\n")
    for name in ("archive", "legacy", "shards"):
        folders.append(write_checkpoint(folder / name, CONFIG, {}))
        (folders[-1] / "model.safetensors").unlink()
    write_torch(folder / "archive" / "pytorch_model.bin", TENSORS)
    write_torch(folder / "legacy" / "pytorch_model.bin", TENSORS, legacy=True)
    weight_map = {}
    for i in range(2):
        shard = f"model-{i}.safetensors"
        part = dict(list(TENSORS.items())[i::2])
        save_file(part, folder / "shards" / shard)
        weight_map |= dict.fromkeys(part, shard)
    (folder / "shards" / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    return folders


def mutated(source: Path, folder: Path, seed: int) -> str:
    """Copy a folder, damage the copy, and return a description of the damage."""
    draw = random.Random(seed)
    shutil.copytree(source, folder)
    mutation = draw.choice(MUTATIONS)
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        if any(path.is_file() for path in folder.iterdir()):
            mutation(folder, draw)
    return f"seed {seed}: {mutation.__name__} of {source.name}"


def a_file(folder: Path, draw: random.Random) -> Path:
    return draw.choice(sorted(path for path in folder.iterdir() if path.is_file()))


def weights_of(folder: Path, draw: random.Random) -> Path:
    return draw.choice(
        sorted(folder.glob("*.safetensors")) + sorted(folder.glob("*.bin")) or [folder / "config.json"]
    )


def flip_bits(folder: Path, draw: random.Random) -> None:
    path = a_file(folder, draw)
    content = bytearray(path.read_bytes())
    for _ in range(draw.randint(1, 8) if content else 0):
        # Half of the bits are at the front, where the structure is.
        end = len(content) if draw.random() < 0.5 else min(len(content), 300)
        content[draw.randrange(end)] ^= 1 << draw.randrange(8)
    path.write_bytes(content)


def cut(folder: Path, draw: random.Random) -> None:
    path = a_file(folder, draw)
    content = path.read_bytes()
    path.write_bytes(content[: draw.randint(0, len(content))])


def lengthen(folder: Path, draw: random.Random) -> None:
    path = a_file(folder, draw)
    content = path.read_bytes()
    path.write_bytes(content + draw.choice((b"\0", content, draw.randbytes(100), b"PK\5\6" + bytes(18))))


def replace_length(folder: Path, draw: random.Random) -> None:
    """Write a number that overflows where a length may be: at the front, or in the records of an archive."""
    path = weights_of(folder, draw)
    content = bytearray(path.read_bytes())
    marks = [i for i in range(len(content)) if content[i : i + 2] == b"PK"] or [0]
    width = draw.choice((1, 2, 4, 8))
    at = draw.choice((0, draw.choice(marks))) + draw.randrange(64)
    number = draw.choice(NUMBERS) % (1 << 8 * width)
    content[at : at + width] = number.to_bytes(width, "little")
    path.write_bytes(content)


def change_json(value: Any, draw: random.Random) -> Any:
    """Return a JSON value with one of its parts replaced, removed or doubled."""
    if isinstance(value, dict) and value and draw.random() < 0.85:
        key = draw.choice(sorted(value))
        changed = dict(value)
        if draw.random() < 0.1:
            changed[draw.choice(("", "x", key + " ", "distilbert." + key))] = changed.pop(key)
        elif draw.random() < 0.1:
            del changed[key]
        else:
            changed[key] = change_json(value[key], draw)
        return changed
    if isinstance(value, list) and value and draw.random() < 0.85:
        i = draw.randrange(len(value))
        return [*value[:i], change_json(value[i], draw), *value[i + draw.choice((0, 1)) :]]
    if type(value) is int and draw.random() < 0.5:
        return value + draw.choice((-1, 1, 8, 2**24))
    return draw.choice(VALUES)


def change_values(folder: Path, draw: random.Random) -> None:
    path = draw.choice(sorted(folder.glob("*.json")))
    try:
        values = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return
    text = json.dumps(change_json(values, draw))
    if draw.random() < 0.05:
        text = text[:1] + draw.choice(("[" * 100_000, '"a":' * 1000, "\\u0000", "9" * 10_000)) + text[1:]
    path.write_text(text)


def change_header(folder: Path, draw: random.Random) -> None:
    path = weights_of(folder, draw)
    content = path.read_bytes()
    if path.suffix != ".safetensors":
        return change_opcodes(folder, draw)
    size = int.from_bytes(content[:8], "little")
    try:
        header = json.loads(content[8 : 8 + size])
    except (ValueError, RecursionError):
        return None
    text = json.dumps(change_json(header, draw)).encode()
    if draw.random() < 0.05:
        text = text[:-1] + b", " + text[1:]  # every name twice
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + size :])
    return None


def change_opcodes(folder: Path, draw: random.Random) -> None:
    """Replace the weights by a PyTorch file that is whole except for its pickle."""
    legacy = draw.random() < 0.5
    pickle, contents = pickled(TENSORS, legacy=legacy)
    code = bytearray(pickle)
    for _ in range(draw.choice((1, 1, 2, 10))):
        at = draw.randrange(len(code))
        new = bytes(draw.choice(OPCODES) for _ in range(draw.randint(0, 4)))
        code[at : at + draw.choice((0, 1, len(new)))] = new
    for path in folder.glob("*.safetensors*"):
        path.unlink()
    sizes = {key: (len(content) // 4, content) for key, content in contents.items()}
    if legacy:
        write_legacy(folder / "pytorch_model.bin", bytes(code), sizes)
    else:
        write_archive(folder / "pytorch_model.bin", bytes(code), contents)


def change_files(folder: Path, draw: random.Random) -> None:
    """Remove a file, empty it, turn it into a folder or a link, or give it the content of another file."""
    path, other = a_file(folder, draw), a_file(folder, draw)
    content = other.read_bytes()
    path.unlink()
    kind = draw.choice(("gone", "empty", "folder", "link", "ring", "other"))
    if kind == "empty":
        path.touch()
    elif kind == "folder":
        path.mkdir()
    elif kind == "link":
        path.symlink_to(draw.choice(("/dev/null", "/dev/zero", "config.json", "gone")))
    elif kind == "ring":
        path.symlink_to(path.name)
    elif kind == "other":
        path.write_bytes(content)


def change_numbers(folder: Path, draw: random.Random) -> None:
    """Write the weights again with numbers that overflow, or with a tensor of another shape or type."""
    name = draw.choice(sorted(TENSORS))
    tensor = TENSORS[name]
    changed = draw.choice(
        (
            np.full_like(tensor, draw.choice((np.nan, np.inf, 3e38, 1e-45))),
            tensor.astype(draw.choice((np.float16, np.float64, np.int64, np.uint8, np.bool_))),
            tensor.reshape(-1),
            tensor[None],
            tensor[:0],
        )
    )
    save_file(TENSORS | {name: changed}, folder / "model.safetensors")


MUTATIONS: tuple[Callable[[Path, random.Random], None], ...] = (
    flip_bits,
    flip_bits,
    cut,
    lengthen,
    replace_length,
    replace_length,
    change_values,
    change_values,
    change_values,
    change_header,
    change_header,
    change_opcodes,
    change_opcodes,
    change_files,
    change_numbers,
)
