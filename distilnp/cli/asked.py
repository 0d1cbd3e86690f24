"""What the commands that explain an answer are asked: the text, or both of a pair, and the label."""

from argparse import Namespace

from ..texts import Text


def asked_text(options: Namespace, text: str) -> Text:
    """Return a text, or the pair that it makes with the second text."""
    return text if options.text_pair is None else {"text": text, "text_pair": options.text_pair}


def asked_target(options: Namespace, labels: tuple[str, ...]) -> str | int | None:
    """Return the label that is asked about; a number that is no label is the id of one."""
    target: str | None = options.target
    if target is not None and target not in labels and target in map(str, range(len(labels))):
        return int(target)
    return target
