"""Write `tests/goldens/model/`: the results of transformers, in float32 and in float64.

    make goldens

This script and the tests generate the same seeded models. The goldens therefore contain only logits, and for
one small model every intermediate. For each kind of checkpoint, they contain the pipeline's results on a few
texts. The script needs the extra `train`. It needs `DISTILNP_DATA` for the tiny real encoder, for published
vocabularies and for SST-2.
"""

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
import transformers
from support.seeded_models import CONFIGS, SEED, config_json, seeded_ids, seeded_tensors, tiny_real_head
from support.variants import TEXTS, VARIANTS, write_variant
from transformers import (
    AutoTokenizer,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    pipeline,
)

REPOSITORY = Path(__file__).parents[2]
GOLDENS = REPOSITORY / "tests/goldens/model"
BUNDLED = REPOSITORY / "weights/sst2-mini"

# The lengths on both sides of every size at which a blocked kernel may change, and both extremes.
LENGTHS = (1, 2, 3, 5, 7, 8, 15, 16, 17, 31, 33, 64, 65, 127, 128, 129, 255, 257, 384, 511, 512)

# Enough texts for a root mean square. Most of them are short, so that this does not take long.
MANY_LENGTHS = (*range(1, 101), 127, 128, 129, 192, 255, 256, 257, 320, 384, 448, 511, 512)

Model = DistilBertForSequenceClassification

# The first gives access to its intermediates; the second is the default in transformers.
EAGER, SDPA = "eager", "sdpa"


def seeded_model(name: str, attention: str = EAGER) -> Model:
    """Return a model of transformers with the tensors of a seeded model."""
    config = CONFIGS[name]
    model = empty_model(config_json(config), attention)
    model.load_state_dict({name: torch.from_numpy(value) for name, value in seeded_tensors(config).items()})
    return model


def tiny_real_model(data: Path) -> Model:
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


def empty_model(values: dict[str, object], attention: str = EAGER) -> Model:
    """Return a model into which tensors can be loaded."""
    return Model(DistilBertConfig(**values, attn_implementation=attention)).eval()


def bundled_model() -> Model:
    """Return the bundled checkpoint."""
    return Model.from_pretrained(BUNDLED, dtype=torch.float32, attn_implementation=SDPA).eval()


def logits(model: Model, lengths: Sequence[int] = LENGTHS) -> dict[str, dict[str, list[float]]]:
    """Return the logits of a text of each length, in both precisions."""
    results = {}
    for dtype in (torch.float32, torch.float64):
        model = model.to(dtype)
        results[str(dtype).removeprefix("torch.")] = {
            str(n): forward(model, seeded_ids(model.config.vocab_size, n, seed=n)) for n in lengths
        }
    return results


def forward(model: Model, ids: Sequence[int]) -> list[float]:
    """Return the logits of a text."""
    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0].tolist()


def sst2_labels(model: Model, path: Path) -> str:
    """Return the label of every sentence as a digit, computed in float64."""
    tokenizer = AutoTokenizer.from_pretrained(BUNDLED)
    model = model.double()
    sentences = [row.rsplit("\t", 1)[0] for row in path.read_text().splitlines()[1:]]
    return "".join(str(np.argmax(forward(model, tokenizer(text).input_ids))) for text in sentences)


def trace(model: Model, ids: list[int]) -> dict[str, np.ndarray]:
    """Return the outputs of all modules and the attention probabilities of a float64 pass, by our names."""
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


def gradients(model: Model, ids: list[int]) -> np.ndarray:
    """Return the gradient of every logit with respect to the embeddings' output: [n_labels, n_seq, dim].

    PyTorch's autograd computes it, in float64.
    """
    model = model.double()
    with torch.no_grad():
        embedded = model.distilbert.embeddings(torch.tensor([ids]))
    x = embedded.requires_grad_()
    hook = model.distilbert.embeddings.register_forward_hook(lambda *_: x)
    logits = model(torch.tensor([ids])).logits[0]
    hook.remove()
    return np.stack([torch.autograd.grad(logit, x, retain_graph=True)[0][0].numpy() for logit in logits])


def variant(name: str, data: Path | None) -> list[dict[str, object]]:
    """Return the results of transformers' pipeline on every text, with a checkpoint of one kind."""
    with TemporaryDirectory() as folder:
        pipe = pipeline("text-classification", str(write_variant(Path(folder), name, data)))
        options = {"truncation": True, "max_length": pipe.model.config.max_position_embeddings}
        results = []
        for text in TEXTS:
            best = pipe([text], **options)[0]
            scores = pipe([text], top_k=None, **options)[0]
            encode = partial(pipe.tokenizer, **(text if isinstance(text, dict) else {"text": text}))
            results.append(
                {
                    "ids": encode(**options).input_ids,
                    "n_tokens": len(encode().input_ids),
                    **best,
                    "scores": {row["label"]: row["score"] for row in scores},
                }
            )
    model = pipe.model.double()
    for result in results:
        result["logits"] = forward(model, result["ids"])
        result["ids"] = " ".join(map(str, result["ids"]))  # one line in the file
    return results


def main() -> None:
    """Write the goldens, and a manifest that states their origin."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", metavar="NAME", help="write one golden only, by the name of its file")
    only = parser.parse_args().only
    # The order of float32 sums depends on the number of threads.
    torch.set_num_threads(1)

    def write(name: str, compute: Callable[[], object]) -> None:
        if only in (None, name):
            (GOLDENS / name).parent.mkdir(parents=True, exist_ok=True)
            (GOLDENS / f"{name}.json").write_text(json.dumps(compute(), indent=1) + "\n")
            print(f"wrote {name}", file=sys.stderr)

    for name in CONFIGS:
        write(name, lambda name=name: logits(seeded_model(name)))
    write("sst2-mini", lambda: logits(bundled_model()))
    write("base-many", lambda: logits(seeded_model("base", SDPA), MANY_LENGTHS))
    write("sst2-mini-many", lambda: logits(bundled_model(), MANY_LENGTHS))
    data = Path(os.environ["DISTILNP_DATA"]) if "DISTILNP_DATA" in os.environ else None
    for name in VARIANTS:
        if data or not VARIANTS[name].needs_data:
            write(f"variants/{name}", lambda name=name: variant(name, data))
    if data:
        write("tiny-real", lambda: logits(tiny_real_model(data)))
        write("sst2-dev", lambda: sst2_labels(bundled_model(), data / "sst2/dev.tsv"))
    if only in (None, "gradients"):
        lengths = (1, 2, 7, 33)
        for name in ("odd-sizes", "one-label-relu"):
            model = seeded_model(name)
            ids = {str(n): seeded_ids(CONFIGS[name].vocab_size, n, seed=n) for n in lengths}
            computed = {n: gradients(model, text) for n, text in ids.items()}
            np.savez_compressed(GOLDENS / f"gradients-{name}.npz", **computed)
    if only is None:
        ids = seeded_ids(CONFIGS["odd-sizes"].vocab_size, 6, seed=6)
        np.savez_compressed(GOLDENS / "trace-odd-sizes.npz", **trace(seeded_model("odd-sizes"), ids))
    manifest = {
        "command": "make goldens",
        "seed": SEED,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torch_instructions": torch.backends.cpu.get_cpu_capability(),
        "transformers": transformers.__version__,
        "numpy": np.__version__,
    }
    (GOLDENS / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


if __name__ == "__main__":
    main()
