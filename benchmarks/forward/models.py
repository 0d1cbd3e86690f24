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
from numpy.typing import NDArray
from support.seeded_models import BASE, SEED, seeded_ids, seeded_tensors, write_checkpoint

from distilnp.checkpoint.config_json import read_config
from distilnp.checkpoint.registry import find_checkpoint
from distilnp.checkpoint.tensors import load_tensors
from distilnp.model.config import DistilBertConfig
from distilnp.tokenizer import Tokenizer

# "base" has the size of DistilBERT-base and seeded random weights; "sst2-mini" is the bundled checkpoint.
NAMES = ("base", "sst2-mini")

# The packages that an exported graph depends on. After a change of version, models are exported again.
EXPORTERS = ("torch", "transformers", "onnxruntime", "openvino", "nncf")

# Counted up with every new form, so that a cache without it is not used.
EDITION = 3


@dataclass(frozen=True)
class Forms:
    """The paths of the forms of one model.

    distilnp loads `checkpoint`, and transformers loads `float32`, the same model. The two differ if weights
    are stored as integers; every engine computes with them in float32. `onnx` and `openvino` are graphs.
    `onnx_int8`, `onnx_uint8` and `openvino_int8` are graphs with int8 products, whose logits are other ones.
    """

    name: str
    checkpoint: Path
    float32: Path
    onnx: Path
    onnx_int8: Path
    onnx_uint8: Path
    openvino: Path
    openvino_int8: Path


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
        onnx_uint8=folder / "model.uint8.onnx",
        openvino=folder / "model.xml",
        openvino_int8=folder / "model.int8.xml",
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
    quantize_onnx(folder / "model.onnx", folder / "model.int8.onnx", "QInt8")
    quantize_onnx(folder / "model.onnx", folder / "model.uint8.onnx", "QUInt8")
    export_openvino(folder / "float32", folder / "model.xml")
    quantize_openvino(folder / "model.xml", calibration_inputs(name, config), folder / "model.int8.xml")


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


def quantize_onnx(graph: Path, path: Path, weight_type: str) -> None:
    """Write a graph with weights of 8 bits and products of integers, as ONNX Runtime's own tool makes it.

    The type is given because the tool does not know the types of the optimizer's operators.
    """
    from onnx import TensorProto
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        graph,
        path,
        weight_type=QuantType[weight_type],
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


def quantize_openvino(graph: Path, inputs: list[list[int]], path: Path) -> None:
    """Write a graph with int8 products, as NNCF makes it: ranges of activations are measured on `inputs`."""
    import nncf
    import openvino

    def arrays(ids: list[int]) -> dict[str, NDArray[np.int64]]:
        return {"input_ids": np.array([ids]), "attention_mask": np.ones((1, len(ids)), np.int64)}

    model = nncf.quantize(
        openvino.Core().read_model(graph),
        nncf.Dataset(inputs, arrays),
        model_type=nncf.ModelType.TRANSFORMER,
        subset_size=len(inputs),
    )
    openvino.save_model(model, path, compress_to_fp16=False)


def calibration_inputs(name: str, config: DistilBertConfig) -> list[list[int]]:
    """Return 300 inputs, as many as NNCF takes by default: sentences of SST-2 train, or random tokens."""
    if name != "base" and (data := os.environ.get("DISTILNP_DATA")):
        lines = (Path(data) / "sst2" / "train.tsv").read_text(encoding="utf-8").splitlines()[1:]
        encode = Tokenizer.from_folder(find_checkpoint(name)).encode
        return [list(encode(line.split("\t")[0]).ids) for line in lines[:: len(lines) // 300][:300]]
    return [seeded_ids(config.vocab_size, 8 + i % 120, seed=i) for i in range(300)]


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
