"""The grammar of the commands that look at, fetch or write checkpoints: their help and their arguments."""

import argparse
import re
from collections.abc import Iterator
from typing import get_args

from ...choices import DEFAULT_DTYPE, DEFAULT_MODEL, DType
from .shared import Commands, add_command

INFO_DESCRIPTION = """\
Describe a checkpoint: its architecture, size, labels and tokenizer. The
weights are not loaded. Without MODEL, list the models bundled with distilnp.
"""

MODELS_DESCRIPTION = """\
List the names of models: where each one is (bundled, cached, on the hub), and
which revision the name stands for: one pinned in distilnp, or the one recorded
when the model was first fetched. Works without a network.
"""

DOWNLOAD_DESCRIPTION = """\
Fetch a model from the Hugging Face hub into its cache, and print the folder.

Loading a cached model does not ask the hub again. This command does ask what a
branch or a tag points to now; a commit, and a name listed by `distilnp models`,
always stand for the same revision.
"""

DOWNLOAD_EPILOG = """\
variables of the hub's client:
  HF_HOME            the folder of the cache
  HF_TOKEN           for private and gated repositories
  HF_ENDPOINT        another server
  HF_HUB_OFFLINE     1: fetch nothing
  HF_HUB_DISABLE_PROGRESS_BARS, HF_HUB_DOWNLOAD_TIMEOUT
"""

VERIFY_DESCRIPTION = """\
Compare the files of a model with their known hashes, which were pinned in
distilnp or recorded when the files were fetched. Then load the model: the files
must fit together, every tensor must have its shape, and every number must be
finite. Fetches nothing.
"""

BUNDLE_DESCRIPTION = """\
Write a folder that holds distilnp, its kernels and one model: for a serverless
function (zip its contents), a device, or an image where nothing can be written
or fetched.
"""

BUNDLE_EPILOG = """\
to use the folder, put it on Python's path:
  PYTHONPATH=DIR python -m distilnp classify --model NAME TEXT
  PYTHONPATH=DIR python -c 'import distilnp; print(distilnp.load("NAME")("Hi"))'
"""

CONVERT_DESCRIPTION = """\
Write a checkpoint again, as one model.safetensors of a chosen type: from
pytorch_model.bin, from shards, or from another type.
"""

CONVERT_EPILOG = """\
types:
  float32  the type that the model computes with; holds every number of a
           bfloat16 or float16 checkpoint exactly
  float16  half the size; numbers beyond 65504 are refused
  int8     a quarter of the size: each row of a matrix is integers and a scale,
           in the format of compressed-tensors, which transformers reads if that
           package is installed
"""


# A version that pip understands, of a Python that distilnp runs on.
PYTHON_VERSION = re.compile(r"3\.(1[1-9]|[2-9][0-9])", re.ASCII)


class _Targets:
    """The kinds of CPU, imported on demand: that takes 5 ms of 30, and only --target needs them."""

    def __iter__(self) -> Iterator[str]:
        from ...native.targets import TARGETS

        return iter(TARGETS)


def add(commands: Commands) -> None:
    """Add the commands."""
    _add_info(commands)
    _add_models(commands)
    _add_download(commands)
    _add_verify(commands)
    _add_bundle(commands)
    _add_convert(commands)


def _add_info(commands: Commands) -> None:
    parser = add_command(
        commands,
        "info",
        help="describe a checkpoint",
        description=INFO_DESCRIPTION,
    )
    parser.add_argument("model", metavar="MODEL", nargs="?", help="a name, a folder, or org/name on the hub")
    parser.add_argument(
        "--format",
        choices=("table", "json"),
        default="table",
        help="the format of the output (default: %(default)s)",
    )


def _add_models(commands: Commands) -> None:
    add_command(
        commands,
        "models",
        help="list the names of models",
        description=MODELS_DESCRIPTION,
    )


def _add_download(commands: Commands) -> None:
    parser = add_command(
        commands,
        "download",
        help="fetch a model from the hub",
        description=DOWNLOAD_DESCRIPTION,
        epilog=DOWNLOAD_EPILOG,
    )
    parser.add_argument("model", metavar="MODEL", help="a name, org/name or org/name@revision")


def _add_verify(commands: Commands) -> None:
    parser = add_command(
        commands,
        "verify",
        help="check the files of a model",
        description=VERIFY_DESCRIPTION,
    )
    parser.add_argument("model", metavar="MODEL", help="a name, a folder, org/name or org/name@revision")


def _add_bundle(commands: Commands) -> None:
    parser = add_command(
        commands,
        "bundle",
        help="write a folder that needs no installation",
        description=BUNDLE_DESCRIPTION,
        epilog=BUNDLE_EPILOG,
    )
    parser.add_argument("directory", metavar="DIR", help="the folder to write, new or empty")
    parser.add_argument(
        "--model",
        metavar="MODEL",
        default=DEFAULT_MODEL,
        help="a name listed by `distilnp models`, a folder, or org/name on the hub; the bundle calls a model "
        "from a folder by the folder's name (default: %(default)s)",
    )
    parser.add_argument(
        "--with-dependencies",
        action="store_true",
        help="also copy the packages that distilnp imports, as installed here; with --python, --platform or "
        "the --target of another machine, pip fetches them",
    )
    parser.add_argument(
        "--python",
        metavar="VERSION",
        type=_python_version,
        help="--with-dependencies for another version of Python, such as 3.12 (default: the one that runs)",
    )
    parser.add_argument(
        "--platform",
        action="append",
        metavar="TAG",
        help="--with-dependencies for another platform, as pip names it, such as manylinux_2_28_aarch64 or "
        "win_amd64; may be given more than once",
    )
    parser.add_argument(
        "--target",
        action="append",
        metavar="TARGET",
        choices=_Targets(),
        help="only the kernels for this kind of CPU (%(choices)s); may be given more than once; if this "
        'installation does not have them, they are built, which needs pip install "distilnp[jit]", and a C '
        "compiler for that CPU or pip install ziglang (default: all that this installation has)",
    )


def _python_version(text: str) -> str:
    if not PYTHON_VERSION.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a version from 3.11 on, such as 3.12")
    return text


def _add_convert(commands: Commands) -> None:
    parser = add_command(
        commands,
        "convert",
        help="write a checkpoint as safetensors of a chosen type",
        description=CONVERT_DESCRIPTION,
        epilog=CONVERT_EPILOG,
    )
    parser.add_argument("source", metavar="MODEL", help="the name of a bundled model, or a folder")
    parser.add_argument("destination", metavar="DIR", help="the folder to write, new or empty")
    parser.add_argument(
        "--dtype",
        choices=get_args(DType),
        default=DEFAULT_DTYPE,
        help="the type of the numbers in the file (default: %(default)s)",
    )
