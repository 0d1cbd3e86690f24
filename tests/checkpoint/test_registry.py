"""From a name to a folder or a repository: anything else is described, and no server is asked about it."""

import json
import os
import re
import tarfile
import zipfile
from pathlib import Path, PurePath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.seeded_models import CONFIGS, seeded_tensors, write_checkpoint

from distilnp.checkpoint.hub import HubRevision
from distilnp.checkpoint.registry import bundled_models, find_checkpoint, locate
from distilnp.errors import CheckpointError, DownloadError, InputTypeError, ModelNotFoundError

POINTER = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 267832558\n"
)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder in which the test runs; it is empty."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def checkpoint(folder: Path) -> Path:
    return write_checkpoint(folder, CONFIGS["one-layer"], seeded_tensors(CONFIGS["one-layer"]))


def not_found(model: str | os.PathLike[str]) -> str:
    """Return the message about a name that nothing has, without the sentence that all of them have."""
    with pytest.raises(ModelNotFoundError) as error:
        locate(model)
    message = str(error.value)
    beginning, expected, _ = message.partition(" Expected a known name (")
    assert expected
    beginning = beginning.removesuffix(".")
    assert message.startswith("no model ") and "\n" not in message and len(message) < 1500
    return beginning


def refused(folder: Path) -> str:
    with pytest.raises(CheckpointError) as error:
        find_checkpoint(folder)
    assert str(error.value).startswith(os.fspath(folder)) and "\n" not in str(error.value)
    return str(error.value)


# Names


@pytest.mark.parametrize(
    ("name", "repository", "revision"),
    [
        ("org/name", "org/name", "main"),
        ("name", "name", "main"),
        ("Org-1/na.me_2", "Org-1/na.me_2", "main"),
        ("org/name@v1.0", "org/name", "v1.0"),
        ("org/name@refs/pr/5", "org/name", "refs/pr/5"),
        ("org/name@a/b/c+d", "org/name", "a/b/c+d"),
        ("org/name@" + "0" * 40, "org/name", "0" * 40),
        ("distilbert-base-uncased-finetuned-sst-2-english",) * 2 + ("main",),
        ("o" * 96 + "/" + "n" * 96, "o" * 96 + "/" + "n" * 96, "main"),
    ],
)
def test_a_repository_is_called_by_its_name(name: str, repository: str, revision: str) -> None:
    assert locate(name) == HubRevision(repository, revision)


ELSEWHERE = [
    "/dev/zero",
    "..",
    ".",
    "../x",
    "x/..",
    "x/../../y",
    "a//b",
    "a/",
    "/",
    "//",
    ".git",
    "x/.y",
    "~",
]
NO_REVISIONS = [
    *ELSEWHERE,
    "a b",
    "a\nb",
    "a\0b",
    "a\\..\\b",
    "-\ud800",
    "x" * 201,
    "x/" * 200 + "x",
    "é",
    "a@b",
]


@pytest.mark.parametrize("revision", NO_REVISIONS, ids=ascii)
@pytest.mark.parametrize("repository", ["name", "org/name"])
def test_a_revision_cannot_name_another_file(repository: str, revision: str) -> None:
    message = not_found(f"{repository}@{revision}")

    assert message.endswith(" cannot be a revision")


@pytest.mark.parametrize(
    "name",
    [
        *[
            "./x",
            "../x",
            "/x",
            "/x/y",
            "~/x",
            "~nobody-of-this-name/x",
            "./org/name",
            "../org/name@main",
            ".x",
        ],
        *["a/b/c", "org/", "/name", "a//b", "a\\b", "C:\\models\\x", "x y", "x\0y", "\ud800", " ", "é", "-x"],
        *["n" * 97, "n" * 300, "n" * 5000, "o/" * 3000, "/" + "n" * 5000, "./" + "n" * 300, "~" * 5000],
        *["x.zip", "x.tar.gz", "org/model.safetensors", "org/pytorch_model.bin", "m.onnx", "x/config.json"],
    ],
    ids=lambda name: ascii(name)[:40],
)
def test_a_path_is_not_asked_for_on_the_hub(name: str) -> None:
    assert ": there is no '" in not_found(name)


