"""Model packages of Spark NLP: numbers, labels and settings are its own, and damage is one clear error."""

import hashlib
import json
import os
import re
import shutil
import sys
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from support.children import MEMORY_OF_THIS_PROCESS, environment, run_python, start_python
from support.seeded_models import seeded_tensors
from support.tensorflow_files import (
    GOLDENS,
    MODEL,
    PACKAGE,
    change_model,
    pairs_file,
    table,
    unpack_package,
    write_package,
    write_zip,
    zipped,
)

import distilnp
from distilnp import CheckpointError, ModelNotFoundError, TensorError
from distilnp.checkpoint import converted as cache
from distilnp.checkpoint.config_json import read_config
from distilnp.checkpoint.registry import find_checkpoint, short_name
from distilnp.checkpoint.spark_nlp import CLASS, PIPELINE, package_params
from distilnp.checkpoint.tensorflow.table import read_table
from distilnp.checkpoint.tensors import CHUNK_BYTES, load_tensors
from distilnp.cli import main
from distilnp.model.config import DistilBertConfig
from distilnp.tokenizer import Tokenizer

EXPECTED = json.loads((GOLDENS / "spark_nlp" / "manifest.json").read_text(encoding="utf-8"))
ANSWERS = [json.loads(line) for line in (GOLDENS / "spark_nlp" / "answers.jsonl").read_text().splitlines()]
METADATA = "metadata/part-00000"


