"""Packages of Spark NLP damaged by a seed: in their bits, archives, tables, graphs or Java objects."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

from support.mutations import NUMBERS, change_json
from support.tensorflow_files import MODEL, change_model, field, table, varint, zipped

from distilnp.checkpoint.tensorflow.crc32c import masked_crc32c
from distilnp.checkpoint.tensorflow.protobuf import Damaged, fields
from distilnp.checkpoint.tensorflow.table import read_table

INDEX, DATA, GRAPH = "variables.index", "variables.data-00000-of-00001", "saved_model.pb"
OBJECT_GRAPH = b"_CHECKPOINTABLE_OBJECT_GRAPH"


def mutated(source: Path, folder: Path, seed: int) -> tuple[Path, str]:
    """Copy a package, damage the copy, and return its path and a description of the damage."""
    draw = random.Random(seed)
    shutil.copytree(source, folder)
    mutation = draw.choice(MUTATIONS)
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        mutation(folder, draw)
    path = folder
    if draw.random() < 0.2:
        path = zipped(folder, folder.with_suffix(".zip"))
        if draw.random() < 0.5:
            path.write_bytes(damaged(path.read_bytes(), draw))
    return path, f"seed {seed}: {mutation.__name__}"


def damaged(content: bytes, draw: random.Random) -> bytes:
    """Flip bits, cut, lengthen, or write a length that overflows."""
    kind = draw.randrange(5)
    if kind == 0:
        return content[: draw.randint(0, len(content))]
    if kind == 1:
        return content + draw.choice((b"\0", content, draw.randbytes(50)))
    changed = bytearray(content)
    at = draw.randrange(len(content)) if content else 0
    if kind == 2:
        # A small number, or one that is huge as a varint and as one of fixed width.
        changed[at : at + draw.randint(0, 8)] = draw.choice((b"\xff" * 9 + b"\1", b"\x7f\xff\xff\xff", b"\0"))
        return bytes(changed)
    for _ in range(draw.randint(1, 4) if content else 0):
        end = len(content) if draw.random() < 0.5 else min(len(content), 300)
        changed[draw.randrange(end)] ^= 1 << draw.randrange(8)
    return bytes(changed)


def change_a_file(folder: Path, draw: random.Random) -> None:
    path = draw.choice(sorted(path for path in folder.rglob("*") if path.is_file()))
    path.write_bytes(damaged(path.read_bytes(), draw))


def change_metadata(folder: Path, draw: random.Random) -> None:
    path = folder / "metadata" / "part-00000"
    try:
        values = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return
    path.write_text(json.dumps(change_json(values, draw)))


def change_java(folder: Path, draw: random.Random) -> None:
    """Change the bytes of objects where their structure is: in the first record of a field."""
    path = draw.choice(sorted(folder.glob("fields/[lv]*/part-*")))
    content = bytearray(path.read_bytes())
    if len(content) < 100:
        return
    for _ in range(draw.choice((1, 1, 2, 5))):
        at = draw.randrange(80, min(len(content), 500))
        content[at] = draw.choice((0, 0x70, 0x71, 0x72, 0x73, 0x74, 0x75, 0x77, 0x78, 0x7C, 0x7F, 0xFF))
    path.write_bytes(content)


def change_inside(folder: Path, draw: random.Random) -> None:
    """Damage one file of the model, in an archive that is whole."""
    inside(folder, draw.choice((INDEX, DATA, GRAPH)), lambda content: damaged(content, draw))


def inside(folder: Path, name: str, change: Callable[[bytes], bytes | None]) -> None:
    try:
        change_model(folder, {name: change})
    except Exception:  # the archive has been damaged by the mutation before
        return


def change_entries(folder: Path, draw: random.Random) -> None:
    """Change what the index says, in a table whose checksums are right."""

    def change(content: bytes) -> bytes:
        try:
            entries = read_table(content)
        except Damaged:
            return content
        for _ in range(draw.choice((1, 1, 3))):
            key = draw.choice(sorted(entries))
            kind = draw.randrange(5)
            if kind == 0:
                del entries[key]
                entries.setdefault(b"", b"")
            elif kind == 1:
                entries[key[:-1] + draw.choice((b"", b"/", b"\xff"))] = entries[key]
            elif kind == 2:
                entries[key] = entries[draw.choice(sorted(entries))]
            else:
                entries[key] = change_message(entries[key], draw)
        return table(entries)

    inside(folder, INDEX, change)


def change_object_graph(folder: Path, draw: random.Random) -> None:
    """Change the names of variables, with all checksums right: the object graph moves to the data's end."""
    found: dict[str, bytes] = {}

    def keep(name: str) -> Callable[[bytes], bytes]:
        return lambda content: found.setdefault(name, content)

    inside(folder, INDEX, keep(INDEX))
    inside(folder, DATA, keep(DATA))
    try:
        entries = read_table(found[INDEX])
        entry = {key: value for key, value in fields(entries[OBJECT_GRAPH]) if isinstance(value, int)}
        stored = found[DATA][entry[4] : entry[4] + entry[5]]
        graph = stored[stored.index(b"\n") :]
    except (Damaged, LookupError, ValueError):
        return
    renamed = graph.replace(*draw.choice(RENAMINGS))
    graph = renamed if draw.random() < 0.5 else change_message(graph, draw)
    length = len(graph).to_bytes(4, "little")
    checksum = masked_crc32c([length]).to_bytes(4, "little")
    text = varint(len(graph)) + checksum + graph
    crc = masked_crc32c([length, checksum, graph]).to_bytes(4, "little")
    begin = len(found[DATA])
    entries[OBJECT_GRAPH] = (
        field(1, 7) + field(2, b"") + field(4, begin) + field(5, len(text)) + b"\x35" + crc
    )
    inside(folder, INDEX, lambda content: table(entries))
    inside(folder, DATA, lambda content: content + text)