def test_an_empty_name_is_not_found() -> None:
    assert not_found("") == "no model '': the name is empty"


@given(
    st.one_of(st.text(), st.text(alphabet="a./~@\\- \0:", max_size=12), st.text(alphabet="ab/", min_size=200))
)
@example("@")
@example("a@")
@example("~\0")
def test_any_text_is_a_path_or_a_name_or_not_found(text: str) -> None:
    try:
        place = locate(text)
    except ModelNotFoundError as error:
        assert text or str(error)
        return
    if isinstance(place, HubRevision):
        assert re.fullmatch(r"([\w.-]+/)?[\w.-]+", place.repository, re.ASCII)
        assert ".." not in PurePath("refs", place.revision).parts
        assert not PurePath(place.revision).is_absolute()
    else:
        assert place.is_dir()


class PathOfBytes(os.PathLike[bytes]):
    def __fspath__(self) -> bytes:
        return b"x"


class NoPath(os.PathLike[str]):
    def __fspath__(self) -> str:
        return 5  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        (None, "NoneType"),
        (5, "int"),
        (b"x", "bytes"),
        (["x"], "list"),
        (PathOfBytes(), "a path of bytes"),
        (NoPath(), "NoPath"),
    ],
)
def test_anything_but_text_and_paths_is_refused(model: object, kind: str) -> None:
    with pytest.raises(InputTypeError, match=f"^model is {kind}, expected the name of a model or the path"):
        locate(model)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("sst2", "sst2-mini"),
        ("SST2", "sst2-mini"),
        ("sst2_mini", "sst2-mini"),
        ("SST2-mini", "sst2-mini"),
        ("sst2mini", "sst2-mini"),
        ("imdb", "imdb-mini"),
        ("distilbert_sequence_classifier_sst", "distilbert_sequence_classifier_sst2"),
        ("distilbert-sequence-classifier-sst2", "distilbert_sequence_classifier_sst2"),
        ("en.classify.distilbert_sequence.sst", "en.classify.distilbert_sequence.sst2"),
    ],
)
def test_a_name_near_a_known_one_is_not_asked_for_on_the_hub(name: str, meant: str) -> None:
    assert f"did you mean {meant}" in not_found(name)
    assert f"write {name}@main" in not_found(name)
    assert locate(f"{name}@main") == HubRevision(name)


@pytest.mark.parametrize(
    "name",
    [
        *["distilbert-base-uncased", "distilbert-base-cased", "distilbert-base-multilingual-cased", "gpt2"],
        *["distilbert_sequence_classifier_emotion", "distilbert-base-uncased-finetuned-sst-2-english"],
        *["org/sst2", "org/sst2-mini", "bert-base-uncased", "roberta-base"],
    ],
)
def test_another_name_is_asked_for_on_the_hub(name: str) -> None:
    assert locate(name) == HubRevision(name)


@pytest.mark.parametrize("model", [" sst2-mini", "sst2-mini\n", "sst2 mini", Path("sst2-mini"), Path("sst2")])
def test_a_path_near_a_known_name_is_not_found_with_a_hint(model: str | Path) -> None:
    assert not_found(model).endswith(": did you mean sst2-mini?")


@pytest.mark.parametrize("scheme", ["https", "http", "hf", "s3", "HTTPS", "file"])
def test_an_address_is_named(scheme: str) -> None:
    message = not_found(f"{scheme}://huggingface.co/org/name")

    assert message.endswith(": it is an address. For a repository of the hub, write org/name alone")


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("distilbert_sequence_classifier_emotion", "distilbert_sequence_classifier_sst2"),
        ("mien", "mine"),
        ("nothing-like-it", None),
    ],
)
def test_the_error_about_a_repository_names_what_is_near(here: Path, name: str, near: str | None) -> None:
    checkpoint(here / "mine")

    with pytest.raises(DownloadError) as error:
        find_checkpoint(name, local_files_only=True)

    message = str(error.value)
    assert message.startswith(f"no model '{name}' here: it is neither a known name (")
    assert (f"Did you mean '{near}'" in message) if near else ("Did you mean" not in message)


