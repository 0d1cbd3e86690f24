"""Processes with DISTILNP_WEIGHTS_CACHE map one file of packed weights, and only a file that is right."""

import gc
import os
import re
import sys
from pathlib import Path

import pytest
from support.children import environment, run_python, start_python
from support.seeded_models import CONFIGS, seeded_tensors, write_checkpoint

import distilnp
from distilnp.engine.compiled_engine import CompiledEngine
from distilnp.engine.shared_weights import HEADER_BYTES, VARIABLE
from distilnp.native.loader import choose

pytestmark = pytest.mark.skipif(choose().program is None, reason="no compiled kernels can run here")

CONFIG = CONFIGS["odd-sizes"]
TENSORS = seeded_tensors(CONFIG)
TEXT = "w1 w2 w3"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_checkpoint(tmp_path / "model", CONFIG, TENSORS)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(VARIABLE, os.fspath(tmp_path / "new" / "cache"))
    return tmp_path / "new" / "cache"


def logits(folder: Path) -> bytes:
    """Load a model that this process does not hold, and return its bits for a text."""
    gc.collect()
    return distilnp.load(folder)(TEXT).logits.tobytes()


def files(cache: Path) -> list[Path]:
    return sorted(cache.glob("*.packed"))


def test_mapped_weights_give_the_same_bits(model: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written, mapped = logits(model), logits(model)
    monkeypatch.delenv(VARIABLE)

    assert written == mapped == logits(model)
    assert len(files(cache)) == 1
    assert {path.suffix for path in cache.iterdir()} == {".packed", ".lock"}


def test_mapped_weights_cannot_be_written(model: Path, cache: Path) -> None:
    engine = distilnp.load(model).engine

    assert isinstance(engine, CompiledEngine)
    assert not engine.weights.arena.flags.writeable


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:100],
        lambda content: content[:HEADER_BYTES],
        lambda content: content[:-64],
        lambda content: content + bytes(64),
        lambda content: content[:-1] + bytes([content[-1] ^ 1]),
        lambda content: b"{}".ljust(HEADER_BYTES) + content[HEADER_BYTES:],
        lambda content: b'{"types": 1, "sha256": 2}'.ljust(HEADER_BYTES) + content[HEADER_BYTES:],
        lambda content: b"\xff" * len(content),
    ],
)
def test_a_damaged_file_is_replaced(model: Path, cache: Path, damage) -> None:
    expected = logits(model)
    (path,) = files(cache)
    content = path.read_bytes()
    path.unlink()  # this process may still map the old one
    path.write_bytes(damage(content))

    assert logits(model) == expected
    assert path.read_bytes() == content


def test_a_changed_checkpoint_is_packed_again(model: Path, cache: Path) -> None:
    before = logits(model)

    write_checkpoint(model, CONFIG, TENSORS | {"classifier.bias": TENSORS["classifier.bias"] + 1})

    assert logits(model) != before
    assert len(files(cache)) == 2


@pytest.mark.parametrize("is_file", [True, False])
def test_a_folder_that_cannot_be_used_is_an_error(model: Path, cache: Path, is_file: bool) -> None:
    if is_file:
        cache.parent.mkdir()
        cache.write_text("")
    elif os.geteuid():
        cache.mkdir(parents=True)
        cache.chmod(0o500)
    else:
        pytest.skip("root may write everywhere")

    with pytest.raises(distilnp.ArgumentError, match=f"{VARIABLE} is '.*cache', which cannot be used"):
        distilnp.load(model)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_an_error(
    model: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logits(model)
    os.chown(files(cache)[0], 12345, -1)

    with pytest.raises(distilnp.ArgumentError, match="belongs to another user"):
        distilnp.load(model)


WORKER = """
import sys
import distilnp
classifier = distilnp.load(sys.argv[1])
print(classifier(sys.argv[2]).logits.tobytes().hex(), flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports what processes share")
def test_processes_that_start_together_hold_one_copy(model: Path, cache: Path) -> None:
    workers = [start_python(WORKER, model, TEXT, env=environment()) for _ in range(4)]
    answers = [worker.stdout.readline().strip() for worker in workers]
    (path,) = files(cache)
    inodes, private = set(), []
    for worker in workers:
        smaps = Path(f"/proc/{worker.pid}/smaps").read_text()
        mapping = re.search(
            rf"^\S+ r--s \S+ \S+ (\d+) .*{path.name}\n(?:(?!Private_).*\n)*", smaps, flags=re.M
        )
        inodes.add(mapping[1])
        private += re.findall(r"Private_\w+:\s+(\d+) kB", smaps[mapping.end() :])[:2]
    for worker in workers:
        worker.communicate(timeout=60)

    assert len(set(answers)) == 1
    assert inodes == {str(path.stat().st_ino)}
    assert set(private) == {"0"}


def test_a_process_that_dies_while_it_writes_leaves_nothing_that_is_used(model: Path, cache: Path) -> None:
    script = """
import os, sys, distilnp
os.fsync = lambda fd: os._exit(9)
distilnp.load(sys.argv[1])
"""
    died = run_python(script, model, env=environment())

    assert died.returncode == 9
    assert not files(cache)
    assert logits(model)
    assert len(files(cache)) == 1
