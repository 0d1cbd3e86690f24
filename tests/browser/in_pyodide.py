"""The script that runs under Pyodide for `test_pyodide.py`: it tries everything once, and tells what it saw.

One interpreter does it all, because starting one takes seconds.
"""

import contextlib
import io
import json
import shutil
import struct
import sys
import threading
import time
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

asked = json.loads(question)  # noqa: F821 (run.mjs sets it)
seen = {"version": sys.version_info[:2], "platform": sys.platform, "pointer": struct.calcsize("P")}


def message_of(function, *arguments, **options):
    """Return the type and the message of the exception that a call raises."""
    try:
        function(*arguments, **options)
    except BaseException as error:
        return [type(error).__name__, str(error)]
    return ["", ""]


def printed(function, *arguments):
    """Return what a call returns or exits with, and what it prints and complains of."""
    output, errors = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        try:
            code = function(*arguments)
        except SystemExit as end:
            code = end.code
        output.flush()
    return [code, output.buffer.getvalue().decode(), errors.getvalue()]


seen["thread"] = message_of(threading.Thread(target=print).start)
seen["missing"] = [name for name in asked["not_needed"] if find_spec(name) is None]

import distilnp  # noqa: E402
from distilnp.cli import main  # noqa: E402
from distilnp.tokenizer import Tokenizer  # noqa: E402

seen["imported"] = [name for name in asked["not_needed"] if name in sys.modules]
folder = Path(distilnp.__file__).parent / "weights" / "sst2-mini"

# ---------------------------------------------------------------------------------------------- the tokenizer

tokenizer = Tokenizer.from_folder(folder)
seen["encodings"] = [
    [encoding.ids, encoding.tokens, encoding.offsets, encoding.word_ids]
    for encoding in map(tokenizer.encode, asked["texts"])
]

# ------------------------------------------------------------------------------- the header, and the command

from distilnp.checkpoint.safetensors_header import read_header  # noqa: E402

header = read_header(folder / "model.safetensors")
seen["header"] = {name: [entry.dtype, entry.shape, entry.begin, entry.end] for name, entry in header.items()}
seen["--version"] = printed(main, ["--version"])
seen["classify --help"] = printed(main, ["classify", "--help"])

# -------------------------------------------------------------------------------------------------- the model

if asked["needs_numpy"]:
    import os

    os.environ["DISTILNP_KERNELS"] = "numpy"
    import numpy as np

    seen["intp"] = np.dtype(np.intp).itemsize
    start = time.perf_counter()
    classifier = distilnp.load("sst2-mini")
    seen["seconds to load"] = time.perf_counter() - start
    seen["engine"] = type(classifier.engine).__name__
    seen["fingerprint"] = classifier.fingerprint
    seen["logits"] = [classifier.forward([ids])[0].tolist() for ids in asked["ids"]]
    classifier(asked["sentence"])
    start = time.perf_counter()
    seen["prediction"] = classifier(asked["sentence"]).as_dict()
    seen["seconds for a sentence"] = time.perf_counter() - start
    seen["streamed"] = [p.label for p in classifier.stream(iter(asked["labelled"]))]
    reading = replace(classifier.reading, long_text="windows", max_length=32, stride=8)
    seen["windows"] = len(replace(classifier, reading=reading)(asked["long"]).windows)
    seen["int8"] = [p.label for p in distilnp.load("sst2-mini", precision="int8")(asked["labelled"])]
    Path("texts.txt").write_text("\n".join(asked["labelled"]) + "\n")
    seen["classify --file"] = printed(main, ["classify", "--file", "texts.txt"])
    seen["info"] = printed(main, ["info"])
    seen["from the hub"] = message_of(distilnp.load, "someone/something")
    shutil.copytree(folder, "damaged")
    with Path("damaged", "model.safetensors").open("r+b") as file:
        file.truncate(1_000_000)
    seen["damaged"] = message_of(distilnp.load, "damaged")
    seen["imported at the end"] = [name for name in asked["not_needed"] if name in sys.modules]

answer = json.dumps(seen)
