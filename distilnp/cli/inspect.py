"""`distilnp inspect`: one page about what the model does with one text."""

import io
import sys
from argparse import Namespace
from pathlib import Path

from ..foreign import printable
from .asked import asked_target, asked_text
from .failures import while_doing
from .loading import load_classifier


def inspect(options: Namespace) -> None:
    """Run the command with the options that `grammar` parsed.

    Raises
    ------
    ArgumentError
        The model has no such label, or is given the text in several windows or sentences.
    DistilnpError
        A file cannot be written.
    """
    text = asked_text(options, options.text)
    classifier = load_classifier(options)
    target = asked_target(options, classifier.labels)
    page = classifier.inspect(text, method=options.method, target=target)
    if options.npz is not None:
        with while_doing(f"{printable(options.npz)} cannot be written"):
            classifier.trace(text).save(options.npz)
    if options.output == "-":
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # which the page says about itself
        sys.stdout.write(page)
        return
    with while_doing(f"{printable(options.output)} cannot be written"):
        Path(options.output).write_bytes(page.encode())
