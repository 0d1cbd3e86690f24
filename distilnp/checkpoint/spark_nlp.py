"""A model package of Spark NLP: what it says about itself, and the checkpoint that is made of it.

Spark NLP's model cards link to packages. A package is a folder that Spark wrote, or a zip archive of one.
`metadata/` has the annotator's class and its parameters as JSON, `fields/` its vocabulary and labels as
sequence files (`java_strings`), and `distilbert_classification_tensorflow` is an archive of the graph and the
variables of the model. Nothing in it is executed. A saved pipeline is a folder with a package for each stage
below `stages/`.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import CheckpointError
from ..foreign import shown
from .archives import BadArchive, opened
from .converted import converted
from .from_tensorflow import write_checkpoint
from .java_strings import NotPairs, read_pairs
from .lookalikes import METADATA, describe_missing
from .package_files import FETCH_AGAIN, ArchiveFiles, FolderFiles, PackageFiles

CLASS = "com.johnsnowlabs.nlp.annotators.classifier.dl.DistilBertForSequenceClassification"
PIPELINE = "org.apache.spark.ml.PipelineModel"

MODEL = "distilbert_classification_tensorflow"
GRAPH = "saved_model.pb"
VARIABLES = "variables.index"
DATA = re.compile(r"variables\.data-[0-9]{5}-of-[0-9]{5}")

# What else Spark NLP can put into a package, by a part of the name of the file, and how messages call it.
OTHER_ENGINES = {"onnx": "ONNX", "openvino": "OpenVINO"}

# A package's metadata has 1 kB. The labels and vocabulary of the multilingual model have 4 MB.
MAX_METADATA_BYTES = 1 << 20
MAX_FIELD_BYTES = 16 << 20

# Spark NLP's own pipelines have up to twenty.
MAX_STAGES = 100

# The next version of the conversion must not find the folders of this one.
VERSION = "package 1"


class Package(NamedTuple):
    """One annotator of a package: its files, and its parameters with Spark NLP's names."""

    files: PackageFiles
    params: dict[str, object]


def package_params(path: str | os.PathLike[str]) -> dict[str, object]:
    """Return the parameters of the annotator in a package, as Spark NLP would set them.

    Parameters
    ----------
    path : str or path
        The archive or the folder, or that of a pipeline with one DistilBertForSequenceClassification.

    Returns
    -------
    dict
        The values that were set (`paramMap`), and the defaults of those that were not (`defaultParamMap`),
        with Spark NLP's names: `maxSentenceLength`, `caseSensitive`, `coalesceSentences`, `activation`, ...
        Values are those of JSON, and are not checked.

    Raises
    ------
    CheckpointError
        It is not such a package, or is damaged.
    """
    with _opened(Path(path)) as package:
        return package.params


def checkpoint_of(path: Path) -> Path:
    """Return the folder of the checkpoint that a package has been made into; make it if necessary.

    Parameters
    ----------
    path : Path
        See `package_params`.

    Returns
    -------
    Path
        See `converted`.

    Raises
    ------
    CheckpointError, ConfigError, TensorError
        It is not such a package, is damaged, has no TensorFlow model in it, or no folder can be written.
    """
    with _opened(path) as package:
        _expect_tensorflow(package)
        return converted(path, _key(package), lambda folder: _write(package, folder))


@contextmanager
def _opened(path: Path) -> Iterator[Package]:
    """Yield the annotator in a folder or an archive."""
    if path.is_dir():
        yield _annotator(FolderFiles(path))
        return
    if not os.path.lexists(path):
        raise CheckpointError(f"{describe_missing(path)}, expected a model package of Spark NLP")
    try:
        with opened(path) as (archive, records):
            yield _annotator(_top(ArchiveFiles(path, archive, records)))
    except BadArchive as reason:
        raise CheckpointError(
            f"{path} is not a whole zip archive: {reason}. Expected a model package of Spark NLP. It is "
            "damaged or was not fetched to its end: fetch it again"
        ) from None


def _top(files: ArchiveFiles) -> PackageFiles:
    """Return the files of an archive, or those of the one folder that it has."""
    names = files.names()
    if METADATA not in names and len(names) == 1:
        return files.below(names[0])
    return files


