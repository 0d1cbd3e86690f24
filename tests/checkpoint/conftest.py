"""A hub on loopback for tests, and processes that use it by the real client, each with a cache of its own."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.children import environment, run_python
from support.hub_processes import CLASSIFY, CONFIG, Run
from support.hub_server import Hub, Repository, running_hub
from support.seeded_models import seeded_tensors, write_checkpoint


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the files of a repository, including some that distilnp does not read."""
    folder = write_checkpoint(tmp_path_factory.mktemp("hub") / "model", CONFIG, seeded_tensors(CONFIG))
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": true, "model_max_length": 512}')
    others = ("README.md", "tf_model.h5", "flax_model.msgpack", "onnx/model.onnx", "pytorch_model.bin")
    return {path.name: path.read_bytes() for path in folder.iterdir()} | dict.fromkeys(others, b"x" * 99)


@pytest.fixture
def hub(files: dict[str, bytes]) -> Iterator[Hub]:
    with running_hub() as hub:
        hub.repositories["org/model"] = Repository()
        hub.repositories["org/model"].commit(files)
        yield hub


@pytest.fixture
def variables(hub: Hub, tmp_path: Path) -> dict[str, str | None]:
    """Return environment variables that give a process this hub, a cache of its own, and no token."""
    unset = (name for name in os.environ if name.startswith(("HF_", "HUGGING")) or "PROXY" in name.upper())
    return {
        **dict.fromkeys(unset),
        "HF_ENDPOINT": hub.endpoint,
        "HF_HOME": os.fspath(tmp_path / "home"),
        "HF_HUB_DOWNLOAD_TIMEOUT": "20",
        "HF_HUB_OFFLINE": "0",
        "DISTILNP_KERNELS": "numpy",  # the fastest to start
    }


@pytest.fixture
def load(variables: dict[str, str | None]) -> Run:
    """Return a function that loads a model in a new process and classifies a text."""

    def load(model: str, preexec_fn: object = None, changes: object = None, **options: object) -> object:
        env = environment(**variables | dict(changes or {}))
        return run_python(CLASSIFY, model, json.dumps(options), env=env, preexec_fn=preexec_fn)

    return load


@pytest.fixture
def command(variables: dict[str, str | None]) -> Run:
    """Return a function that runs the command `distilnp` in a new process."""

    def command(*arguments: str, **changes: str) -> object:
        script = "import sys; from distilnp.cli import main; sys.exit(main(sys.argv[1:]))"
        return run_python(script, *arguments, env=environment(**variables | changes))

    return command
