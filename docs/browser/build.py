"""Gather the page and the files that it needs into a folder, for any server of files.

$ python docs/browser/build.py OUT

The page fetches Pyodide and its NumPy from a CDN, with the hashes below. With --pyodide, they are copied from
a folder, and the page asks no other server for anything.
"""

import argparse
import base64
import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from distilnp.checkpoint.registry import PACKAGE, find_checkpoint, short_name
from distilnp.checkpoint.tensors import find_weights
from distilnp.cli.folders import CHECKPOINT_FILES, check_is_new, written_whole
from distilnp.errors import DistilnpError

HERE = Path(__file__).parent
PAGE = ("index.html", "page.css", "page.js", "worker.js", "answers.py")

# The CDN has what npm has at the first address. The second has the packages that were built with it.
VERSION = "0.27.7"
CORE = f"https://cdn.jsdelivr.net/npm/pyodide@{VERSION}/"
PACKAGES = f"https://cdn.jsdelivr.net/pyodide/v{VERSION}/full/"

# The bytes and the SHA-256 of each file. NumPy's are those of pyodide-lock.json.
NUMPY = "numpy-2.0.2-cp312-cp312-pyodide_2024_0_wasm32.whl"
FILES = {
    "pyodide.mjs": (13931, "04c052c815abb0bf2981fa38c2dfa58e3120ee5288c956df2b2a15e301782c5f"),
    "pyodide.asm.js": (1255688, "6b4c90de5b7172873f04f21884d0e9d2274e305fe32116558fe3e4fbe3618d51"),
    "pyodide.asm.wasm": (10105545, "a50dd1843f805a0b7c45b61037ee0d7b26dfe85efe0e18ef95a34ad24e401f5f"),
    "python_stdlib.zip": (2360737, "16611534726e5d8ac2bd8f926410b2dcb8d6f49aa24913463533b457a2115c16"),
    "pyodide-lock.json": (112205, "9c45b916001a750f4102fc287494f3eab215909c7535c626a20db80fd6333e2c"),
    NUMPY: (3061133, "ebb61241d962b98b21597d7ce43b67668a6d5bab3acec4fbe958657320d7cd08"),
}


def main() -> None:
    """Write the folder."""
    parser = argparse.ArgumentParser(description="Gather the page and the files that it needs.")
    parser.add_argument("out", type=Path, help="a new folder")
    parser.add_argument("--model", default="sst2-mini", help="any model that distilnp loads")
    parser.add_argument("--pyodide", type=Path, help="a folder with Pyodide and its NumPy, to copy")
    options = parser.parse_args()
    try:
        check_is_new(options.out)
        with written_whole(options.out) as folder:
            write_page(folder, options.model, options.pyodide)
    except (DistilnpError, OSError) as error:
        raise SystemExit(f"build.py: error: {error}") from None
    size = sum(path.stat().st_size for path in options.out.rglob("*"))
    print(f"{options.out}: {size / 1e6:.1f} MB. python -m http.server -d {options.out} serves it")


def write_page(folder: Path, model: str, pyodide: Path | None) -> None:
    """Write the page for a model into an empty folder."""
    for name in PAGE:
        shutil.copyfile(HERE / name, folder / name)
    checkpoint = find_checkpoint(model)
    name = short_name(model)
    with zipfile.ZipFile(folder / "distilnp.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path, name_in_archive in package_files(checkpoint, name):
            archive.write(path, name_in_archive)
    settings = {
        "model": name,
        "pyodide": "pyodide/" if pyodide else CORE,
        "files": [
            *own_files(folder),
            *(pyodide_file(name, "pyodide/" if pyodide else None) for name in FILES),
        ],
    }
    (folder / "settings.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    if pyodide:
        (folder / "pyodide").mkdir()
        for name in FILES:
            shutil.copyfile(pyodide / name, folder / "pyodide" / name)


def package_files(checkpoint: Path, name: str) -> Iterator[tuple[Path, str]]:
    """Yield the files of the package and of the checkpoint, and their names in an archive.

    The package's registry takes the checkpoint for one of its own, called `name`.
    """
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path, f"distilnp/{path.relative_to(PACKAGE).as_posix()}"
    weights = [path.name for path in find_weights(checkpoint).files()]
    for file in (*CHECKPOINT_FILES, *weights):
        if (checkpoint / file).is_file():
            yield checkpoint / file, f"distilnp/weights/{name}/{file}"


def own_files(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield what worker.js has to know of the files beside it."""
    for name, use in (("distilnp.zip", "package"), ("answers.py", "script")):
        yield {"use": use, "url": name, "bytes": (folder / name).stat().st_size}


def pyodide_file(name: str, folder: str | None) -> dict[str, Any]:
    """Return what worker.js has to know of a file of Pyodide, in a folder or on the CDN."""
    size, sha256 = FILES[name]
    place = folder or (PACKAGES if name == NUMPY else CORE)
    use = "numpy" if name == NUMPY else "pyodide"
    return {"use": use, "url": place + name, "bytes": size, "integrity": integrity(sha256)}


def integrity(sha256: str) -> str:
    """Return a hash in the form that `fetch` takes."""
    return f"sha256-{base64.b64encode(bytes.fromhex(sha256)).decode()}"


if __name__ == "__main__":
    main()
