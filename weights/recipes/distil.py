"""Step 9: the student learns to answer as the teacher does.

It starts from the earlier weights of sst2-mini and sees no label. It learns from the teacher's answers, over
a temperature that shows how sure the teacher is (Hinton et al. 2015, arXiv:1503.02531). The texts are many
and of a wide vocabulary, so the word embeddings learn too.

    python weights/recipes/distil.py --data DATA/sst2 --scored RUN/scored --init RUN/old --out RUN/student
"""

from pathlib import Path

import sst2
import torch
from finetune import Training, encode, logits_of_ids, options, scores, train
from score import CHUNK, read
from transformers import DistilBertForSequenceClassification

TEMPERATURE = 2.0


def divergence(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the Kullback-Leibler divergence of the student from the teacher, both over the temperature."""
    ours, theirs = (torch.log_softmax(x / TEMPERATURE, 1) for x in (logits, targets))
    return TEMPERATURE**2 * torch.nn.functional.kl_div(ours, theirs, log_target=True, reduction="batchmean")


class Distillation(Training):
    """A training whose targets are the teacher's logits."""

    def loss(self, logits: torch.Tensor, targets: list[list[float]]) -> torch.Tensor:
        """Return the divergence of the student's answers from the teacher's."""
        return divergence(logits, torch.tensor(targets))


def main() -> None:
    """Train, log to `OUT/log.jsonl`, write `OUT/model.safetensors`."""
    parser = options(__doc__, lr=2e-4, batch=64, ema_steps=500, attention_dropout=0.0)
    parser.add_argument("--scored", type=Path, required=True, help="the folder that score.py wrote")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(args.seed)

    texts, answers = read(args.scored)
    held_out = sst2.load(args.data)[1]
    ids = encode(args.init / "vocab.txt", texts)
    held_out_ids = encode(args.init / "vocab.txt", [example.text for example in held_out])
    labels = [example.label for example in held_out]
    ids, unseen_ids = ids[:-CHUNK], ids[-CHUNK:]
    unseen_answers = torch.tensor(answers[-CHUNK:])

    # Over a few tokens, the gradient of PyTorch's fused attention takes half of a step.
    model = DistilBertForSequenceClassification.from_pretrained(
        args.init,
        dropout=0.0,
        attention_dropout=args.attention_dropout,
        seq_classif_dropout=0.0,
        attn_implementation="eager",
    ).train()

    def judge(average: torch.nn.Module) -> dict[str, float]:
        unseen = divergence(logits_of_ids(average, unseen_ids), unseen_answers).item()
        return scores(average, held_out_ids, labels) | {"divergence": unseen}

    train(Distillation(model, len(ids), args), lambda *_: ids, answers[:-CHUNK], judge)


if __name__ == "__main__":
    main()