def _annotator(files: PackageFiles) -> Package:
    """Return the classifier that a package is, or the one that is a stage of it."""
    metadata = _metadata(files)
    if metadata["class"] == PIPELINE:
        names = files.names("stages")[:MAX_STAGES]
        stages = {name: files.below("stages").below(name) for name in names}
        classes = {name: _metadata(stage)["class"] for name, stage in stages.items()}
        ours = [name for name, written in classes.items() if written == CLASS]
        if len(ours) != 1:
            stated = [_short(written) for written in classes.values()]
            raise CheckpointError(
                f"{files} is a pipeline of {shown(stated)}, expected one {_short(CLASS)} among its stages. "
                + (f"Load one of them: {', '.join(str(stages[name]) for name in ours)}" if ours else _ADVICE)
            )
        return _annotator(stages[ours[0]])
    if metadata["class"] != CLASS:
        raise CheckpointError(
            f"{files} is a package of Spark NLP's {shown(_short(metadata['class']))}, expected "
            f"{_short(CLASS)}. " + _ADVICE
        )
    params: dict[str, object] = {}
    for key in ("defaultParamMap", "paramMap"):
        if not isinstance(values := metadata.get(key, {}), dict):
            raise CheckpointError(
                f"{files}/{METADATA} has {shown(values)} for {key}, expected an object. It is damaged: fetch "
                "the package again"
            )
        params |= values
    return Package(files, params)


_ADVICE = "distilnp runs only classifiers of texts by DistilBERT; another model needs Spark NLP"


def _short(name: object) -> str:
    """Return the name of a class without its package."""
    return str(name).rpartition(".")[2]


def _metadata(files: PackageFiles) -> dict[str, Any]:
    """Return the JSON object with the class and the parameters of an annotator or a pipeline."""
    parts = _parts(files, METADATA)
    if not parts:
        raise CheckpointError(
            f"{files} has no {METADATA}/part-00000, expected a model package of Spark NLP, which is a folder "
            f"with {METADATA}/, fields/ and {MODEL}, or a zip archive of it. If a checkpoint of transformers "
            "is packed in there, unpack it, and load the folder"
        )
    try:
        values = json.loads(files.read(parts[0], MAX_METADATA_BYTES))
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict) or not isinstance(values.get("class"), str):
        raise CheckpointError(
            f"{files}/{parts[0]} is not what Spark writes, expected a JSON object with a class. It is "
            "damaged: fetch the package again"
        )
    return values


def _parts(files: PackageFiles, folder: str) -> list[str]:
    """Return the names of the files that Spark wrote into a folder, one for each partition."""
    return [f"{folder}/{name}" for name in files.names(folder) if name.startswith("part-")]


def _expect_tensorflow(package: Package) -> None:
    """Raise an error unless the package has the model in TensorFlow's files."""
    names = package.files.names()
    if MODEL in names:
        return
    stated = str(package.params.get("engine", ""))
    for part, engine in OTHER_ENGINES.items():
        inside = [name for name in names if part in name.lower()]
        if inside or stated == part:
            what = (
                f"its model in {engine} ({shown(inside[0])})" if inside else f"no model and states {engine}"
            )
            raise CheckpointError(
                f"{package.files} has {what}, expected {MODEL}: distilnp reads no {engine}. Load the model "
                "of Hugging Face that the package was exported from, which its card names, by org/name. Or "
                "export it again in TensorFlow's form, for Spark NLP's loadSavedModel"
            )
    raise CheckpointError(
        f"{package.files} has no {MODEL}, expected the model there. It has {shown(names)}. The package is "
        "not whole: fetch it again"
    )


def _key(package: Package) -> str:
    """Return the hash of everything that the checkpoint is made of."""
    files = package.files
    folders = (METADATA, "fields/labels", "fields/vocabulary")
    names = [*(part for folder in folders for part in _parts(files, folder)), MODEL]
    return hashlib.sha256(f"{VERSION} {files.digest(names)}".encode()).hexdigest()


