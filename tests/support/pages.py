"""The code in pages of the documentation."""

import doctest
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def blocks(path: Path, language: str) -> Iterator[tuple[int, str]]:
    """Yield the line number and the content of every block of code in a language."""
    text = path.read_text(encoding="utf-8")
    for match in re.finditer(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        yield text.count("\n", 0, match.start(1)), match[1]


def failures(path: Path) -> int:
    """Run the code of a page, and return how many examples give another output than the page shows.

    A block with prompts gives the output that it shows; a block without them runs as a program.
    """
    shared: dict[str, Any] = {}
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for first, block in blocks(path, "python"):
        if ">>> " in block:
            example = parser.get_doctest(block, shared, path.name, str(path), first)
            runner.run(example, clear_globs=False)
            shared.update(example.globs)
        else:
            exec(compile("\n" * first + block, path, "exec"), {"__name__": "page"})
    return runner.summarize().failed
