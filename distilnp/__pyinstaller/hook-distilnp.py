"""Tell PyInstaller which files a frozen program needs, so that it answers at full speed.

PyInstaller sees neither the modules that are imported by name nor files that are not modules. It finds the
libraries of no package whose names do not begin with "lib".
"""

from pathlib import Path

PACKAGE = Path(__file__).parents[1]
SOURCE_TREE = PACKAGE.parent / "weights"

LIBRARIES = PACKAGE / "native" / "lib"


def _with_places(folder: Path, pattern: str, place: Path) -> list[tuple[str, str]]:
    """Return files of a folder, each with the folder of the program that it goes to."""
    return [
        (str(path), str(place / path.relative_to(folder).parent))
        for path in sorted(folder.rglob(pattern))
        if path.is_file() and "__pycache__" not in path.parts
    ]


# The names of `distilnp` are imported when they are first used.
hiddenimports = [
    ".".join(("distilnp", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
    for path in sorted(PACKAGE.rglob("*.py"))
    if "__pyinstaller" not in path.parts and path.name != "__main__.py"
]

# The sources of the kernels are read, too: a library runs only if it was built from them. The page of
# `distilnp inspect` shows lines of the others.
datas = [
    *_with_places(PACKAGE / "kernels", "*.py", Path("distilnp", "kernels")),
    *_with_places(PACKAGE / "native", "*.py", Path("distilnp", "native")),
    *_with_places(PACKAGE / "model", "reference.py", Path("distilnp", "model")),
    *_with_places(PACKAGE / "explain", "*.py", Path("distilnp", "explain")),
    *_with_places(PACKAGE / "explain", "page.*", Path("distilnp", "explain")),
    *_with_places(LIBRARIES, "*", Path("distilnp", "native", "lib")),
    *_with_places(PACKAGE / "weights", "*", Path("distilnp", "weights")),
]
if not (PACKAGE / "weights").is_dir():  # an editable installation
    datas += [
        entry
        for entry in _with_places(SOURCE_TREE, "*", Path("distilnp", "weights"))
        if "recipes" not in Path(entry[0]).relative_to(SOURCE_TREE).parts
    ]

# 213 MB of compilers. Where the kernels are built ahead of time, nothing is compiled.
excludedimports = ["numba", "llvmlite"] if (LIBRARIES / "manifest.json").exists() else []
