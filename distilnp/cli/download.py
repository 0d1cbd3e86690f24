"""`distilnp download`: fetch a checkpoint from the hub into its cache, and print its folder."""

import sys
from argparse import Namespace

from ..checkpoint.registry import find_checkpoint
from ..foreign import printable
from .failures import while_doing


def download(options: Namespace) -> None:
    """Run the command with the options that `grammar` parsed."""
    with while_doing("the model cannot be fetched"):
        folder = find_checkpoint(options.model, renew=True)
    print(printable(folder) if sys.stdout.isatty() else folder)  # a script needs the name as it is
