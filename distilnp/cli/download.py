"""`distilnp download`: fetch a checkpoint from the hub into its cache, and print its folder."""

from argparse import Namespace

from ..checkpoint.registry import find_checkpoint


def download(options: Namespace) -> None:
    """Run the command with the options that `grammar` parsed."""
    print(find_checkpoint(options.model, renew=True))