def _write(package: Package, folder: Path) -> None:
    """Write the checkpoint."""
    scratch = folder / "unpacked"
    scratch.mkdir()
    try:
        model = _model_archive(package.files, scratch)
        with opened(model) as (archive, records):
            inner = ArchiveFiles(model, archive, records)
            inner.largest = min(inner.largest, package.files.largest)  # two archives are no better than one
            graph, variables = _unpack(inner, scratch)
        if model.parent == scratch:
            model.unlink()
        write_checkpoint(
            folder,
            variables,
            graph,
            _integers(package.files, "vocabulary"),
            _labels(package.files),
            **_problem_type(package.params),
        )
    except BadArchive as reason:
        raise CheckpointError(
            f"{package.files}/{MODEL} is not a whole archive: {reason}. {FETCH_AGAIN}"
        ) from None
    except CheckpointError as error:
        # The user knows the package and not the folder that it is unpacked in.
        message = str(error).replace(f"{scratch}{os.sep}", "")
        known = "" if str(package.files) in message else f"{package.files}: "
        raise type(error)(f"{known}{message}") from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _model_archive(files: PackageFiles, scratch: Path) -> Path:
    """Return the archive of the model, after taking it out of the package's own archive if there is one."""
    if isinstance(files, FolderFiles):
        return files.path / files.root / MODEL
    files.copy(MODEL, scratch / MODEL)
    return scratch / MODEL


def _unpack(files: ArchiveFiles, scratch: Path) -> tuple[Path, Path]:
    """Unpack the files of the model, and return its graph and its index.

    They are at the top of the archive, or in folders as TensorFlow has them.
    """
    deepest_first = sorted(files.all_names(), key=lambda name: name.count("/"), reverse=True)
    inside = {name.rpartition("/")[2]: name for name in deepest_first}
    wanted = [name for name in inside if name in (GRAPH, VARIABLES) or DATA.fullmatch(name)]
    for name in (GRAPH, VARIABLES):
        if name not in wanted:
            raise CheckpointError(
                f"{MODEL} has no {name}, expected a TensorFlow model: {GRAPH}, {VARIABLES} and "
                f"variables.data-... It has {shown(sorted(inside))}. {FETCH_AGAIN}"
            )
    n_bytes = sum(files.size(inside[name]) for name in wanted)
    if n_bytes > files.largest:
        raise CheckpointError(
            f"{MODEL} becomes {n_bytes} bytes, expected at most {files.largest} of a package of this size. "
            "Do not trust it"
        )
    for name in wanted:
        files.copy(inside[name], scratch / name)
    return scratch / GRAPH, scratch / VARIABLES


def _integers(files: PackageFiles, field: str) -> dict[str, int]:
    """Return the texts and integers in a field of the package."""
    found: dict[str, int] = {}
    left = MAX_FIELD_BYTES
    for part in _parts(files, f"fields/{field}"):
        content = files.read(part, left)
        left -= len(content)
        try:
            pairs = read_pairs(content)
        except NotPairs as reason:
            raise CheckpointError(
                f"{files}/{part} is not a list of {field}: {reason}. Nothing in it was executed. "
                f"{FETCH_AGAIN}"
            ) from None
        for text, number in pairs:
            if not isinstance(number, int) or found.setdefault(text, number) != number:
                raise CheckpointError(
                    f"{files}/{part} has {shown(number)} for {shown(text)}, expected one id for each text. "
                    + FETCH_AGAIN
                )
    if not found:
        raise CheckpointError(f"{files} has no {field} in fields/{field}, expected some. {FETCH_AGAIN}")
    return found


def _labels(files: PackageFiles) -> list[str]:
    """Return the labels in the order of their ids."""
    labels = _integers(files, "labels")
    if sorted(labels.values()) != list(range(len(labels))):
        raise CheckpointError(
            f"{files}/fields/labels has the ids {shown(sorted(labels.values()))}, expected 0 to "
            f"{len(labels) - 1}. " + FETCH_AGAIN
        )
    return sorted(labels, key=labels.__getitem__)


def _problem_type(params: dict[str, object]) -> dict[str, object]:
    """Return the key of `config.json` for a package whose labels do not exclude each other."""
    is_multi_label = params.get("activation") == "sigmoid" or params.get("multilabel") is True
    return {"problem_type": "multi_label_classification"} if is_multi_label else {}
