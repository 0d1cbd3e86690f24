"""Kernels built ahead of time run if they can; otherwise the reason is reported and another engine runs."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from support.children import PACKAGES, environment, run_python
from support.copied_package import copy_package
from support.kernel_calls import LIBRARIES
from support.seeded_models import CONFIGS, seeded_tensors, write_checkpoint

import distilnp
from distilnp.kernels.steps import ABI
from distilnp.native.library import FOLDER, MANIFEST
from distilnp.native.loader import no_numba
from distilnp.native.targets import TARGETS, lacks

CONFIG = CONFIGS["one-layer"]
BUILD = "`python -m distilnp.native.build` builds them again"

RUNNABLE = [name for name in LIBRARIES if (FOLDER / MANIFEST).exists() and not lacks(TARGETS[name])]
pytestmark = pytest.mark.skipif(not RUNNABLE, reason="there is no library that this CPU can run")

# Load a model twice in one process, and print the engine, the kernels, the parts of Numba that were imported,
# and the answer.
SCRIPT = """
import json, sys
import distilnp
from distilnp.native.loader import description

for _ in range(2):
    classifier = distilnp.load(sys.argv[1])
    logits = classifier("w1 w2 w3").logits.tobytes().hex()
numba = sorted({"numba", "llvmlite"} & set(sys.modules))
print(json.dumps([type(classifier.engine).__name__, description(), numba, logits]))
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("model"), CONFIG, seeded_tensors(CONFIG))


@pytest.fixture
def logits(model: Path) -> str:
    return distilnp.load(model)("w1 w2 w3").logits.tobytes().hex()


def answer(
    model: Path, packages: Path = PACKAGES, script: str = SCRIPT, kernels: str | None = None
) -> list[object]:
    """Return the values that the script prints, and its standard error."""
    variables = environment(PYTHONPATH=str(packages), DISTILNP_KERNELS=kernels)
    run = run_python(script, model, cwd=model, env=variables)
    assert run.returncode == 0, run.stderr
    return [*json.loads(run.stdout), run.stderr]


def test_the_best_library_computes_silently_and_without_numba(model: Path, logits: str) -> None:
    description = f"{RUNNABLE[-1]}, built ahead of time"

    engine, described, numba, answered, errors = answer(model)

    assert (engine, numba, answered, errors) == ("CompiledEngine", [], logits, "")
    assert described.startswith(description)


def test_a_library_is_enough_without_numba(model: Path, logits: str, tmp_path: Path) -> None:
    package = copy_package(tmp_path, numba=False)

    assert answer(model, package, kernels="aot")[3:] == [logits, ""]


