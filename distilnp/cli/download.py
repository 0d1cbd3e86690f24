"""`distilnp download`: a checkpoint from the hub into its cache, and where it lies there."""

from argparse import Namespace

from ..checkpoint.registry import find_checkpoint


def download(options: Namespace) -> None:
    """Run the command with the options of `arguments`."""
    print(find_checkpoint(options.model, renew=True))
