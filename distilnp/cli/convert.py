"""`distilnp convert`: a checkpoint of any form that is read, as one safetensors file of a chosen type."""

from argparse import Namespace
from pathlib import Path

from ..api import load
from ..checkpoint.convert import convert_weights
from ..checkpoint.registry import find_checkpoint
from .folders import CHECKPOINT_FILES, check_is_new, copy_files, size_of, written_whole


def convert(options: Namespace) -> None:
    """Run the command with the options of `arguments`.

    Raises
    ------
    ArgumentError
        The folder is not empty, or the numbers do not fit the type.
    CheckpointError
        The checkpoint cannot be loaded.
    """
    source, folder = find_checkpoint(options.source), Path(options.destination)
    check_is_new(folder)
    with written_whole(folder) as unfinished:
        copy_files(CHECKPOINT_FILES, source, unfinished)
        convert_weights(source, unfinished, options.dtype)
        load(unfinished)  # a folder that appears is one that loads
    print(f"{folder}: {options.dtype}, {size_of(folder) / 1e6:,.1f} MB")
