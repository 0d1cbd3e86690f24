"""`distilnp models`: the known names, the revisions that they stand for, and where each model is."""

from argparse import Namespace

from ..checkpoint.hub import cached
from ..checkpoint.registry import MODELS, HubModel, bundled_models
from ..foreign import printable
from .failures import while_doing


def models(options: Namespace) -> None:
    """Run the command with the options that `grammar` parsed."""
    rows = [("name", "where", "revision", "repository")]
    with while_doing("the models cannot be read"):
        rows += [(printable(name), "bundled", "", "") for name in sorted(bundled_models())]
        rows += [(row.names[0], _where(row), printable(_revision(row)), row.repository) for row in MODELS]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
    print()
    for known in MODELS:
        print(f"{known.names[0]} is also {', '.join(known.names[1:])}")
    print("Any other model: org/name or org/name@revision for the Hugging Face hub, or a folder.")


def _where(row: HubModel) -> str:
    return "on the hub" if cached(row.source) is None else "cached"


def _revision(row: HubModel) -> str:
    """Return the revision that the name stands for, and whether it is pinned or recorded."""
    if row.source.is_pinned:
        return f"{row.revision[:12]}, pinned"
    record = row.source.record
    return f"{row.revision}, not recorded" if record is None else f"{record.commit[:12]}, recorded"
