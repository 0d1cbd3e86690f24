"""The classifier that a command line asks for."""

from argparse import Namespace

from ..api import Classifier, load


def load_classifier(options: Namespace) -> Classifier:
    """Load it with the options that `arguments` gives to every command that classifies."""
    return load(
        options.model,
        max_length=options.max_length,
        threshold=options.threshold,
        calibrated=options.calibrated,
        split_special_tokens=options.split_special_tokens,
        threads=options.threads,
    )
