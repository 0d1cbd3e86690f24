"""One nasty string in every place where a stranger's text can come from: it does nothing to a terminal."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from safetensors.numpy import save_file
from support.seeded_models import CONFIGS, seeded_tensors, write_checkpoint
from support.torch_files import write_torch

from distilnp.cli import main
from distilnp.errors import BuildError, DistilnpError, DownloadError, InputFileError, TensorError

CONFIG = CONFIGS["one-layer"]
TENSORS = seeded_tensors(CONFIG)

# Sets the title of a terminal, clears a line, forges a message, and reverses the rest.
NASTY = "x\x1b]0;owned\x07\r\x1b[2K\ndistilnp: all is well\n\u202e\u2066\x9b31m\x7f"

# What a terminal may get: text, line ends, and the spaces between columns.
HARMLESS = re.compile(r"[^\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]*")


class Place(NamedTuple):
    """A place for the string: how it gets there, and the commands that meet it."""

    name: str
    write: Callable[[Path], list[list[str]]]


def about(model: Path, *others: list[str]) -> list[list[str]]:
    """Return the command lines of everything that looks at a model."""
    path, new = os.fspath(model), os.fspath(model.parent / "new")
    return [
        ["info", path],
        ["info", path, "--format", "json"],
        ["verify", path],
        ["convert", path, new + "1"],
        ["bundle", new + "2", "--model", path],
        ["classify", "--model", path, "--format", "table", "--all-scores", "w1"],
        ["inspect", "--model", path, "w1", "-o", new + "3"],
        *others,
    ]


def model_in(folder: Path, **changes: object) -> Path:
    return write_checkpoint(folder, CONFIG, TENSORS, **changes)


def labels(folder: Path) -> list[list[str]]:
    (folder / "a.csv").write_text("text,label\nw1,0\nw2,1\nw3,none\n")
    model = model_in(folder / "model", id2label={"0": NASTY, "1": "b"})
    return about(model, ["evaluate", os.fspath(folder / "a.csv"), "--model", os.fspath(model)])


def tensors(folder: Path) -> list[list[str]]:
    model = model_in(folder / "model")
    save_file(TENSORS | {f"distilbert.{NASTY}": TENSORS["classifier.bias"]}, model / "model.safetensors")
    return about(model)


def pickled_tensors(folder: Path) -> list[list[str]]:
    model = model_in(folder / "model")
    (model / "model.safetensors").unlink()
    write_torch(model / "pytorch_model.bin", TENSORS | {f"distilbert.{NASTY}": TENSORS["classifier.bias"]})
    return about(model)


def shards(folder: Path) -> list[list[str]]:
    model = model_in(folder / "model")
    (model / "model.safetensors").unlink()
    index = {"weight_map": dict.fromkeys(TENSORS, NASTY)}
    (model / "model.safetensors.index.json").write_text(json.dumps(index))
    return about(model)


def shard_keys(folder: Path) -> list[list[str]]:
    model = model_in(folder / "model")
    (model / "model.safetensors").unlink()
    index = {"weight_map": {NASTY: "model-00001-of-00001.safetensors"}}
    (model / "model.safetensors.index.json").write_text(json.dumps(index))
    save_file(TENSORS, model / "model-00001-of-00001.safetensors")
    return about(model)


def folder_name(folder: Path) -> list[list[str]]:
    return about(model_in(folder / NASTY))


def missing_folder(folder: Path) -> list[list[str]]:
    return about(folder / NASTY)


def destination(folder: Path) -> list[list[str]]:
    model = os.fspath(model_in(folder / "model"))
    new = os.fspath(folder / NASTY)
    return [
        ["convert", model, new],
        ["convert", model, new],
        ["bundle", new, "--model", model],
        ["bundle", new + "2", "--model", model],
        ["convert", model, f"{model}/config.json/{NASTY}"],
    ]


def stray_file(folder: Path) -> list[list[str]]:
    model = model_in(folder / "model")
    (model / NASTY).touch()
    return about(model)


def values_of(file: str, *keys: str) -> Callable[[Path], list[list[str]]]:
    def write(folder: Path) -> list[list[str]]:
        lines = []
        for number, key in enumerate(keys):
            model = model_in(folder / f"model{number}")
            path = model / file
            values = json.loads(path.read_text()) if path.exists() else {}
            path.write_text(json.dumps(values | {key: NASTY}))
            lines += [["info", os.fspath(model)], ["classify", "--model", os.fspath(model), "w1"]]
        return lines

    return write


def damaged(file: str) -> Callable[[Path], list[list[str]]]:
    def write(folder: Path) -> list[list[str]]:
        model = model_in(folder / "model")
        (model / file).write_bytes(NASTY.encode())
        return about(model)

    return write


def texts(folder: Path) -> list[list[str]]:
    model = os.fspath(model_in(folder / "model"))
    (folder / NASTY).write_bytes(b"w1\n\xff\n")
    (folder / f"{NASTY}.csv").write_text(f'"{NASTY}",b\nw1,w2\n')
    (folder / "a.jsonl").write_text(json.dumps({NASTY: "w1", "b": "w2"}) + "\n")
    named = ["classify", "--model", model, "--format", "table"]
    return [
        [*named, NASTY],
        [*named, "--file", os.fspath(folder / NASTY)],
        [*named, "--file", os.fspath(folder / f"{NASTY}.csv")],
        [*named, "--file", os.fspath(folder / f"{NASTY}.csv"), "--column", NASTY],
        [*named, "--file", os.fspath(folder / f"{NASTY}.gone")],
        [*named, "--file", os.fspath(folder / "a.jsonl")],
        [*named, "--file", os.fspath(folder / "a.jsonl"), "--column", NASTY],
        ["evaluate", os.fspath(folder / f"{NASTY}.csv"), "--model", model, "--label-column", NASTY],
    ]


CONFIG_KEYS = (
    "activation",
    "problem_type",
    "model_type",
    "architectures",
    "id2label",
    "dim",
    "n_layers",
    "torch_dtype",
)


def command_line(folder: Path) -> list[list[str]]:
    return [
        [NASTY],
        [f"--{NASTY}"],
        ["info", "model", NASTY],
        ["info", "--format", NASTY],
        ["classify", f"--{NASTY}"],
        ["classify", "--threads", NASTY],
        ["classify", "\udcff" + NASTY],
        ["evaluate", NASTY],
        ["evaluate", "a.csv", "--label-map", NASTY],
        ["bundle", "new", "--target", NASTY],
        ["bundle", "new", "--python", NASTY],
        ["bundle", "new", "--model", NASTY],
        ["download", NASTY],
    ]


PLACES = [
    Place("command line", command_line),
    Place("labels", labels),
    Place("names of tensors", tensors),
    Place("names of tensors in a pickle", pickled_tensors),
    Place("names of shards", shards),
    Place("keys of an index", shard_keys),
    Place("name of a folder", folder_name),
    Place("name of a folder that is not there", missing_folder),
    Place("name of a new folder", destination),
    Place("name of a stray file", stray_file),
    Place("config.json", values_of("config.json", *CONFIG_KEYS)),
    Place(
        "tokenizer_config.json",
        values_of("tokenizer_config.json", "tokenizer_class", "do_lower_case", "cls_token", "sep_token"),
    ),
    Place("tokenizer.json", values_of("tokenizer.json", "model", "normalizer", "added_tokens", "version")),
    Place("added_tokens.json", values_of("added_tokens.json", NASTY)),
    Place("content of config.json", damaged("config.json")),
    Place("content of vocab.txt", damaged("vocab.txt")),
    Place("content of tokenizer.json", damaged("tokenizer.json")),
    Place("content of model.safetensors", damaged("model.safetensors")),
    Place("files of texts", texts),
]


@pytest.mark.parametrize("error", [DistilnpError, DownloadError, TensorError, InputFileError, BuildError])
def test_a_strangers_text_in_any_error_does_nothing_to_a_terminal(
    error: type[DistilnpError], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An error of another module may have text that nobody has escaped."""

    def fail(*_: object) -> None:
        raise error(f"{NASTY} is bad:\n  - {NASTY}\n{NASTY}")

    monkeypatch.setattr("distilnp.cli.info.info", fail)

    assert main(["info"]) == 1
    message = capsys.readouterr().err
    assert HARMLESS.fullmatch(message)
    assert [line for line in message.splitlines() if not line.startswith(" ")] == message.splitlines()[:1]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_a_strangers_text_does_nothing_to_a_terminal(
    place: Place, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    for command in place.write(tmp_path):
        try:
            main(command)
        except SystemExit as ended:  # argparse quotes what it refuses
            assert ended.code == 2
        for stream in map(bytes.decode, capsysbinary.readouterr()):
            assert HARMLESS.fullmatch(stream), (command, stream)
            assert "\ndistilnp: all is well" not in stream, (command, stream)
