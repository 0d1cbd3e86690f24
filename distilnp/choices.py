"""The values that options can take, and their defaults: one place for the library, the command and its help.

It imports nothing but `typing`, so the command can print its help without NumPy.
"""

from typing import Literal

FunctionToApply = Literal["softmax", "sigmoid", "none"]
LongText = Literal["head", "tail", "head_tail", "windows", "error"]
Aggregate = Literal["mean_probs", "mean_logits", "max"]
Precision = Literal["float32", "int8"]
DType = Literal["float32", "float16", "int8"]
Missing = Literal["raise", "none"]

DEFAULT_MODEL = "sst2-mini"
DEFAULT_LONG_TEXT: LongText = "head"
DEFAULT_AGGREGATE: Aggregate = "mean_probs"
DEFAULT_PRECISION: Precision = "float32"
DEFAULT_DTYPE: DType = "float32"
DEFAULT_LANGUAGE = "en"

# More likely than not: a label whose sigmoid is above it is reported.
DEFAULT_THRESHOLD = 0.5

# Two or three English sentences: whatever one window cuts in half, the next one shows whole.
DEFAULT_STRIDE = 64

# Tokens that `stream` gathers before it computes: about a hundred sentences, a fraction of a second.
DEFAULT_BATCH_TOKENS = 4096

# The bins of Guo et al. 2017, so that figures can be compared with theirs. More bins give a larger error:
# fewer texts in each leave more to chance.
DEFAULT_CALIBRATION_BINS = 15

# Least scores for the table of coverage: from every answer down to the surest ones, closer together where
# most scores are.
USUAL_MIN_SCORES = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)

# Ways to say which words an answer comes from: see `explain/attributions.py`.
ExplainMethod = Literal["gradient_x_input", "integrated_gradients", "leave_one_out", "attention_rollout"]
DEFAULT_EXPLAIN_METHOD: ExplainMethod = "leave_one_out"
