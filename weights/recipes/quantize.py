"""Step 4: store every matrix as int8 rows with a float32 scale each, a quarter of the size.

A row (an output of a dense layer, a token's vector) becomes integers from -127 to 127 and the scale that
brings its largest element back: real = scale * q. Biases and LayerNorms stay float32. Tensor names and
`quantization_config` are those of compressed-tensors' "int-quantized" form, which transformers reads.

    python weights/recipes/quantize.py --from RUN/averaged --out weights/sst2-mini
"""

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

QUANTIZATION_CONFIG = {
    "quant_method": "compressed-tensors",
    "format": "int-quantized",
    "quantization_status": "compressed",
    "config_groups": {
        "group_0": {
            "targets": ["Linear", "Embedding"],
            "format": "int-quantized",
            "weights": {
                "num_bits": 8,
                "type": "int",
                "strategy": "channel",
                "symmetric": True,
                "dynamic": False,
            },
            "input_activations": None,
            "output_activations": None,
        }
    },
    "ignore": [],
}


def quantize(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (int8 [rows, columns], float32 scales [rows, 1]); a row of zeros gets the scale 1."""
    largest = np.abs(matrix).max(axis=1, keepdims=True)
    scale = np.where(largest > 0, largest / 127, 1).astype(np.float32)
    return np.rint(matrix / scale).clip(-127, 127).astype(np.int8), scale


def main() -> None:
    """Write the folder that is carried in the repository."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--from", dest="source", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()

    tensors = {}
    for name, tensor in load_file(args.source / "model.safetensors").items():
        if tensor.ndim == 2:
            tensors[name], tensors[f"{name}_scale"] = quantize(tensor)
        else:
            tensors[name] = tensor
    args.out.mkdir(parents=True, exist_ok=True)
    save_file(tensors, args.out / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((args.source / "config.json").read_text())
    config["quantization_config"] = QUANTIZATION_CONFIG
    (args.out / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    for name in ("vocab.txt", "tokenizer_config.json"):
        shutil.copyfile(args.source / name, args.out / name)
    print(f"{sum(path.stat().st_size for path in args.out.iterdir()) / 1e6:.1f} MB in {args.out}")


if __name__ == "__main__":
    main()
