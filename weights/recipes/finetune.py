"""Step 2: fine-tune the converted checkpoint on SST-2, resumable at any moment.

Three choices beyond a plain AdamW fine-tune. The word embeddings stay frozen: they are half of the
parameters, every step would rewrite all of them for the few rows that a batch touches, and rare words keep
their place among their neighbours. The learning rate falls layer by layer towards the input (Howard and Ruder
2018, arXiv:1801.06146). And what is saved is an exponential moving average of the weights, which is less
noisy than the last step's (Polyak and Juditsky 1992).

    python weights/recipes/finetune.py --data DATA/sst2 --init RUN/converted --out RUN/finetuned

Stop it at will; the same command goes on where it stopped. `--hold-out 500` keeps whole sentences out of
training and scores them after every epoch: that is how configurations are compared, never on dev.
"""

import argparse
import json
import random
from collections.abc import Iterator
from pathlib import Path

import sst2
import torch
from tokenizers.implementations import BertWordPieceTokenizer
from tqdm import tqdm
from transformers import DistilBertForSequenceClassification

HOLD_OUT = 500  # sentences: a standard error of 1.4 points, and a tenth of the examples goes with them
SAVE_EVERY = 500  # steps between resumable states: about two minutes' work on two cores
WARM_UP = 0.06  # part of the steps with a rising learning rate; the rest falls linearly to zero
GRADIENT_NORM = 1.0
WEIGHT_DECAY = 0.01
EMA_STEPS = 1000  # the moving average looks back over about half an epoch


def batches(lengths: list[int], size: int, seed: int) -> Iterator[list[int]]:
    """Yield index batches in random order, each of texts of similar length, so that little is padded."""
    rng = random.Random(seed)
    order = list(range(len(lengths)))
    rng.shuffle(order)
    bucket = 50 * size  # wide enough for similar lengths, narrow enough to mix the texts between epochs
    ordered = [
        i
        for at in range(0, len(order), bucket)
        for i in sorted(order[at : at + bucket], key=lengths.__getitem__)
    ]
    groups = [ordered[at : at + size] for at in range(0, len(ordered), size)]
    rng.shuffle(groups)
    yield from groups


