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
    "tokenizer.sections": {"errors", "foreign"},
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
    "tokenizer.word_cache": {
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
        "tokenizer.word_cache",
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
    "kernels.elementary": {"kernels.jit", "kernels.words.lanes_f32"},
    "kernels.steps": {"kernels.tiles"},
    "kernels.jobs": {
        "kernels.jit",
        "kernels.steps",
        "kernels.words.atomics",
        "kernels.words.memory",
        "numba",
    },
    "kernels.tiles": set(),
    "kernels.attention": {
        "kernels.elementary",
        "kernels.gemm_f32",
        "kernels.jit",
        "kernels.steps",
        "kernels.tiles",
        "kernels.words.lanes_f32",
        "kernels.words.memory",
        "numpy",
    },
    "kernels.row_wise": {
        "kernels.jit",
        "kernels.steps",
        "kernels.tiles",
        "kernels.words.lanes_f32",
        "kernels.words.memory",
        "numpy",
    },
    "kernels.program": {
        "kernels.attention",
        "kernels.gemm_f32",
        "kernels.jit",
        "kernels.jobs",
        "kernels.row_wise",
        "kernels.steps",
        "kernels.words.atomics",
        "kernels.words.memory",
        "numba",
    },
    "kernels.blocking": {"kernels.jit", "kernels.tiles"},
    "kernels.gemm_f32": {
        "kernels.blocking",
        "kernels.elementary",
        "kernels.jit",
        "kernels.steps",
        "kernels.tiles",
        "kernels.words.lanes_f32",
        "kernels.words.memory",
        "kernels.words.tiles",
    },
    # kernels built ahead of time; `object_code` takes them from Numba to machine code
    "native.targets": set(),
    "native.self_check": {"kernels.steps", "kernels.tiles", "numpy"},
    "native.library": {"kernels.steps", "native.self_check", "native.targets"},
    "native.linker": {"errors", "native.targets"},
    "native.build": {"errors", "kernels.steps", "native.library", "native.linker", "native.targets"},
    "native.object_code": {"kernels.jit", "kernels.program", "kernels.steps", "native.targets", "llvmlite"},
    "native.loader": {"errors", "kernels.program", "kernels.words.lanes_f32", "native.library", "numba"},
    "native.__init__": set(),
    # the model to run; without Numba, but for what the loader brings
    "engine.__init__": set(),
    "engine.packing": {"kernels.tiles", "model.params", "numpy"},
    "engine.weights": {
        "checkpoint.config_json",
        "checkpoint.stored",
        "checkpoint.tensors",
        "engine.memory",
        "engine.packing",
        "model.config",
        "model.params",
    },
    "engine.batch": {"kernels.steps", "numpy"},
    "engine.layers": {
        "engine.buffers",
        "engine.packing",
        "engine.products",
        "engine.weights",
        "kernels.steps",
        "model.params",
    },
    "engine.engine": {"model.config", "model.params", "numpy"},
    "engine.buffers": {
        "engine.batch",
        "engine.memory",
        "engine.packing",
        "kernels.tiles",
        "model.config",
        "numpy",
    },
    "engine.choice": {
        "checkpoint.tensors",
        "engine.compiled_engine",
        "engine.engine",
        "engine.reference_engine",
        "engine.weights",
        "model.config",
        "native.loader",
    },
    "engine.compiled_engine": {
        "engine.batch",
        "engine.buffers",
        "engine.layers",
        "engine.packing",
        "engine.thread_count",
        "engine.weights",
        "engine.workers",
        "errors",
        "kernels.steps",
        "model.config",
        "model.params",
        "native.loader",
        "numpy",
    },
    "engine.memory": {"numpy"},
    "engine.products": {
        "engine.buffers",
        "engine.packing",
        "engine.weights",
        "kernels.steps",
        "kernels.tiles",
    },
    "engine.reference_engine": {"engine.packing", "model", "model.config", "model.params", "numpy"},
    "engine.thread_count": {"errors"},
    "engine.workers": {"engine.memory", "engine.packing"},
    # what users see
    "texts": {"errors"},
    "long_text": {"choices", "tokenizer"},
    "sentences": {"errors", "tokenizer", "sentencex"},
    "predictions": {"numpy"},
    "calibration": {"choices", "errors", "numpy"},
    "options": {"choices", "errors", "model.config", "sentences"},
    "api": {
        "checkpoint.config_json",
        "checkpoint.registry",
        "choices",
        "engine.choice",
        "engine.engine",
        "engine.thread_count",
        "errors",
        "long_text",
        "model.config",
        "model.params",
        "options",
        "predictions",
        "reading",
        "scoring",
        "texts",
        "tokenizer",
        "numpy",
    },
    # the command: it stands on what everyone can call
    "cli.formats": set(),
    "cli.grammar.shared": {"choices", "cli.formats"},
    "cli.grammar.classify": {"choices", "cli.formats", "cli.grammar.shared"},
    "cli.grammar.evaluate": {"choices", "cli.formats", "cli.grammar.shared"},
    "cli.grammar.checkpoints": {"choices", "cli.grammar.shared", "native.targets"},
    "cli.grammar.__init__": {
        "__version__",
        "cli.grammar.checkpoints",
        "cli.grammar.classify",
        "cli.grammar.evaluate",
        "foreign",
    },
    "cli.failures": {"errors", "foreign"},
    "cli.unpacker": set(),
    "cli.lines": {"cli.unpacker", "errors"},
    "cli.readers": {"cli.formats", "cli.lines", "errors", "texts"},
    "cli.writers": {"foreign", "predictions"},
    "cli.progress": {"cli.lines", "tqdm"},
    "cli.loading": {
        "api",
        "cli.failures",
    },
    "cli.classify": {
        "api",
        "cli.lines",
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
        "cli.formats",
        "cli.labels",
        "cli.lines",
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
        "cli.failures",
        "foreign",
        "model.config",
        "model.params",
        "native.loader",
        "scoring",
        "tokenizer",
    },
    "cli.folders": {
        "checkpoint.files",
        "cli.failures",
        "errors",
        "foreign",
    },
    "cli.convert": {
        "api",
        "checkpoint.convert",
        "checkpoint.registry",
        "cli.failures",
        "cli.folders",
        "foreign",
    },
    "cli.bundle": {
        "api",
        "checkpoint.registry",
        "checkpoint.tensors",
        "cli.failures",
        "cli.folders",
        "errors",
        "foreign",
        "native.build",
        "native.library",
        "native.targets",
    },
    "cli.download": {
        "checkpoint.registry",
        "cli.failures",
        "foreign",
    },
    "cli.models": {
        "checkpoint.hub",
        "checkpoint.registry",
        "cli.failures",
        "foreign",
    },
    "cli.verify": {
        "api",
        "checkpoint.hub",
        "checkpoint.registry",
        "cli.failures",
        "errors",
        "foreign",
    },
    "cli.__init__": {
        "cli.bundle",
        "cli.classify",
        "cli.convert",
        "cli.download",
        "cli.evaluate",
        "cli.failures",
        "cli.grammar",
        "cli.info",
        "cli.models",
        "cli.verify",
        "errors",
        "foreign",
    },
    "__init__": {"api", "errors", "predictions"},
    "__main__": {"cli"},
    "__pyinstaller.__init__": set(),
    "__pyinstaller.hook-distilnp": set(),
    "choices": set(),
    "reading": {"choices", "errors", "long_text", "sentences", "texts", "tokenizer"},
    "scoring": {"choices", "errors", "long_text", "model.config", "predictions", "numpy"},
    "kernels.words.__init__": set(),
    "kernels.words.atomics": {"kernels.words.memory", "llvmlite", "numba"},
    "kernels.words.lanes_f32": {"kernels.tiles", "kernels.words.memory", "llvmlite", "numba"},
    "kernels.words.memory": {"llvmlite", "numba"},
    "kernels.words.tiles": {"kernels.words.lanes_f32", "kernels.words.memory", "llvmlite", "numba"},
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
