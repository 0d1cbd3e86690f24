"""The lines of this package that do a step, read from its files, so that a page shows the code that ran."""

import ast
from functools import lru_cache
from html import escape
from importlib.resources import files
from typing import NamedTuple

PACKAGE = __name__.partition(".")[0]


class Excerpt(NamedTuple):
    """A function in a file.

    Attributes
    ----------
    path : str
        The file, from the folder that holds the package.
    first, last : int
        The numbers of the function's first and last lines.
    code : str
        These lines without the docstring.
    """

    path: str
    first: int
    last: int
    code: str


def excerpt(path: str, function: str) -> Excerpt:
    """Return a function of a file.

    Parameters
    ----------
    path : str
        The file, from the folder of the package.
    function : str
        The name of a function of the file's top level.
    """
    source, tree = _parsed(path)
    node = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function)
    lines = source.splitlines()
    last = node.end_lineno or node.lineno
    docstring = node.body[0]
    kept = lines[node.lineno - 1 : docstring.lineno - 1] + lines[docstring.end_lineno : last]
    return Excerpt(f"{PACKAGE}/{path}", node.lineno, last, "\n".join(kept))


@lru_cache
def _parsed(path: str) -> tuple[str, ast.Module]:
    source = files(PACKAGE).joinpath(path).read_text(encoding="utf-8")
    return source, ast.parse(source)


def code(path: str, function: str) -> str:
    """Return the lines of a function as a piece of a page, with their place; see `excerpt`."""
    found = excerpt(path, function)
    place = f"{found.path}, lines {found.first}–{found.last}"
    return (
        f'<figure class="code"><figcaption>{place}</figcaption>'
        f'<pre class="scroll" tabindex="0" role="group" aria-label="{function}">'
        f"<code>{escape(found.code)}</code></pre></figure>"
    )
