"""From what a user calls a model to the folder that holds it.

Bundled checkpoints go by their names, all others by the path of their folder.
"""

import os
from pathlib import Path

from ..errors import InputTypeError, ModelNotFoundError

PACKAGE = Path(__file__).parents[1]

# An installed distilnp carries its checkpoints inside the package, a source tree beside it.
BUNDLED_FOLDERS = (PACKAGE / "weights", PACKAGE.parent / "weights")


def bundled_models() -> dict[str, Path]:
    """Return the names and folders of the checkpoints that came with distilnp."""
    configs = [path for folder in BUNDLED_FOLDERS for path in sorted(folder.glob("*/config.json"))]
    return {path.parent.name: path.parent for path in reversed(configs)}


def find_checkpoint(model: str | os.PathLike[str]) -> Path:
    """Return the folder of a checkpoint.

    Parameters
    ----------
    model : str or path
        The name of a bundled checkpoint, or a folder that `save_pretrained` wrote. Where a folder has the
        name of a bundled checkpoint, "./name" is the folder.

    Raises
    ------
    ModelNotFoundError
        There is neither.
    InputTypeError
        `model` is not text and not a path.
    """
    if not isinstance(model, str | os.PathLike):
        raise InputTypeError(
            f"model is {type(model).__name__}, expected the name of a model or the path of a folder"
        )
    bundled = bundled_models()
    if isinstance(model, str) and model in bundled:
        return bundled[model]
    folder = Path(model)
    if model and folder.is_dir():
        return folder
    names = ", ".join(sorted(bundled))
    raise ModelNotFoundError(
        f"no model {os.fspath(model)!r}: expected the name of a bundled model ({names}), or a folder with "
        "config.json, vocab.txt and model.safetensors"
    )