def test_folders_with_similar_names_are_named(here: Path) -> None:
    checkpoint(here / "mine")
    (here / "deep/inside").mkdir(parents=True)

    assert not_found("./mien") == f"no model './mien': there is no 'mien', but 'mine' in '{here}'"
    assert not_found(here / "mien").endswith(f"there is no '{here}/mien', but 'mine' in '{here}'")
    assert not_found("./deep/insied/x").endswith(f"there is no 'deep/insied', but 'inside' in '{here}/deep'")
    assert not_found("./quite/another").endswith("there is no 'quite'")


def test_a_home_folder_is_found(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", os.fspath(here))
    folder = checkpoint(here / "mine")

    assert locate("~/mine") == folder
    assert not_found("~/mien").endswith(f"there is no '{here}/mien', but 'mine' in '{here}'")


def test_a_folder_that_cannot_be_looked_at_is_not_found(here: Path) -> None:
    (here / "circle").symlink_to("circle")

    for name in ("./circle", "./circle/x", here / "circle"):
        assert "it cannot be looked at (Too many levels of symbolic links)" in not_found(name)
    assert locate("circle/x") == HubRevision("circle/x")  # might be on the hub


# Files


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("model.safetensors", b"", "it is a file of weights. Load its folder, 'with'"),
        ("pytorch_model.bin", b"PK\x03\x04", "it is a file of weights. Load its folder, 'with'"),
        ("config.json", None, "it is a file. Load its folder, 'with'"),
        ("model.onnx", b"", "it is an ONNX export. Load the folder that it was exported from"),
        ("mine.zip", b"", "it has the name of a zip archive and begins with nothing. Fetch it again"),
        ("mine.tar.gz", b"", "it is an archive"),
        ("mine.tgz", b"", "it is an archive"),
        ("download", b"\x1f\x8b....", "it is an archive"),
        ("download", b"\xfd7zXZ\x00", "it is an archive"),
        ("download", b"text", "it is a file"),
    ],
)
@pytest.mark.parametrize("begin", ["", "./", "absolute"])
def test_a_file_is_named_for_what_it_is(
    here: Path, name: str, content: bytes | None, words: str, begin: str
) -> None:
    folder = checkpoint(here / "with")
    if content is not None:
        (folder / name).write_bytes(content)

    given = f"{here}/with/{name}" if begin == "absolute" else f"{begin}with/{name}"

    assert words.replace("'with'", "") in not_found(given).replace(f"'{here}/with'", "").replace("'with'", "")


def test_a_file_of_weights_alone_needs_its_folder(here: Path) -> None:
    (here / "model.pt").touch()

    message = not_found("./model.pt")
    assert message.endswith("Load a folder that has config.json and a tokenizer beside it")
    assert not_found("model.pt").endswith("For a repository of this name, write model.pt@main")


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_pipe_is_not_waited_for(here: Path, kind: str) -> None:
    if kind == "pipe":
        os.mkfifo(here / "mine")
    else:
        (here / "mine").symlink_to("/dev/zero")

    assert "it is a file" in not_found("./mine")


# Folders


def test_a_checkpoint_is_not_taken_for_anything_else(here: Path) -> None:
    folder = checkpoint(here / "mine")
    for name in ("checkpoint-500", "onnx"):
        checkpoint(folder / name)
    for name in ("model.onnx", "optimizer.pt", "training_args.bin", "openvino_model.xml", "all.zip"):
        (folder / name).touch()

    assert find_checkpoint(folder) == folder
    assert [find_checkpoint(name) for name in bundled_models()] == list(bundled_models().values())