def pad(ids: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Stack texts of different lengths; returns (ids, attention mask)."""
    tensors = [torch.tensor(text) for text in ids]
    padded = torch.nn.utils.rnn.pad_sequence(tensors, batch_first=True)
    lengths = torch.tensor([len(text) for text in ids])
    return padded, (torch.arange(padded.shape[1]) < lengths[:, None]).long()


def parameter_groups(
    model: DistilBertForSequenceClassification, lr: float, decay: float
) -> list[dict[str, object]]:
    """Give the head `lr`, the last layer `lr * decay`, the one below `lr * decay**2`, and so on down."""
    n_layers = model.config.n_layers
    groups = []
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        depth = n_layers + 1 if "embeddings" in name else 0
        if ".layer." in name:
            depth = n_layers - int(name.split(".layer.")[1].split(".")[0])
        plain = parameter.ndim < 2  # biases and LayerNorms are not decayed
        groups.append(
            {
                "params": [parameter],
                "lr": lr * decay**depth,
                "weight_decay": 0.0 if plain else WEIGHT_DECAY,
            }
        )
    return groups


def encode(vocab: Path, examples: list[sst2.Example]) -> list[list[int]]:
    """Return the token ids of every example."""
    tokenizer = BertWordPieceTokenizer(str(vocab), lowercase=True)
    return [encoding.ids for encoding in tokenizer.encode_batch([example.text for example in examples])]


def scores(
    model: DistilBertForSequenceClassification, ids: list[list[int]], labels: list[int]
) -> dict[str, float]:
    """Return accuracy and mean cross-entropy of `model` on texts."""
    model.eval()
    n_right, loss = 0, 0.0
    by_length = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    with torch.no_grad():
        for at in range(0, len(ids), 64):
            rows = by_length[at : at + 64]
            inputs, mask = pad([ids[i] for i in rows])
            targets = torch.tensor([labels[i] for i in rows])
            logits = model(inputs, attention_mask=mask).logits
            n_right += int((logits.argmax(1) == targets).sum())
            loss += float(torch.nn.functional.cross_entropy(logits, targets, reduction="sum"))
    model.train()
    return {"accuracy": n_right / len(ids), "loss": loss / len(ids)}


def main() -> None:
    """Train, log every 100 steps and every epoch to `OUT/log.jsonl`, write `OUT/model.safetensors`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder with train.tsv")
    parser.add_argument("--init", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--lr", type=float, default=1e-4, help="of the head (default: %(default)s)")
    parser.add_argument("--layer-decay", type=float, default=0.9, help="(default: %(default)s)")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--hold-out", type=int, default=HOLD_OUT, metavar="SENTENCES")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(args.seed)

    examples, held_out = sst2.hold_out(sst2.read(args.data / "train.tsv"), args.hold_out)
    train_ids, held_out_ids = (encode(args.init / "vocab.txt", part) for part in (examples, held_out))
    labels = [example.label for example in examples]

    model = DistilBertForSequenceClassification.from_pretrained(args.init).train()
    model.distilbert.embeddings.word_embeddings.weight.requires_grad_(False)
    steps_per_epoch = -(-len(examples) // args.batch)
    n_steps = args.epochs * steps_per_epoch
    optimizer = torch.optim.AdamW(parameter_groups(model, args.lr, args.layer_decay), fused=True)
    warm_up = max(1, round(WARM_UP * n_steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warm_up, (n_steps - step) / (n_steps - warm_up))
    )
    average = torch.optim.swa_utils.AveragedModel(
        model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(1 - 1 / EMA_STEPS)
    )

    state_file, step = args.out / "state.pt", 0
    parts = {"model": model, "average": average, "optimizer": optimizer, "schedule": schedule}
    if state_file.exists():
        state = torch.load(state_file, weights_only=True)
        for name, part in parts.items():
            part.load_state_dict(state[name])
        torch.set_rng_state(state["rng"])
        step = state["step"]

    def save() -> None:
        state = {name: part.state_dict() for name, part in parts.items()}
        state |= {"rng": torch.get_rng_state(), "step": step}
        torch.save(state, state_file.with_suffix(".new"))
        state_file.with_suffix(".new").replace(state_file)  # a kill in mid-write leaves the old state

    def log(**entry: float) -> None:
        with (args.out / "log.jsonl").open("a") as file:
            file.write(json.dumps({"step": step, **entry}) + "\n")

    running = 0.0
    with tqdm(total=n_steps, initial=step, smoothing=0.02) as bar:
        while step < n_steps:
            epoch, skip = divmod(step, steps_per_epoch)
            plan = list(batches([len(ids) for ids in train_ids], args.batch, args.seed * 1000 + epoch))
            for rows in plan[skip:]:
                inputs, mask = pad([train_ids[i] for i in rows])
                targets = torch.tensor([labels[i] for i in rows])
                loss = torch.nn.functional.cross_entropy(model(inputs, attention_mask=mask).logits, targets)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), GRADIENT_NORM)
                optimizer.step()
                schedule.step()
                optimizer.zero_grad()
                average.update_parameters(model)
                step += 1
                running += loss.item()
                bar.update()
                if step % 100 == 0:
                    bar.set_postfix(loss=f"{running / 100:.3f}")
                    log(train_loss=running / 100)
                    running = 0.0
                if step % SAVE_EVERY == 0:
                    save()
            if held_out:
                truth = [example.label for example in held_out]
                for name, candidate in (("last", model), ("average", average.module)):
                    held = scores(candidate, held_out_ids, truth)
                    log(**{f"held_out_{name}_{key}": value for key, value in held.items()})
            save()

    average.module.save_pretrained(args.out)
    for name in ("vocab.txt", "tokenizer_config.json"):
        (args.out / name).write_bytes((args.init / name).read_bytes())


if __name__ == "__main__":
    main()
