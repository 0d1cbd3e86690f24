"""Step 2: fine-tune a checkpoint on SST-2 or IMDB, resumable at any moment.

Three choices beyond a plain AdamW fine-tune. The word embeddings stay frozen: they are half of the
parameters, every step would rewrite all of them for the few rows that a batch touches, and rare words keep
their place among their neighbours. The learning rate falls layer by layer towards the input (Howard and Ruder
2018, arXiv:1801.06146). And what is saved is an exponential moving average of the weights, which is less
noisy than the last step's (Polyak and Juditsky 1992).

    python weights/recipes/finetune.py --task sst2 --data DATA/sst2 --init RUN/converted --out RUN/seed-0

Stop it at will; the same command goes on where it stopped. Texts are kept out of training and scored after
every epoch: that is how configurations are compared, never on dev or test.
"""

import argparse
import json
import random
import shutil
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import torch
from tasks import TASKS
from tokenizers.implementations import BertWordPieceTokenizer
from tqdm import tqdm
from transformers import DistilBertForSequenceClassification, PreTrainedModel

SAVE_SECONDS = 120  # between resumable states; writing one takes less than a second
WARM_UP = 0.06  # part of the steps with a rising learning rate; the rest falls linearly to zero
GRADIENT_NORM = 1.0
WEIGHT_DECAY = 0.01
STATE = ("model", "average", "optimizer", "schedule")
TOKENIZER_FILES = ("vocab.txt", "tokenizer.json", "tokenizer_config.json")


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


def parameter_groups(model: PreTrainedModel, lr: float, decay: float) -> list[dict[str, object]]:
    """Give the head `lr`, the last layer `lr * decay`, the one below `lr * decay**2`, and so on down."""
    n_layers = model.config.num_hidden_layers
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


def encode(vocab: Path, texts: list[str]) -> list[list[int]]:
    """Return the token ids of every text, however long."""
    tokenizer = BertWordPieceTokenizer(str(vocab), lowercase=True)
    return [encoding.ids for encoding in tokenizer.encode_batch(texts)]


def logits_of_ids(model: PreTrainedModel, ids: list[list[int]]) -> torch.Tensor:
    """Return the logits of texts, [n_texts, n_labels]."""
    model.eval()
    logits = torch.empty(len(ids), model.config.num_labels)
    by_length = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    with torch.no_grad():
        for at in range(0, len(ids), 64):
            rows = by_length[at : at + 64]
            inputs, mask = pad([ids[i] for i in rows])
            logits[rows] = model(inputs, attention_mask=mask).logits.float()
    model.train()
    return logits


def scores(model: PreTrainedModel, ids: list[list[int]], labels: list[int]) -> dict[str, float]:
    """Return accuracy and mean cross-entropy of `model` on texts."""
    logits, truth = logits_of_ids(model, ids), torch.tensor(labels)
    loss = torch.nn.functional.cross_entropy(logits, truth)
    return {"accuracy": (logits.argmax(1) == truth).double().mean().item(), "loss": loss.item()}


class Training:
    """All that a run is between two steps; what `save` writes, `resume` reads."""

    def __init__(self, model: PreTrainedModel, n_texts: int, options: argparse.Namespace) -> None:
        self.options = options
        self.steps_per_epoch = -(-n_texts // options.batch)
        n_steps = options.epochs * self.steps_per_epoch
        warm_up = max(1, round(WARM_UP * n_steps))
        self.model = model
        self.optimizer = torch.optim.AdamW(
            parameter_groups(model, options.lr, options.layer_decay), fused=True
        )
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, lambda step: min((step + 1) / warm_up, (n_steps - step) / (n_steps - warm_up))
        )
        self.average = torch.optim.swa_utils.AveragedModel(
            model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(1 - 1 / options.ema_steps)
        )
        self.n_done = 0

    def loss(self, logits: torch.Tensor, targets: list) -> torch.Tensor:
        """Return the loss that a step reduces: the cross-entropy with the labels."""
        return torch.nn.functional.cross_entropy(logits, torch.tensor(targets))

    def step(self, ids: list[list[int]], targets: list) -> float:
        """Learn from one batch; return its loss."""
        inputs, mask = pad(ids)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.options.bfloat16):
            logits = self.model(inputs, attention_mask=mask).logits
        loss = self.loss(logits.float(), targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), GRADIENT_NORM)
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad()
        self.average.update_parameters(self.model)
        self.n_done += 1
        return loss.item()

    def save(self, path: Path) -> None:
        """Write the state; a kill in the middle leaves the old one."""
        state = {name: getattr(self, name).state_dict() for name in STATE}
        torch.save(state | {"rng": torch.get_rng_state(), "step": self.n_done}, path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)

    def resume(self, path: Path) -> None:
        """Go back to a state that was saved."""
        state = torch.load(path, weights_only=True)
        for name in STATE:
            getattr(self, name).load_state_dict(state[name])
        torch.set_rng_state(state["rng"])
        self.n_done = state["step"]


