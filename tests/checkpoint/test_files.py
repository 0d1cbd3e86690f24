"""The names of a checkpoint's files: one list for fetching, for reading, and for the tokenizer."""

import pytest

from distilnp.checkpoint import files
from distilnp.checkpoint.tensors import FORMS
from distilnp.tokenizer.files import FILES


def test_every_form_of_weights_can_be_read_and_those_of_a_repository_come_first() -> None:
    assert tuple(FORMS) == files.FOLDER_WEIGHTS
    assert files.FOLDER_WEIGHTS[: len(files.WEIGHTS)] == files.WEIGHTS


def test_the_tokenizer_reads_the_files_that_are_fetched_for_it() -> None:
    assert set(FILES) == set(files.TOKENIZER_FILES)


@pytest.mark.parametrize(
    ("name", "is_shard"),
    [
        ("model-00001-of-00002.safetensors", True),
        ("model.safetensors", False),
        ("model-1-of-2.safetensors", False),
        ("model-00001-of-00002.safetensors.index.json", False),
    ],
)
def test_a_shard_is_recognised_by_its_name(name: str, is_shard: bool) -> None:
    assert (files.SHARD.fullmatch(name) is not None) == is_shard
