"""`distilnp convert`: any checkpoint that can be loaded, written as one safetensors file of a chosen type."""

from argparse import Namespace
from pathlib import Path

from ..api import load
from ..checkpoint.convert import convert_weights
from ..checkpoint.registry import find_checkpoint
from ..foreign import printable
from .failures import while_doing
from .folders import CHECKPOINT_FILES, check_is_new, copy_files, size_of, written_whole


def convert(options: Namespace) -> None:
    """Run the command with the options that `grammar` parsed.

    Raises
    ------
    ArgumentError
        The folder is not empty, or a number does not fit the type.
    CheckpointError
        The checkpoint cannot be loaded.
    """
    folder = Path(options.destination)
    check_is_new(folder)
    with while_doing("the model cannot be read"):
        source = find_checkpoint(options.source)
    with written_whole(folder) as unfinished:
        copy_files(CHECKPOINT_FILES, source, unfinished)
        convert_weights(source, unfinished, options.dtype)
        with while_doing("the written model cannot be read"):
            load(unfinished)  # if it does not load, the folder never appears
    print(f"{printable(folder)}: {options.dtype}, {size_of(folder) / 1e6:,.1f} MB")
    if options.dtype == "int8":
        print("transformers needs compressed-tensors to read it: pip install compressed-tensors")
