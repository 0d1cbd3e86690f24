"""Write `tests/goldens/model/`: what transformers computes, in float32 and in float64.

    make goldens

The seeded models are generated here and in the tests alike, so only logits are stored, and for one small
model every intermediate. Needs the extra `train`; `DISTILNP_DATA` for the tiny real encoder.
"""

import argparse
import json
import os
import platform
import sys
from pathlib import Path

import numpy as np
import torch
import transformers
from seeded_models import CONFIGS, SEED, config_json, seeded_ids, seeded_tensors, tiny_real_head
from transformers import DistilBertConfig, DistilBertForSequenceClassification

REPOSITORY = Path(__file__).parents[2]
GOLDENS = REPOSITORY / "tests/goldens/model"

# Both sides of every size that a blocked kernel could care about, and both ends.
LENGTHS = (1, 2, 3, 5, 7, 8, 15, 16, 17, 31, 33, 64, 65, 127, 128, 129, 255, 257, 384, 511, 512)


def seeded_model(name: str) -> DistilBertForSequenceClassification:
    """Return transformers' model with the tensors of a seeded one."""
    config = CONFIGS[name]
    model = empty_model(config_json(config))
    model.load_state_dict({name: torch.from_numpy(value) for name, value in seeded_tensors(config).items()})
    return model


def tiny_real_model(data: Path) -> DistilBertForSequenceClassification:
    """Return the tiny published encoder with a seeded head."""
    from safetensors.torch import load_file

    folder = data / "tiny-random-distilbert"
    tensors = load_file(folder / "model.safetensors")
    encoder = {f"distilbert.{name}": tensor for name, tensor in tensors.items() if "position_ids" not in name}
    values = json.loads((folder / "config.json").read_text())
    model = empty_model(values)
    head = {name: torch.from_numpy(value) for name, value in tiny_real_head(values["dim"]).items()}
    model.load_state_dict(encoder | head)
    return model


def empty_model(values: dict[str, object]) -> DistilBertForSequenceClassification:
    """Return a model to load tensors into, with the attention whose intermediates can be seen."""
    config = DistilBertConfig(**values, attn_implementation="eager")
    return DistilBertForSequenceClassification(config).eval()


def logits(model: DistilBertForSequenceClassification) -> dict[str, dict[str, list[float]]]:
    """Return the logits in both precisions for a text of every length."""
    results = {}
    for dtype in (torch.float32, torch.float64):
        model = model.to(dtype)
        with torch.no_grad():
            results[str(dtype).removeprefix("torch.")] = {
                str(n): model(torch.tensor([seeded_ids(model.config.vocab_size, n, seed=n)]))
                .logits[0]
                .tolist()
                for n in LENGTHS
            }
    return results


def trace(model: DistilBertForSequenceClassification, ids: list[int]) -> dict[str, np.ndarray]:
    """Return the output of every module in transformers' float64 pass, and the attention, by our names."""
    model = model.double()
    seen: dict[str, np.ndarray] = {}

    def watch(name: str) -> None:
        def hook(module: torch.nn.Module, inputs: object, output: object) -> None:
            if isinstance(output, torch.Tensor):
                seen[name] = output.detach().numpy()

        model.get_submodule(name).register_forward_hook(hook)

    for name, module in model.named_modules():
        if name and not list(module.children()) and not isinstance(module, torch.nn.Dropout):
            watch(name)
    with torch.no_grad():
        attentions = model(torch.tensor([ids]), output_attentions=True).attentions
    named = {
        name.replace("distilbert.", "").replace("transformer.", ""): value.reshape(value.shape[-2:])
        if value.ndim == 3
        else value.reshape(-1)
        for name, value in seen.items()
    }
    return named | {f"layer.{i}.attention.probs": probs[0].numpy() for i, probs in enumerate(attentions)}


def main() -> None:
    """Write the goldens and the manifest that says where they come from."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", metavar="NAME", help="one model: a seeded one, tiny-real or sst2-mini")
    only = parser.parse_args().only
    GOLDENS.mkdir(parents=True, exist_ok=True)

    def write(name: str, model: DistilBertForSequenceClassification) -> None:
        (GOLDENS / f"{name}.json").write_text(json.dumps(logits(model), indent=1) + "\n")
        print(f"wrote {name}", file=sys.stderr)

    for name in CONFIGS:
        if only in (None, name):
            write(name, seeded_model(name))
    data = os.environ.get("DISTILNP_DATA")
    if data and only in (None, "tiny-real"):
        write("tiny-real", tiny_real_model(Path(data)))
    if only in (None, "sst2-mini"):
        folder = REPOSITORY / "weights/sst2-mini"
        write(
            "sst2-mini",
            DistilBertForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval(),
        )
    if only is None:
        ids = seeded_ids(CONFIGS["odd-sizes"].vocab_size, 6, seed=6)
        np.savez_compressed(GOLDENS / "trace-odd-sizes.npz", **trace(seeded_model("odd-sizes"), ids))
    manifest = {
        "command": "make goldens",
        "seed": SEED,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "numpy": np.__version__,
    }
    (GOLDENS / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


if __name__ == "__main__":
    main()