@pytest.fixture(autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", os.fspath(folder))
    monkeypatch.setattr(cache, "_temporary", {})
    return folder


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Return the folder of the golden package, with a smaller graph."""
    return unpack_package(tmp_path / "package")


def digests(folder: Path) -> dict[str, str]:
    tensors = load_tensors(folder, read_config(folder), np.float32)
    return {name: hashlib.sha256(tensor.tobytes()).hexdigest() for name, tensor in tensors.items()}


def change_metadata(folder: Path, change: Callable[[dict[str, dict[str, object]]], object]) -> None:
    values = json.loads((folder / METADATA).read_text())
    change(values)
    (folder / METADATA).write_text(json.dumps(values))


def error_of(model: Path) -> str:
    with pytest.raises(CheckpointError) as raised:
        find_checkpoint(model)
    return str(raised.value)


# ---------------------------------------------------------------------------------------------- what it holds


@pytest.mark.parametrize("form", ["archive", "archive of a folder", "folder"])
def test_the_parameters_of_a_package_are_those_of_the_model_to_the_last_bit(
    tmp_path: Path, form: str
) -> None:
    """The archive is as Spark NLP wrote it, with the whole graph."""
    path = PACKAGE
    if form != "archive":
        path = unpack_package(tmp_path / "package", whole_graph=True)
    if form == "archive of a folder":
        path = zipped(path, tmp_path / "a.zip", within="name_en_3.3.3/")

    folder = find_checkpoint(path)

    assert digests(folder) == EXPECTED["tensors"]


def test_sizes_heads_activation_labels_and_vocabulary_are_those_of_the_model() -> None:
    folder = find_checkpoint(PACKAGE)

    found = json.loads((folder / "config.json").read_text())
    assert found == {name: EXPECTED["config"][name] for name in found}
    assert {"n_heads", "activation", "id2label", "hidden_dim", "max_position_embeddings"} <= found.keys()
    assert (folder / "vocab.txt").read_text(encoding="utf-8").splitlines() == EXPECTED["vocab"]
    assert Tokenizer.from_folder(folder).settings.lowercase is True


def test_the_scores_are_those_of_spark_nlp() -> None:
    classifier = distilnp.load(PACKAGE)

    for text, (annotation,) in ANSWERS:
        metadata = dict(annotation["metadata"])
        del metadata["sentence"]
        prediction = classifier(text)
        assert prediction.label == annotation["result"]
        for label, score in metadata.items():
            # Both compute in float32, with sums in another order.
            assert abs(prediction.scores[label] - float(score)) < 1e-6


def test_a_pipeline_with_one_classifier_stands_for_it(tmp_path: Path, package: Path) -> None:
    pipeline = tmp_path / "pipeline"
    write_pipeline(pipeline, {"1_DistilBert_x": package})

    for path in (pipeline, zipped(pipeline, tmp_path / "pipeline.zip")):
        assert digests(find_checkpoint(path)) == EXPECTED["tensors"]
        assert package_params(path)["maxSentenceLength"] == 128


def write_pipeline(folder: Path, stages: dict[str, Path]) -> None:
    write_metadata(folder, PIPELINE)
    write_metadata(folder / "stages" / "0_DocumentAssembler_x", "com.johnsnowlabs.nlp.DocumentAssembler")
    for name, stage in stages.items():
        shutil.copytree(stage, folder / "stages" / name)


def write_metadata(folder: Path, class_name: str) -> None:
    (folder / "metadata").mkdir(parents=True)
    (folder / METADATA).write_text(json.dumps({"class": class_name, "paramMap": {}}))


def test_parameters_are_the_values_that_were_set_and_the_defaults_of_the_others() -> None:
    params = package_params(PACKAGE)

    assert params["caseSensitive"] is False  # the default is true
    assert (params["maxSentenceLength"], params["batchSize"], params["threshold"]) == (128, 8, 0.5)
    assert (params["activation"], params["multilabel"], params["coalesceSentences"]) == (
        "softmax",
        False,
        False,
    )


@pytest.mark.parametrize(
    ("changed", "problem_type"),
    [
        ({"activation": "sigmoid"}, "multi_label_classification"),
        ({"multilabel": True}, "multi_label_classification"),
        ({"activation": "softmax", "multilabel": False}, None),
    ],
)
def test_a_package_with_a_sigmoid_is_multi_label(
    package: Path, changed: dict[str, object], problem_type: str | None
) -> None:
    change_metadata(package, lambda values: values["paramMap"].update(changed))

    assert read_config(find_checkpoint(package)).problem_type == problem_type


@pytest.mark.parametrize("stated", [True, False])
@pytest.mark.parametrize(
    ("token", "lowercase"), [("Film", False), ("film", True), ("[Film]", True), ("ℝ", True)]
)
def test_a_vocabulary_without_capitals_is_uncased_whatever_the_package_states(
    package: Path, stated: bool, token: str, lowercase: bool
) -> None:
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "##b", token]
    replace_field(package, "vocabulary", {word: i for i, word in enumerate(vocabulary)})
    change_metadata(package, lambda values: values["paramMap"].update(caseSensitive=stated))

    folder = find_checkpoint(package)

    assert Tokenizer.from_folder(folder).settings.lowercase is lowercase


def replace_field(folder: Path, name: str, pairs: dict[str, int]) -> None:
    shutil.rmtree(folder / "fields" / name)
    (folder / "fields" / name).mkdir()
    (folder / "fields" / name / "part-00000").write_bytes(pairs_file(pairs))


@pytest.mark.parametrize(
    ("name", "cased"), [("uncased", False), ("cased", True), ("multilingual-cased", True)]
)
def test_the_published_vocabularies_are_recognised(data: Path, name: str, cased: bool) -> None:
    from distilnp.checkpoint.from_tensorflow import is_uncased

    path = data / "vocab" / f"distilbert-base-{name}.vocab.txt"
    if not path.exists():
        pytest.skip(f"{path} is missing")
    tokens = path.read_text(encoding="utf-8").splitlines()

    assert is_uncased({token: i for i, token in enumerate(tokens)}) is not cased


# ------------------------------------------------------------------------------------------------ the command


def test_info_and_convert_take_a_package(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", os.fspath(PACKAGE), "--format", "json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["name"], facts["labels"]) == ("package", ["negative", "neutral", "positive"])

    assert main(["convert", os.fspath(PACKAGE), os.fspath(tmp_path / "new"), "--dtype", "float32"]) == 0

    assert digests(tmp_path / "new") == EXPECTED["tensors"]
    assert main(["verify", os.fspath(PACKAGE)]) == 0
    assert "package.zip" in capsys.readouterr().out
    assert short_name(PACKAGE) == "package"


# -------------------------------------------------------------------------------------------------- the cache


def test_a_package_is_unpacked_once(package: Path, tmp_path: Path) -> None:
    for path in (package, zipped(package, tmp_path / "a.zip")):
        folder = find_checkpoint(path)
        written = {file: file.stat().st_mtime_ns for file in folder.iterdir()}

        again = find_checkpoint(path)

        assert again == folder
        assert {file: file.stat().st_mtime_ns for file in again.iterdir()} == written


def test_the_cache_has_only_a_whole_checkpoint(package: Path, cache_folder: Path) -> None:
    folder = find_checkpoint(package)

    assert folder.parent == cache_folder / "distilnp" / "packages"
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["config.json", "model.safetensors", "tokenizer_config.json", "vocab.txt"]


def test_a_package_that_cannot_be_loaded_leaves_nothing(package: Path, cache_folder: Path) -> None:
    change_model(package, {"variables.data-00000-of-00001": lambda content: content[:-1] + b"x"})

    assert "checksum" in error_of(package)

    assert list((cache_folder / "distilnp" / "packages").iterdir()) == []


MEMORY_TO_CONVERT = (
    MEMORY_OF_THIS_PROCESS
    + """
import sys
from pathlib import Path
from distilnp.checkpoint import spark_nlp
before = memory("VmRSS")
spark_nlp.checkpoint_of(Path(sys.argv[1]))
print(memory("VmHWM") - before)
"""
)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports the peak memory of a process")
def test_a_package_is_converted_in_the_memory_of_two_models(tmp_path: Path, cache_folder: Path) -> None:
    config = DistilBertConfig(n_layers=1, vocab_size=120_000, dim=128, n_heads=8, hidden_dim=128)
    path = write_package(tmp_path / "package", config, seeded_tensors(config))

    run = run_python(MEMORY_TO_CONVERT, path, env=environment(XDG_CACHE_HOME=os.fspath(cache_folder)))

    assert run.stderr == ""
    size = 4 * config.vocab_size * config.dim
    assert size < int(run.stdout) < 2 * size + 4 * CHUNK_BYTES
    assert read_config(find_checkpoint(path)) == config


def test_what_a_killed_process_left_is_removed_after_a_day(package: Path, cache_folder: Path) -> None:
    packages = cache_folder / "distilnp" / "packages"
    for name, age in ((".unfinished-old", 25 * 3600), (".unfinished-new", 3600)):
        (packages / name).mkdir(parents=True)
        (packages / name / "part").touch()
        os.utime(packages / name, (time.time() - age,) * 2)

    folder = find_checkpoint(package)

    assert sorted(path.name for path in packages.iterdir()) == [".unfinished-new", folder.name]


def test_a_changed_package_is_another_one(package: Path) -> None:
    before = find_checkpoint(package)

    replace_field(package, "labels", {"bad": 0, "fair": 1, "good": 2})

    assert read_config(find_checkpoint(package)).id2label == ("bad", "fair", "good")
    assert read_config(before).id2label == ("negative", "neutral", "positive")


def test_threads_that_load_a_package_together_get_one_folder(package: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        folders = list(pool.map(find_checkpoint, [package] * 4))

    assert len(set(folders)) == 1
    assert digests(folders[0]) == EXPECTED["tensors"]
    assert [path.name for path in folders[0].parent.iterdir()] == [folders[0].name]


def test_processes_that_load_a_package_together_get_one_folder(package: Path, cache_folder: Path) -> None:
    script = (
        "import sys; from distilnp.checkpoint.registry import find_checkpoint as f; print(f(sys.argv[1]))"
    )
    env = environment(XDG_CACHE_HOME=os.fspath(cache_folder))
    processes = [start_python(script, package, env=env) for _ in range(3)]

    outputs = [process.communicate() for process in processes]

    assert {error for _, error in outputs} == {""}
    assert len({output for output, _ in outputs}) == 1


CANNOT_WRITE = """
import os, sys
from pathlib import Path
from distilnp.checkpoint.registry import find_checkpoint
folder = find_checkpoint(sys.argv[1])
assert find_checkpoint(sys.argv[1]) == folder
child = os.fork()
if not child:
    sys.exit()
os.waitpid(child, 0)
assert (folder / "model.safetensors").is_file()
print(folder)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks")
def test_without_a_cache_the_folder_is_there_as_long_as_the_process(package: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "temporary").mkdir()
    places = {"XDG_CACHE_HOME": tmp_path / "file", "TMPDIR": tmp_path / "temporary"}
    env = environment(**{name: os.fspath(path) for name, path in places.items()})

    run = run_python(CANNOT_WRITE, package, env=env)

    assert run.stderr == ""
    assert Path(run.stdout.strip()).parent == tmp_path / "temporary"
    assert list((tmp_path / "temporary").iterdir()) == []


def test_without_room_anywhere_the_error_says_where_it_is_needed(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object, **options: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.mkdtemp", full)

    assert "cannot be unpacked (No space left on device), expected room" in error_of(package)


def test_a_relative_cache_folder_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "somewhere")

    assert cache.packages_folder() == Path("~/.cache/distilnp/packages").expanduser()


def test_a_user_without_a_home_has_no_cache(
    package: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def homeless(path: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "expanduser", homeless)
    monkeypatch.setattr("tempfile.tempdir", os.fspath(tmp_path))

    assert find_checkpoint(package).parent == tmp_path


# --------------------------------------------------------------------------------------------- other packages


@pytest.mark.parametrize(
    "name", ["BertForSequenceClassification", "DistilBertForTokenClassification", "x\n\x1b[31m"]
)
def test_a_package_of_another_annotator_is_named(package: Path, name: str) -> None:
    change_metadata(package, lambda values: values.update({"class": f"com.johnsnowlabs.nlp.{name}"}))

    message = error_of(package)

    assert f"is a package of Spark NLP's {name!r}, expected DistilBertForSequenceClassification" in message
    assert message.isprintable()


@pytest.mark.parametrize(("part", "engine"), [("onnx", "ONNX"), ("openvino", "OpenVINO")])
def test_a_package_with_another_engine_says_what_to_do_instead(package: Path, part: str, engine: str) -> None:
    (package / MODEL).rename(package / f"distilbert_classification_{part}")

    message = error_of(package)

    assert f"has its model in {engine} ('distilbert_classification_{part}')" in message
    assert f"distilnp reads no {engine}. Load the model of Hugging Face" in message


def test_a_package_that_only_states_another_engine_says_so(package: Path) -> None:
    (package / MODEL).unlink()
    change_metadata(package, lambda values: values["paramMap"].update(engine="onnx"))

    assert "has no model and states ONNX" in error_of(package)


def test_a_pipeline_without_a_classifier_lists_its_stages(tmp_path: Path) -> None:
    write_pipeline(tmp_path / "pipeline", {})

    message = error_of(tmp_path / "pipeline")

    assert (
        "is a pipeline of ['DocumentAssembler'], expected one DistilBertForSequenceClassification" in message
    )


def test_a_pipeline_with_two_classifiers_asks_for_one_of_them(tmp_path: Path, package: Path) -> None:
    write_pipeline(tmp_path / "pipeline", {"1_a": package, "2_b": package})

    message = error_of(tmp_path / "pipeline")

    stages = tmp_path / "pipeline" / "stages"
    assert f"Load one of them: {stages / '1_a'}, {stages / '2_b'}" in message


def test_an_archive_of_something_else_is_refused(tmp_path: Path) -> None:
    write_zip(tmp_path / "mine.zip", {"mine/config.json": b"{}", "mine/vocab.txt": b""})

    message = error_of(tmp_path / "mine.zip")

    assert "has no metadata/part-00000, expected a model package of Spark NLP" in message
    assert "unpack it, and load the folder" in message


@pytest.mark.parametrize("name", ["model.zip", "model.zip.crdownload", "model.zip.part", "Unconfirmed 1"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_half_a_download_is_named(tmp_path: Path, name: str, share: float) -> None:
    whole = PACKAGE.read_bytes()
    (tmp_path / name).write_bytes(whole[: int(share * len(whole))])

    message = error_of(tmp_path / name)

    assert "is not a whole zip archive" in message
    assert "was not fetched to its end: fetch it again" in message


def test_a_page_under_the_name_of_an_archive_is_shown(tmp_path: Path) -> None:
    (tmp_path / "model.zip").write_bytes(b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>")

    with pytest.raises(ModelNotFoundError, match=r"begins with b\"<\?xml version='1\.0'.*Fetch it again"):
        find_checkpoint(tmp_path / "model.zip")


def test_a_folder_of_packages_lists_them(tmp_path: Path, package: Path) -> None:
    """Spark NLP keeps the models that it has fetched in one folder, `cache_pretrained`."""
    message = error_of(package.parent)

    assert f"is a folder of packages ('package'), expected one of them. Load {package}" in message


def test_parameters_of_no_package_are_one_error(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"there is no .*gone'.*, expected a model package"):
        package_params(tmp_path / "gone")
    with pytest.raises(CheckpointError, match="has no metadata/part-00000"):
        package_params(tmp_path)


# -------------------------------------------------------------------------------------------- what is damaged


def take(*names: str) -> Callable[[Path], None]:
    """Return a function that takes something out of a package."""

    def change(folder: Path) -> None:
        for name in names:
            path = folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    return change


def put(name: str, content: bytes) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(content) and None


def labels(pairs: dict[str, int]) -> Callable[[Path], None]:
    return lambda folder: replace_field(folder, "labels", pairs)


def vocabulary(pairs: dict[str, int]) -> Callable[[Path], None]:
    return lambda folder: replace_field(folder, "vocabulary", pairs)


def model(name: str, change: Callable[[bytes], bytes | None]) -> Callable[[Path], None]:
    return lambda folder: change_model(folder, {name: change})


DATA = "variables.data-00000-of-00001"

SPECIAL = {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2}

DAMAGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "no model": (take(MODEL), rf"has no {MODEL}, expected the model there"),
    "no labels": (take("fields/labels"), "has no labels in fields/labels"),
    "no vocabulary": (
        take("fields/vocabulary/part-00000", "fields/vocabulary/part-00001"),
        "has no vocabulary",
    ),
    "half a vocabulary": (
        take("fields/vocabulary/part-00000"),
        r"the vocabulary has no \[..?.?\], expected BERT's tokens \[UNK\], \[CLS\], \[SEP\]",
    ),
    "metadata that is no JSON": (put(METADATA, b"{"), "is not what Spark writes"),
    "metadata too deep": (put(METADATA, b"[" * 100_000), "is not what Spark writes"),
    "metadata too large": (put(METADATA, b" " * (2 << 20)), "has more than 1048576 bytes"),
    "metadata without a class": (put(METADATA, b"{}"), "is not what Spark writes"),
    "parameters that are a list": (
        put(METADATA, json.dumps({"class": CLASS, "paramMap": []}).encode()),
        "for paramMap, expected an object",
    ),
    "a label too few": (labels({"bad": 0, "good": 1}), "has a head of 3 labels, and 2 are given"),
    "a label too many": (labels({"a": 0, "b": 1, "c": 2, "d": 3}), "has a head of 3 labels, and 4 are given"),
    "labels with a gap": (labels({"bad": 0, "fair": 1, "good": 3}), r"the ids \[0, 1, 3\], expected 0 to 2"),
    "two labels with one id": (labels({"bad": 0, "fair": 1, "good": 1}), r"the ids \[0, 1, 1\]"),
    "a negative id": (vocabulary({**SPECIAL, "a": -1}), "has the id -1 for 'a'"),
    "an id without an embedding": (vocabulary({**SPECIAL, "a": 2**31 - 1}), "ids from 0 to 1123"),
    "two tokens with one id": (vocabulary({**SPECIAL, "a": 0}), "for the id 0, expected one token"),
    "a token of two lines": (vocabulary({**SPECIAL, "a\nb": 3}), "expected one token of one line"),
    "a vocabulary that is no sequence file": (
        put("fields/vocabulary/part-00000", b"[UNK]\n"),
        "does not begin",
    ),
    "a model that is no archive": (put(MODEL, b"PK\3\4"), "is not a whole archive"),
    "a model without a graph": (model("saved_model.pb", lambda content: None), "has no saved_model.pb"),
    "a model without an index": (model("variables.index", lambda content: None), "has no variables.index"),
    "a model without data": (model(DATA, lambda content: None), f"{DATA} cannot be read"),
    "a cut graph": (model("saved_model.pb", lambda content: content[:-9]), "not the graph of a TensorFlow"),
    "an empty graph": (model("saved_model.pb", lambda content: b""), "has .* for the number of heads"),
    "a cut index": (model("variables.index", lambda content: content[:-1]), "does not end as a table does"),
    "a changed index": (
        model("variables.index", lambda content: content.replace(b"variables/0", b"variables/9")),
        "the checksum of a block is wrong",
    ),
    "cut data": (model(DATA, lambda content: content[:-1]), "ends before the end of"),
    "changed data": (model(DATA, lambda content: bytes([content[0] ^ 1]) + content[1:]), "the checksum of"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_package_is_one_error_that_names_it(package: Path, name: str) -> None:
    damage, reason = DAMAGES[name]
    damage(package)

    with pytest.raises(CheckpointError, match=reason) as raised:
        distilnp.load(package)

    assert str(package) in str(raised.value)
    assert "unfinished" not in str(raised.value)


def test_an_archive_with_one_name_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    shutil.copy(PACKAGE, path)
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning):
        archive.writestr(METADATA, b"{}")

    assert "the same name twice" in error_of(path)


def test_names_that_climb_out_of_an_archive_write_nothing(tmp_path: Path, package: Path) -> None:
    inner = {name: zipfile.ZipFile(package / MODEL).read(name) for name in ("variables.index", DATA)}
    graph = zipfile.ZipFile(package / MODEL).read("saved_model.pb")
    climbing = {"../../../saved_model.pb": graph, "/variables.index": inner["variables.index"]}
    write_zip(package / MODEL, climbing | {f"../..//{DATA}": inner[DATA], "../evil": b"x"})
    before = sorted(tmp_path.rglob("*"))

    folder = find_checkpoint(package)

    assert digests(folder) == EXPECTED["tensors"]
    assert sorted(tmp_path.rglob("*")) == before
    assert len(list(folder.iterdir())) == 4


@pytest.mark.parametrize("bomb", ["in the package", "in the model", "in the vocabulary"])
def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, package: Path, bomb: str) -> None:
    zeros = bytes(80 << 20)
    path = tmp_path / "bomb.zip"
    if bomb == "in the package":
        (package / MODEL).write_bytes(zeros)
    elif bomb == "in the model":
        with zipfile.ZipFile(package / MODEL, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("variables.data-00001-of-00002", zeros)
    else:
        (package / "fields" / "vocabulary" / "part-00000").write_bytes(zeros)
    files = {file.relative_to(package).as_posix(): file for file in package.rglob("*") if file.is_file()}
    write_zip(path, {name: file.read_bytes() for name, file in files.items()}, zipfile.ZIP_DEFLATED)
    (package / MODEL).unlink()

    with pytest.raises(CheckpointError, match=r"more than 20 times its archive|Do not trust it"):
        find_checkpoint(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compressions_are_refused(tmp_path: Path, package: Path, method: int) -> None:
    write_zip(tmp_path / "a.zip", {METADATA: (package / METADATA).read_bytes()}, method)

    assert "compressed in another way than by deflate" in error_of(tmp_path / "a.zip")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_pipe_in_a_package_is_refused_at_once(package: Path) -> None:
    (package / METADATA).unlink()
    os.mkfifo(package / METADATA)

    assert "it is not a file" in error_of(package)


def test_a_model_without_a_head_is_named(package: Path) -> None:
    def without_head(index: bytes) -> bytes:
        """Take the last four variables out of the table: pre_classifier and classifier."""
        return table({k: v for k, v in read_table(index).items() if not re.match(rb"variables/3[6-9]/", k)})

    change_model(package, {"variables.index": without_head})

    with pytest.raises(TensorError, match="holds DistilBertModel, a base model without a head"):
        find_checkpoint(package)
