"""A SavedModel of TensorFlow without a `config.json`, and the checkpoint that is made of it.

Spark NLP's `loadSavedModel` has set the convention: `assets/vocab.txt` has the vocabulary, and
`assets/labels.txt` a label on each line, in the order of their ids. If a SavedModel has a `config.json`
beside it, its variables are a form of weights, and nothing is made of it.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from ..errors import CheckpointError
from ..foreign import MAX_FILE_BYTES, read_file, shown
from .converted import converted
from .files import CONFIG, VARIABLES, VOCAB
from .from_tensorflow import write_checkpoint
from .lookalikes import SAVED_MODEL
from .package_files import FolderFiles
from .tensorflow.variables import Variables

ASSETS = "assets"
LABELS = "labels.txt"

# The next version of the conversion must not find the folders of this one.
VERSION = "SavedModel 1"


def checkpoint_of(folder: Path) -> Path:
    """Return the folder of the checkpoint that a SavedModel has been made into; make it if necessary.

    Parameters
    ----------
    folder : Path
        A folder with `saved_model.pb`, `variables/` and `assets/`. Vocabulary and labels may also be beside
        the model.

    Returns
    -------
    Path
        See `converted`.

    Raises
    ------
    CheckpointError, ConfigError, TensorError
        It has no DistilBERT classifier or no vocabulary, is damaged, or no folder can be written.
    """
    vocabulary = _asset(folder, VOCAB)
    if vocabulary is None:
        whole = folder.parents[1] if len(folder.parents) > 1 else folder
        advice = f"Load {whole}, which has its {CONFIG}" if (whole / CONFIG).is_file() else "Put it there"
        raise CheckpointError(
            f"{folder} is a SavedModel without a vocabulary, expected {ASSETS}/{VOCAB}, and "
            f"{ASSETS}/{LABELS} with a label on each line. {advice}"
        )
    labels = _asset(folder, LABELS)
    # Its reader says better than a hash what is missing.
    data = [path.relative_to(folder).as_posix() for path in Variables(folder / VARIABLES).files()]
    digest = FolderFiles(folder).digest((SAVED_MODEL, *data))
    key = hashlib.sha256(f"{VERSION} {digest} {json.dumps([vocabulary, labels])}".encode())

    def write(destination: Path) -> None:
        write_checkpoint(
            destination,
            folder / VARIABLES,
            folder / SAVED_MODEL,
            dict(_numbered(vocabulary)),
            labels,
        )

    return converted(folder, key.hexdigest(), write)


def _asset(folder: Path, name: str) -> list[str] | None:
    """Return the lines of a text file in the assets or beside the model, or None if there is none."""
    path = next((path for path in (folder / ASSETS / name, folder / name) if os.path.lexists(path)), None)
    if path is None:
        return None
    try:
        text = read_file(path).decode()
    except UnicodeDecodeError as error:
        raise CheckpointError(
            f"{path}: byte {error.start} is 0x{error.object[error.start]:02X}, expected UTF-8. Write it again"
        ) from None
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be read ({error.strerror or error}), expected a file of at most {MAX_FILE_BYTES} "
            "bytes"
        ) from error
    return [line.rstrip("\r") for line in text.removesuffix("\n").split("\n")]


def _numbered(lines: list[str]) -> Iterator[tuple[str, int]]:
    """Yield the token of each line that has one, and its id."""
    seen: dict[str, int] = {}
    for number, line in enumerate(lines):
        if line and seen.setdefault(line, number) != number:
            raise CheckpointError(
                f"{VOCAB} has {shown(line)} on lines {seen[line] + 1} and {number + 1}, expected a different "
                "token on every line"
            )
        if line:
            yield line, number