def train(
    training: Training,
    shown: Callable[[int, random.Random], list[list[int]]],
    targets: list,
    judge: Callable[[PreTrainedModel], dict[str, float]],
) -> None:
    """Take every step that is left, log the losses, judge the average after each epoch, write the last one.

    `shown` returns the token ids of every text, as an epoch shows them to the model.
    """
    options = training.options
    state = options.out / "state.pt"
    if state.exists():
        training.resume(state)

    def log(**entry: float) -> None:
        with (options.out / "log.jsonl").open("a") as file:
            file.write(json.dumps({"step": training.n_done, **entry}) + "\n")

    losses = []
    saved_at = time.monotonic()
    per_epoch = training.steps_per_epoch
    with tqdm(total=options.epochs * per_epoch, initial=training.n_done, smoothing=0.02) as bar:
        for epoch in range(training.n_done // per_epoch, options.epochs):
            seed = options.seed * 1000 + epoch
            texts = shown(epoch, random.Random(seed))
            plan = batches([len(text) for text in texts], options.batch, seed)
            for rows in islice(plan, training.n_done - epoch * per_epoch, None):
                losses.append(training.step([texts[i] for i in rows], [targets[i] for i in rows]))
                bar.update()
                if training.n_done % 100 == 0:
                    log(train_loss=sum(losses) / len(losses))
                    bar.set_postfix(loss=f"{sum(losses) / len(losses):.3f}")
                    losses.clear()
                if time.monotonic() - saved_at > SAVE_SECONDS:
                    training.save(state)
                    saved_at = time.monotonic()
            training.save(state)
            log(**{f"held_out_{key}": value for key, value in judge(training.average.module).items()})

    training.average.module.save_pretrained(options.out)
    for name in TOKENIZER_FILES:
        if (options.init / name).exists():
            shutil.copyfile(options.init / name, options.out / name)


def options(description: str, **defaults: float) -> argparse.ArgumentParser:
    """Return a parser of the options that all training has."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of the task's train file")
    parser.add_argument("--init", type=Path, required=True, help="the folder of the checkpoint to start from")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--lr", type=float, default=1e-4, help="of the head (default: %(default)s)")
    parser.add_argument("--layer-decay", type=float, default=0.9, help="(default: %(default)s)")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--ema-steps", type=int, default=1000, help="that the average looks back over")
    parser.add_argument("--attention-dropout", type=float, default=0.1, help="0 is twice as fast")
    parser.add_argument("--bfloat16", action="store_true", help="for products, where the CPU has it")
    parser.add_argument("--seed", type=int, default=0)
    parser.set_defaults(**defaults)
    return parser


def main() -> None:
    """Train, log every 100 steps and every epoch to `OUT/log.jsonl`, write `OUT/model.safetensors`."""
    parser = options(__doc__)
    parser.add_argument("--task", choices=TASKS, required=True)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(args.seed)
    task = TASKS[args.task]

    examples, held_out = task.load(args.data)
    ids, held_out_ids = (
        encode(args.init / "vocab.txt", [example.text for example in part]) for part in (examples, held_out)
    )
    held_out_ids = [task.judged(text) for text in held_out_ids]
    labels, held_out_labels = ([example.label for example in part] for part in (examples, held_out))

    model = DistilBertForSequenceClassification.from_pretrained(
        args.init,
        attention_dropout=args.attention_dropout,
        id2label=dict(enumerate(task.LABELS)),
        label2id={label: i for i, label in enumerate(task.LABELS)},
    ).train()
    model.distilbert.embeddings.word_embeddings.weight.requires_grad_(False)
    train(
        Training(model, len(ids), args),
        lambda epoch, rng: [task.shown(text, epoch, rng) for text in ids],
        labels,
        lambda average: scores(average, held_out_ids, held_out_labels),
    )


if __name__ == "__main__":
    main()
