"""The classifier that a command line asks for, and the kinds of parts that its predictions have."""

from argparse import Namespace

from ..api import Classifier, load
from .failures import while_doing


def load_classifier(options: Namespace) -> Classifier:
    """Load the classifier with the options that every classifying command has."""
    with while_doing("the model cannot be read"):
        return load(
            options.model,
            max_length=options.max_length,
            threshold=options.threshold,
            calibrated=options.calibrated,
            long_text=options.long_text,
            stride=options.stride,
            aggregate=options.aggregate,
            sentences=options.sentences,
            split_special_tokens=options.split_special_tokens,
            precision=options.precision,
            threads=options.threads,
        )


def kinds_of_parts(classifier: Classifier) -> tuple[str, ...]:
    """Return the kinds of parts that its predictions have, as the names of their attributes."""
    if classifier.sentences is not None:
        return ("sentences",)
    return ("windows",) if classifier.long_text == "windows" else ()
