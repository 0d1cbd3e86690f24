"""The checkpoints in the form that each engine loads, made once and kept in a cache that git ignores.

    PYTHONPATH=tests python -m benchmarks.forward.models MODEL FOLDER

`forms` runs this command to make the forms of a model. It needs a process of its own, because torch and its
threads would otherwise stay in memory beside the measured engines.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from support.seeded_models import BASE, SEED, seeded_tensors, write_checkpoint

from distilnp.checkpoint.config_json import read_config
from distilnp.checkpoint.registry import find_checkpoint
from distilnp.checkpoint.tensors import load_tensors
from distilnp.model.config import DistilBertConfig

# "base" has the size of DistilBERT-base and seeded random weights; "sst2-mini" is the bundled checkpoint.
NAMES = ("base", "sst2-mini")

# The packages that an exported graph depends on. After a change of version, models are exported again.
EXPORTERS = ("torch", "transformers", "onnxruntime", "openvino")

# Counted up with every new form, so that a cache without it is not used.
EDITION = 2


@dataclass(frozen=True)
class Forms:
    """The paths of the forms of one model.

    distilnp loads `checkpoint`, and transformers loads `float32`, the same model. The two differ if weights
    are stored as integers; every engine computes with them in float32. `onnx` and `openvino` are graphs.
    `onnx_int8` is the graph `onnx` with int8 weights and products; its logits are other ones.
    """

    name: str
    checkpoint: Path
    float32: Path
    onnx: Path
    onnx_int8: Path
    openvino: Path


def forms(name: str, cache: Path) -> Forms:
    """Return the forms of one of `NAMES`, another name or a folder; make them if the cache has none."""
    versions = "-".join(f"{package}-{version(package)}" for package in EXPORTERS)
    source = f"{name}-seed-{SEED}" if name in NAMES else identity(find_checkpoint(name))
    folder = cache / f"{source}-edition-{EDITION}-{versions}"
    if not folder.exists():
        print(f"exporting {name}; this takes a minute, once", file=sys.stderr)
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as unfinished:
            made = Path(unfinished) / "made"
            command = [sys.executable, "-m", __spec__.name, name, os.fspath(made)]
            export = subprocess.run(command, capture_output=True, text=True)
            if export.returncode:
                raise RuntimeError(f"{name} could not be exported:\n{export.stderr}")
            made.rename(folder)
    return Forms(
        name=name,
        checkpoint=folder / "float32" if name == "base" else find_checkpoint(name),
        float32=folder / "float32",
        onnx=folder / "model.onnx",
        onnx_int8=folder / "model.int8.onnx",
        openvino=folder / "model.xml",
    )


def identity(folder: Path) -> str:
    """Return a name for a checkpoint's folder that changes with its files, as far as their times tell."""
    files = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in sorted(folder.iterdir())]
    return f"{folder.name}-{hashlib.sha256(repr((folder.resolve(), files)).encode()).hexdigest()[:12]}"


def make(name: str, folder: Path) -> None:
    """Write all forms of a model into a folder."""
    if name == "base":
        config, tensors = BASE, seeded_tensors(BASE)
    else:
        checkpoint = find_checkpoint(name)
        config = read_config(checkpoint)
        tensors = load_tensors(checkpoint, config, np.float32)
    write_checkpoint(folder / "float32", config, tensors)
    export_onnx(folder / "float32", config, folder / "model.onnx")
    quantize_onnx(folder / "model.onnx", folder / "model.int8.onnx")
    export_openvino(folder / "float32", folder / "model.xml")


def export_onnx(checkpoint: Path, config: DistilBertConfig, path: Path) -> None:
    """Write the graph that ONNX Runtime runs fastest.

    In that graph, its own optimizer has replaced each of the six attentions with one operator, `Attention`.
    It recognises them only in the graph that torch's older exporter writes for transformers' "eager"
    attention. The graphs of the newer exporter, or of "sdpa", are up to a fifth slower at 512 tokens.
    """
    import torch
    from onnxruntime.transformers.fusion_options import FusionOptions
    from onnxruntime.transformers.optimizer import optimize_model

    axes = {0: "n_texts", 1: "n_seq"}
    exported = path.with_suffix(".exported.onnx")
    torch.onnx.export(
        torch_model(checkpoint, "eager"),
        example_inputs(),
        exported,
        input_names=["input_ids", "attention_mask"],
        output_names=["logits"],
        dynamic_axes={"input_ids": axes, "attention_mask": axes, "logits": {0: "n_texts"}},
        opset_version=18,
        dynamo=False,
    )
    fused = optimize_model(
        os.fspath(exported),
        model_type="bert",  # the optimizer has no type for DistilBERT
        num_heads=config.n_heads,
        hidden_size=config.dim,
        optimization_options=FusionOptions("bert"),
        opt_level=0,  # the session that loads the graph applies the general optimizations
    )
    found = fused.get_fused_operator_statistics()["Attention"]
    if found != config.n_layers:
        raise RuntimeError(f"ONNX Runtime's optimizer found {found} attentions, expected {config.n_layers}")
    fused.save_model_to_file(os.fspath(path))
    exported.unlink()


def quantize_onnx(graph: Path, path: Path) -> None:
    """Write a graph with weights as int8 and products of integers, as ONNX Runtime's own tool makes it.

    The type is given because the tool does not know the types of the optimizer's operators.
    """
    from onnx import TensorProto
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        graph,
        path,
        weight_type=QuantType.QInt8,
        extra_options={"DefaultTensorType": TensorProto.FLOAT},
    )


def export_openvino(checkpoint: Path, path: Path) -> None:
    """Write OpenVINO's own form directly from torch, whose graph keeps attention as one operator.

    A model converted from ONNX is as fast, but takes ten times longer for the first text of each new length.
    """
    import openvino

    ids, mask = example_inputs()
    any_shape = [-1, -1]
    model = openvino.convert_model(
        torch_model(checkpoint, "sdpa"),
        example_input={"input_ids": ids, "attention_mask": mask},
        input=[(name, any_shape, openvino.Type.i64) for name in ("input_ids", "attention_mask")],
    )
    openvino.save_model(model, path, compress_to_fp16=False)


def torch_model(checkpoint: Path, attention: str) -> Any:
    """Load a checkpoint with transformers."""
    from transformers import DistilBertForSequenceClassification

    return DistilBertForSequenceClassification.from_pretrained(
        checkpoint, attn_implementation=attention
    ).eval()


def example_inputs() -> tuple[Any, Any]:
    """Return ids and a mask to trace a model with, of two texts, so that no axis is taken for a constant."""
    import torch

    return torch.arange(32).reshape(2, 16), torch.ones(2, 16, dtype=torch.int64)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("model", help=f"{', '.join(NAMES)}, another name, or a folder")
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    make(arguments.model, arguments.folder)