RENAMINGS = (
    (b"/q_lin/kernel", b"/k_lin/kernel"),
    (b"layer_._1", b"layer_._7"),
    (b"layer_._0", b"layer_._1"),
    (b"/kernel", b"/weight"),
    (b"pre_classifier", b"qa_outputs/xyz"),
    (b"VARIABLE_VALUE", b"VARIABLE_VALUF"),
    (b"distilbert", b"distilbart"),
)


def change_message(content: bytes, draw: random.Random, depth: int = 0) -> bytes:
    """Change one field of a message, or of a message in it."""
    try:
        parts = list(fields(content))
    except Damaged:
        return damaged(content, draw)
    if not parts:
        return field(draw.randrange(10), draw.choice(NUMBERS[3:-1]) & (1 << 70) - 1)
    i = draw.randrange(len(parts))
    number, value = parts[i]
    kind = draw.randrange(6)
    if isinstance(value, bytes) and kind < 3 and depth < 4:
        parts[i] = number, change_message(value, draw, depth + 1)
    elif kind == 3:
        parts.insert(i, parts[i])
    elif kind == 4:
        del parts[i]
    else:
        parts[i] = (
            draw.choice((number, number + 1)),
            draw.choice((*(n for n in NUMBERS if n >= 0), b"", b"\xff" * 9)),
        )
    return b"".join(
        field(number, value if isinstance(value, bytes) or value < 1 << 80 else 1 << 80)
        for number, value in parts
    )


def change_graph(folder: Path, draw: random.Random) -> None:
    """Change a field of the graph, mostly of the nodes that are read."""

    def change(content: bytes) -> bytes:
        if draw.random() < 0.5:
            return content.replace(*draw.choice(NODES), draw.choice((1, -1)))
        return change_message(content, draw)

    inside(folder, GRAPH, change)


NODES = (
    (b"Erf", b"Tan"),
    (b"Erf", b"\xff\xfe\xfd"),
    (b"Reshape", b"Reshapf"),
    (b"Pack", b"Pacl"),
    (b"Const", b"Conts"),
    (b"tensor", b"\0\0\0\0\0\0"),
    (b"\xcc\xbc\x8c\x2b", b"\0\0\xc0\x7f"),
    (b"value", b"valuf"),
    (b"layer_._1/", b"layer_._0/"),
    (b"BiasAdd:output:0", b"BiasAdd:output:9"),
)


def change_files(folder: Path, draw: random.Random) -> None:
    """Remove a file, empty it, or make it a folder, a link or another file."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if not files:
        return
    path, other = draw.choice(files), draw.choice(files)
    content = other.read_bytes()
    path.unlink()
    kind = draw.choice(("gone", "empty", "folder", "link", "ring", "other"))
    if kind == "empty":
        path.touch()
    elif kind == "folder":
        path.mkdir()
    elif kind == "link":
        path.symlink_to(draw.choice(("/dev/null", "/dev/zero", MODEL, "gone")))
    elif kind == "ring":
        path.symlink_to(path.name)
    elif kind == "other":
        path.write_bytes(content)


MUTATIONS: tuple[Callable[[Path, random.Random], None], ...] = (
    change_a_file,
    change_metadata,
    change_java,
    change_java,
    change_inside,
    change_inside,
    change_entries,
    change_entries,
    change_object_graph,
    change_object_graph,
    change_graph,
    change_graph,
    change_files,
)
