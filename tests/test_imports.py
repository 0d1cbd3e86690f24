"""The import graph is the architecture; this table is where it is written down.

A module may import what stands in its row and the standard library, nothing else, also inside its functions.
"""

import ast
import sys
from pathlib import Path

import pytest

import distilnp

PACKAGE = Path(distilnp.__file__).parent

MAY_IMPORT = {
    "errors": set(),
    # files and values from strangers
    "foreign": set(),
    # the tokenizer: no NumPy, nothing of the rest
    "tokenizer.unicode_tables": set(),
    "tokenizer.characters": {"tokenizer.unicode_tables"},
    "tokenizer.settings": set(),
    "tokenizer.sections": {"errors"},
    "tokenizer.normalize": {"tokenizer.characters", "tokenizer.settings"},
    "tokenizer.added_tokens": {"tokenizer.characters", "tokenizer.normalize", "tokenizer.settings"},
    "tokenizer.pre_tokenize": {"tokenizer.characters", "tokenizer.normalize"},
    "tokenizer.wordpiece": {"tokenizer.settings"},
    "tokenizer.stages": {
        "tokenizer.added_tokens",
        "tokenizer.normalize",
        "tokenizer.pre_tokenize",
        "tokenizer.settings",
        "tokenizer.wordpiece",
    },
    "tokenizer.word_ids": {
        "tokenizer.characters",
        "tokenizer.normalize",
        "tokenizer.settings",
        "tokenizer.stages",
    },
    "tokenizer.files": {
        "errors",
        "tokenizer.added_tokens",
        "tokenizer.characters",
        "tokenizer.sections",
        "tokenizer.settings",
    },
    "tokenizer.tokenizer": {
        "errors",
        "tokenizer.files",
        "tokenizer.normalize",
        "tokenizer.settings",
        "tokenizer.stages",
        "tokenizer.word_ids",
    },
    "tokenizer.__init__": {"tokenizer.settings", "tokenizer.tokenizer"},
    # the model to read: nothing of the rest, so that a student opens one folder
    "model.config": {"errors", "foreign"},
    "model.params": {"model.config", "numpy"},
    "model.erf": {"numpy"},
    "model.reference": {"model.config", "model.erf", "model.params", "numpy"},
    "model.__init__": set(),
    # a checkpoint: from a name to the configuration and the parameters
    "checkpoint.__init__": set(),
    "checkpoint.files": set(),
    "checkpoint.heads": set(),
    "checkpoint.stored": {"errors", "foreign", "numpy"},
    "checkpoint.int8": {"checkpoint.stored", "errors", "foreign", "numpy"},
    "checkpoint.config_json": {
        "checkpoint.files",
        "checkpoint.heads",
        "checkpoint.int8",
        "errors",
        "foreign",
        "model.config",
    },
    "checkpoint.safetensors_file": {"checkpoint.stored", "errors", "foreign", "safetensors"},
    "checkpoint.pickled": {"foreign"},
    "checkpoint.pytorch": {"checkpoint.pickled", "checkpoint.stored", "errors", "foreign"},
    "checkpoint.tensors": {
        "checkpoint.config_json",
        "checkpoint.files",
        "checkpoint.heads",
        "checkpoint.int8",
        "checkpoint.pytorch",
        "checkpoint.safetensors_file",
        "checkpoint.stored",
        "errors",
        "foreign",
        "model.config",
        "model.params",
        "numpy",
    },
    "checkpoint.convert": {
        "checkpoint.config_json",
        "checkpoint.files",
        "checkpoint.int8",
        "checkpoint.tensors",
        "choices",
        "errors",
        "numpy",
        "safetensors",
    },
    "checkpoint.records": {"huggingface_hub"},
    "checkpoint.hub_errors": {"huggingface_hub"},
    "checkpoint.hub": {
        "checkpoint.files",
        "checkpoint.hub_errors",
        "checkpoint.records",
        "errors",
        "huggingface_hub",
    },
    "checkpoint.registry": {"checkpoint.files", "checkpoint.hub", "errors", "model.config"},
    # kernels: they know shapes, and no transformer; only the words and the build know LLVM
    "kernels.__init__": set(),
    "kernels.jit": {"numba"},
    "kernels.simd": {"llvmlite", "numba"},
    "kernels.elementary": {"kernels.jit", "kernels.simd"},
    "kernels.steps": set(),
    "kernels.jobs": {"kernels.jit", "kernels.simd", "kernels.steps", "numba"},
    "kernels.tiles": set(),
    "kernels.gemm": {"kernels.elementary", "kernels.jit", "kernels.simd", "kernels.steps", "kernels.tiles"},
    "kernels.attention": {
        "kernels.elementary",
        "kernels.gemm",
        "kernels.jit",
        "kernels.simd",
        "kernels.tiles",
        "numpy",
    },
    "kernels.row_wise": {"kernels.jit", "kernels.simd", "kernels.tiles", "numpy"},
    "kernels.program": {
        "kernels.attention",
        "kernels.gemm",
        "kernels.jit",
        "kernels.jobs",
        "kernels.row_wise",
        "kernels.simd",
        "kernels.steps",
        "numba",
    },
    # kernels built ahead of time; `object_code` takes them from Numba to machine code
    "native.targets": set(),
    "native.self_check": {"kernels.steps", "numpy"},
    "native.library": {"kernels.steps", "native.self_check", "native.targets"},
    "native.linker": {"errors", "native.targets"},
    "native.build": {"errors", "kernels.steps", "native.library", "native.linker", "native.targets"},
    "native.object_code": {"kernels.jit", "kernels.program", "kernels.steps", "native.targets", "llvmlite"},
    "native.loader": {"errors", "kernels", "kernels.program", "native.library", "numba"},
    "native.__init__": set(),
    # the model to run; without Numba, but for what the loader brings
    "engine.__init__": set(),
    "engine.threads": {"errors"},
    "engine.packing": {"model.params", "numpy"},
    "engine.weights": {
        "checkpoint.config_json",
        "checkpoint.stored",
        "checkpoint.tensors",
        "engine.packing",
        "model.config",
        "model.params",
        "numpy",
    },
    "engine.cores": {"engine.packing", "engine.weights"},
    "engine.batch": {"kernels.steps", "numpy"},
    "engine.layers": {"engine.packing", "engine.weights", "kernels.steps", "model.config", "model.params"},
    "engine.engine": {
        "engine.batch",
        "engine.cores",
        "engine.layers",
        "engine.packing",
        "engine.threads",
        "engine.weights",
        "kernels.steps",
        "model.params",
        "native.loader",
        "numpy",
    },
    "engine.fallback": {"engine.packing", "model", "model.config", "model.params", "numpy"},
    # what users see
    "texts": {"errors"},
    "long_text": {"choices", "tokenizer"},
    "sentences": {"errors", "tokenizer", "sentencex"},
    "predictions": {"choices", "model.config", "numpy"},
    "calibration": {"choices", "errors", "numpy"},
    "options": {"choices", "errors", "model.config", "predictions", "sentences"},
    "api": {
        "checkpoint.config_json",
        "checkpoint.registry",
        "checkpoint.tensors",
        "choices",
        "engine.engine",
        "engine.fallback",
        "engine.threads",
        "engine.weights",
        "errors",
        "long_text",
        "model.config",
        "model.params",
        "native.loader",
        "options",
        "predictions",
        "sentences",
        "texts",
        "tokenizer",
        "numpy",
    },
    # the command: it stands on what everyone can call
    "cli.arguments": {"__version__"},
    "cli.unpacker": set(),
    "cli.readers": {"cli.unpacker", "errors", "texts"},
    "cli.writers": {"predictions"},
    "cli.progress": {"cli.readers", "tqdm"},
    "cli.loading": {"api"},
    "cli.classify": {
        "api",
        "cli.loading",
        "cli.progress",
        "cli.readers",
        "cli.writers",
        "predictions",
        "texts",
    },
    "cli.labels": {"errors"},
    "cli.report": {"calibration", "cli.writers", "predictions", "numpy", "scipy", "sklearn"},
    "cli.evaluate": {
        "api",
        "cli.labels",
        "cli.loading",
        "cli.progress",
        "cli.readers",
        "cli.report",
        "cli.writers",
        "errors",
        "texts",
    },
    "cli.info": {
        "checkpoint.config_json",
        "checkpoint.registry",
        "checkpoint.stored",
        "checkpoint.tensors",
        "model.config",
        "model.params",
        "native.loader",
        "predictions",
        "tokenizer",
    },
    "cli.folders": {"checkpoint.files", "errors"},
    "cli.convert": {"api", "checkpoint.convert", "checkpoint.registry", "cli.folders"},
    "cli.bundle": {
        "api",
        "checkpoint.registry",
        "checkpoint.tensors",
        "cli.folders",
        "errors",
        "native.build",
        "native.library",
        "native.targets",
    },
    "cli.download": {"checkpoint.registry"},
    "cli.models": {"checkpoint.hub", "checkpoint.registry"},
    "cli.verify": {"api", "checkpoint.hub", "checkpoint.registry", "errors"},
    "cli.__init__": {
        "cli.arguments",
        "cli.bundle",
        "cli.classify",
        "cli.convert",
        "cli.download",
        "cli.evaluate",
        "cli.info",
        "cli.models",
        "cli.verify",
        "errors",
    },
    "__init__": {"api", "errors", "predictions"},
    "__main__": {"cli"},
    "choices": set(),
}


def modules() -> set[str]:
    paths = (path.relative_to(PACKAGE).with_suffix("") for path in PACKAGE.rglob("*.py"))
    return {".".join(path.parts) for path in paths}


def imports(module: str) -> set[str]:
    path = PACKAGE / f"{module.replace('.', '/')}.py"
    package = path.relative_to(PACKAGE).parts[:-1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(node.module.partition(".")[0])
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1]
            tails = [node.module] if node.module else [alias.name for alias in node.names]
            found |= {".".join((*base, tail)) for tail in tails}
    return found - sys.stdlib_module_names


@pytest.mark.parametrize("module", MAY_IMPORT)
def test_a_module_imports_only_what_its_row_allows(module: str) -> None:
    assert imports(module) == MAY_IMPORT[module]


def test_every_module_has_a_row() -> None:
    assert modules() == set(MAY_IMPORT)