@pytest.mark.parametrize(
    "name",
    [
        *["config.json", "vocab.txt", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"],
        *["model.safetensors", "pytorch_model.bin", "model-00001-of-00002.safetensors"],
        "model.safetensors.index.json",
    ],
)
@pytest.mark.parametrize("is_whole_otherwise", [True, False])
def test_a_pointer_of_git_lfs_is_named(here: Path, name: str, is_whole_otherwise: bool) -> None:
    folder = here / "mine"
    if is_whole_otherwise:
        checkpoint(folder)
    else:
        folder.mkdir()
    (folder / name).write_bytes(POINTER)

    assert f"'{name}' is a Git LFS pointer" in refused(folder)
    assert "git lfs pull" in refused(folder)


@pytest.mark.parametrize(
    ("config", "base"),
    [
        ('{"base_model_name_or_path": "distilbert-base-uncased"}', "'distilbert-base-uncased'"),
        ('{"base_model_name_or_path": "\\u001b[31m"}', r"'\x1b[31m'"),
        ("{}", "a model that it does not name"),
        ("", "a model that it does not name"),
        ("[" * 100_000, "a model that it does not name"),
    ],
    ids=lambda text: text[:30],
)
def test_an_adapter_is_named(here: Path, config: str, base: str) -> None:
    folder = here / "lora"
    folder.mkdir()
    (folder / "adapter_config.json").write_text(config)
    for name in ("adapter_model.safetensors", "vocab.txt", "tokenizer_config.json"):
        (folder / name).touch()

    assert f"is an adapter (LoRA) for {base}, expected a folder with config.json" in refused(folder)
    assert "merge_and_unload()" in refused(folder)


def test_the_checkpoints_of_a_trainer_are_listed_the_last_one_first(here: Path) -> None:
    folder = here / "trainer"
    for step in (500, 1000, 90):
        checkpoint(folder / f"checkpoint-{step}")
    (folder / "runs").mkdir()

    assert "a folder of checkpoints ('checkpoint-1000', 'checkpoint-500', 'checkpoint-90')" in refused(folder)
    assert refused(folder).endswith(f", expected one of them. Load {folder}/checkpoint-1000, for example")


@pytest.mark.parametrize("inside", ["mine", "snapshots/" + "0" * 40])
def test_a_checkpoint_one_folder_below_is_named(here: Path, inside: str) -> None:
    checkpoint(here / "outer" / inside)

    assert refused(here / "outer").endswith(f"Load {here}/outer/{inside}, for example")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["config.json", "model.onnx"], "is an ONNX export ('model.onnx')"),
        (["config.json", "onnx/model_quantized.onnx"], "is an ONNX export ('onnx/model_quantized.onnx')"),
        (["vocab.txt", "a.onnx", "b.onnx"], "is an ONNX export ('a.onnx', 'b.onnx')"),
        (
            ["config.json", "openvino_model.xml", "openvino_model.bin"],
            "is an OpenVINO export ('openvino_model",
        ),
        (["config.json", "model.pt"], "has 'model.pt', which torch.save writes"),
        (["best.pth"], "has 'best.pth', which torch.save writes"),
        (["last.ckpt", "optimizer.pt"], "has 'last.ckpt', which torch.save writes"),
        (["model.zip"], "has an archive ('model.zip')"),
        (["model.tar.gz"], "has an archive ('model.tar.gz')"),
    ],
)
def test_an_export_is_named(here: Path, names: list[str], words: str) -> None:
    folder = here / "mine"
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()

    assert words in refused(folder)
    assert "expected a folder with config.json, a tokenizer and weights. " in refused(folder)


def test_an_archive_can_be_loaded_when_it_is_unpacked(here: Path) -> None:
    folder = checkpoint(here / "mine")
    with tarfile.open(here / "mine.tar.gz", "w:gz") as archive:
        archive.add(folder, "mine")
    with zipfile.ZipFile(here / "mine.zip", "w") as zipped:
        zipped.writestr("mine/config.json", json.dumps({}))

    assert not_found("./mine.tar.gz").endswith("it is an archive. Unpack it, and load the folder")
    with pytest.raises(CheckpointError, match=r"a zip archive of it\..* unpack it, and load the folder"):
        find_checkpoint("./mine.zip")


def test_a_checkpoint_among_many_files_is_one(here: Path) -> None:
    folder = here / "many"
    folder.mkdir()
    for i in range(1500):
        (folder / f"{i:04}.zip").touch()
    checkpoint(here / "mine")
    for path in (here / "mine").iterdir():
        path.rename(folder / path.name)

    assert find_checkpoint(folder) == folder


def test_a_folder_of_many_files_is_named_in_few_words(here: Path) -> None:
    folder = here / "many"
    folder.mkdir()
    for i in range(2000):
        (folder / f"{i:04}{'x' * 200}.onnx").touch()

    assert len(refused(folder)) < 4000
    assert "and " in refused(folder) and " more)" in refused(folder)