def damage(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def to(folder: Path) -> None:
        path = folder / name
        path.write_bytes(change(path.read_bytes()))

    return to


def in_every_library(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def to(folder: Path) -> None:
        for path in folder.glob("*.so"):
            path.write_bytes(change(path.read_bytes()))

    return to


def in_manifest(**entries: object) -> Callable[[Path], None]:
    def change(content: bytes) -> bytes:
        return json.dumps(json.loads(content) | entries).encode()

    return damage(MANIFEST, change)


UNUSABLE = {
    "wrong ABI version": (
        in_manifest(abi=99),
        f"they are stale: their ABI version is 99, expected {ABI}; {BUILD}",
    ),
    "other sources": (
        damage("../../kernels/gemm_f32.py", lambda x: x + b"\n"),
        f"they are stale: they were built from other sources; {BUILD}",
    ),
    "a new source": (lambda folder: (folder / "../../kernels/new.py").touch(), "built from other sources"),
    "half a manifest": (damage(MANIFEST, lambda x: x[: len(x) // 2]), "cannot be read (JSONDecodeError"),
    "an empty manifest": (damage(MANIFEST, lambda x: b"[]"), "cannot be read (TypeError"),
    "truncated": (in_every_library(lambda x: x[:-1]), "is damaged"),
    "empty": (in_every_library(lambda x: b""), "is damaged"),
    "one bit": (in_every_library(lambda x: x[:5000] + bytes([x[5000] ^ 1]) + x[5001:]), "is damaged"),
    "missing": (lambda folder: [path.unlink() for path in folder.glob("*.so")], "cannot be loaded (["),
    "other results": (
        damage("../self_check.py", lambda x: x.replace(b'DIGEST = "', b'DIGEST = "0')),
        "computes wrong results on this CPU",
    ),
}


@pytest.mark.parametrize(("change", "why"), UNUSABLE.values(), ids=UNUSABLE)
def test_unusable_libraries_are_not_run_and_the_reason_is_reported_once(
    model: Path, tmp_path: Path, change: Callable[[Path], None], why: str
) -> None:
    package = copy_package(tmp_path, numba=False)
    change(package / "distilnp/native/lib")

    engine, description, _, _, errors = answer(model, package)

    assert engine == "ReferenceEngine"
    assert description.startswith("NumPy, because no kernels built ahead of time can run (")
    assert why in description
    *refusals, fallback = errors.splitlines()
    assert refusals
    for line in refusals:
        assert line.startswith("distilnp: kernels built ahead of time are not run: ")
        assert why in line
    assert len(refusals) == len(set(refusals))
    assert fallback.endswith("; computing with NumPy instead, several times slower")


@pytest.mark.skipif(bool(no_numba()), reason="Numba compiles nothing here")
def test_numba_compiles_the_kernels_if_no_library_is_usable(model: Path, logits: str, tmp_path: Path) -> None:
    from distilnp.kernels.words.lanes_f32 import host_tiles

    package = copy_package(tmp_path)
    in_manifest(abi=99)(package / "distilnp/native/lib")

    engine, description, _, answered, errors = answer(model, package)

    assert (engine, answered) == ("CompiledEngine", logits)
    reason = f"tiles of {host_tiles()}, because no kernels built ahead of time"
    assert description.startswith(f"compiled by Numba in this process, {reason}")
    refusal, compiling = errors.splitlines()
    assert "they are stale: their ABI version is 99" in refusal
    assert compiling == "distilnp: compiling kernels, once in a process, some seconds"


@pytest.mark.sweep  # compiling takes ten seconds
@pytest.mark.skipif(bool(no_numba()), reason="Numba compiles nothing here")
def test_nothing_is_said_about_libraries_if_numba_is_asked_for(model: Path, tmp_path: Path) -> None:
    package = copy_package(tmp_path)
    in_manifest(abi=99)(package / "distilnp/native/lib")

    errors = answer(model, package, kernels="jit")[4]

    assert errors == "distilnp: compiling kernels, once in a process, some seconds\n"


def test_a_file_that_is_not_a_library_is_not_run(model: Path, tmp_path: Path) -> None:
    """The system refuses to load the file, although the manifest has its digest."""
    package = copy_package(tmp_path, numba=False)
    folder = package / "distilnp/native/lib"
    in_every_library(lambda x: b"#!/bin/sh\n")(folder)
    digest = sha256(b"#!/bin/sh\n").hexdigest()
    in_manifest(libraries=dict.fromkeys(LIBRARIES, digest))(folder)

    engine, description, *_ = answer(model, package)

    assert engine == "ReferenceEngine"
    assert "cannot be loaded (" in description


@pytest.mark.skipif(len(RUNNABLE) < 2, reason="this CPU can run one library only")
def test_the_second_best_library_replaces_a_damaged_one(model: Path, logits: str, tmp_path: Path) -> None:
    package = copy_package(tmp_path, numba=False)
    damage(f"{RUNNABLE[-1]}.so", lambda x: x[:-1])(package / "distilnp/native/lib")

    engine, description, _, answered, errors = answer(model, package)

    assert (engine, answered) == ("CompiledEngine", logits)
    tile = TARGETS[RUNNABLE[-2]].tiles
    assert description.startswith(f"{RUNNABLE[-2]}, built ahead of time, tiles of {tile} (not ")
    assert errors.count("\n") == 1
    assert f"{RUNNABLE[-1]}.so is damaged; `python -m distilnp.native.build` builds it again" in errors


WITH_FEATURES = """
import pathlib, sys
import distilnp.native.targets as targets

targets.CPU_INFO = pathlib.Path(sys.argv[1], "cpuinfo")
"""


@pytest.mark.skipif("x86-64-v3" not in LIBRARIES, reason="only x86-64 has levels")
@pytest.mark.parametrize(
    ("flags", "why"),
    [
        ("flags : fpu avx2 bmi1 bmi2 f16c fma movbe", "x86-64-v3: the CPU has no abm"),
        ("model name : a CPU", "cpuinfo does not list the features of the CPU"),
    ],
)
def test_a_library_that_needs_a_better_cpu_is_not_run(
    model: Path, tmp_path: Path, flags: str, why: str
) -> None:
    (model / "cpuinfo").write_text(f"processor : 0\n{flags}\n")
    package = copy_package(tmp_path, numba=False)

    engine, description, _, _, errors = answer(model, package, WITH_FEATURES + SCRIPT)

    assert engine == "ReferenceEngine"
    assert why in description
    assert errors.count("\n") == 1  # one line: the libraries have no fault to report
    assert why in errors


@pytest.mark.skipif("x86-64-v3" not in RUNNABLE, reason="only x86-64 has levels")
def test_a_cpu_without_avx_512_uses_its_own_library(model: Path, logits: str) -> None:
    (model / "cpuinfo").write_text("flags\t\t: abm avx2 bmi1 bmi2 f16c fma movbe\n")

    engine, description, _, answered, errors = answer(model, script=WITH_FEATURES + SCRIPT)

    assert (engine, answered, errors) == ("CompiledEngine", logits, "")
    assert description.startswith(
        "x86-64-v3, built ahead of time, tiles of 6 x 16, for int8 4 x 16 (not x86-64-v4-amx: the CPU has no "
    )


@pytest.mark.skipif("x86-64-v4-amx" not in RUNNABLE, reason="only some CPUs have AMX")
def test_a_system_that_does_not_allow_amx_gets_the_next_library(model: Path, logits: str) -> None:
    refuse = "import distilnp.native.targets as targets\n\ntargets.may_use_amx = lambda: False\n"

    engine, description, _, answered, errors = answer(model, script=refuse + SCRIPT)

    assert (engine, answered, errors) == ("CompiledEngine", logits, "")
    assert description.startswith("x86-64-v4-vnni, built ahead of time")
    assert "(not x86-64-v4-amx: the system does not let processes use AMX)" in description


def test_a_request_for_libraries_fails_with_the_reason_if_none_can_run(model: Path, tmp_path: Path) -> None:
    package = copy_package(tmp_path, without=("lib",))
    variables = environment(PYTHONPATH=str(package), DISTILNP_KERNELS="aot")

    run = run_python(SCRIPT, model, env=variables)

    why = "no kernels built ahead of time can run (none are built)"
    assert f"ArgumentError: DISTILNP_KERNELS is 'aot', but {why}" in run.stderr
