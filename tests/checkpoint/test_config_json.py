"""`config.json`: which values are read, which are refused, and the messages."""

import json
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.seeded_models import CONFIGS, config_json

from distilnp import CheckpointError, ConfigError
from distilnp.checkpoint.config_json import config_from_dict, has_int8_rows, read_config
from distilnp.foreign import MAX_FILE_BYTES
from distilnp.model.config import LARGEST, DistilBertConfig

MINIMAL = {"model_type": "distilbert"}

INT8 = {
    "quant_method": "compressed-tensors",
    "format": "int-quantized",
    "config_groups": {
        "group_0": {
            "targets": ["Linear", "Embedding"],
            "weights": {"num_bits": 8, "type": "int", "strategy": "channel", "symmetric": True},
        }
    },
}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_configuration_survives_its_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config_json(CONFIGS[name])))

    assert read_config(tmp_path) == CONFIGS[name]


def test_the_published_sst2_configuration_is_read(data: Path) -> None:
    folder = data / "tokenizer/distilbert-base-uncased-finetuned-sst-2-english"

    config = read_config(folder)

    assert config == DistilBertConfig(id2label=("NEGATIVE", "POSITIVE"))


def test_a_missing_key_has_the_value_that_transformers_gives_it() -> None:
    config = config_from_dict(MINIMAL)

    assert (config.vocab_size, config.dim, config.hidden_dim) == (30522, 768, 3072)
    assert (config.n_layers, config.n_heads, config.max_position_embeddings) == (6, 12, 512)
    assert config.id2label == ("LABEL_0", "LABEL_1")


def test_num_labels_gives_names_to_labels_without_names() -> None:
    assert config_from_dict(MINIMAL | {"num_labels": 3}).id2label == (
        "LABEL_0",
        "LABEL_1",
        "LABEL_2",
    )


def test_the_general_names_of_transformers_are_read() -> None:
    general = {"num_hidden_layers": 2, "num_attention_heads": 3, "hidden_size": 6}

    config = config_from_dict(MINIMAL | general)

    assert (config.n_layers, config.n_heads, config.dim) == (2, 3, 6)


def test_labels_are_in_the_order_of_their_ids_not_of_the_file() -> None:
    config = config_from_dict(
        MINIMAL | {"id2label": {"1": "one", "10": "x", "0": "zero"} | {str(i): f"l{i}" for i in range(2, 10)}}
    )

    assert config.id2label[:2] == ("zero", "one")
    assert config.id2label[10] == "x"


@pytest.mark.parametrize("temperature", [1.2345, 2, 5e-324, None])
def test_a_temperature_is_read(temperature: float | None) -> None:
    config = config_from_dict(MINIMAL | {"calibration_temperature": temperature})

    assert config.calibration_temperature == temperature
    assert config_from_dict(MINIMAL).calibration_temperature is None


@pytest.mark.parametrize(("changes", "expected"), [({"quantization_config": INT8}, True), ({}, False)])
def test_int8_rows_are_recognised(tmp_path: Path, changes: dict[str, object], expected: bool) -> None:
    (tmp_path / "config.json").write_text(json.dumps(MINIMAL | changes))

    assert has_int8_rows(tmp_path) is expected
    assert read_config(tmp_path) == DistilBertConfig()  # how numbers are stored says nothing about the model


def test_another_quantization_is_refused_with_the_file_that_asks_for_it(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(MINIMAL | {"quantization_config": {"bits": 4}}))

    for read in (has_int8_rows, read_config):
        with pytest.raises(ConfigError, match=r"config\.json: quantization_config is .*, expected"):
            read(tmp_path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model_type": "bert"}, ["model_type", "'bert'", "'distilbert'"]),
        ({"model_type": None}, ["model_type", "None"]),
        ({"architectures": ["DistilBertForMaskedLM"]}, ["DistilBertForMaskedLM", "fine-tuned"]),
        ({"activation": "gelu_new"}, ["activation", "'gelu_new'", "'gelu', 'relu'"]),
        ({"activation": ["gelu"]}, ["activation", "['gelu']"]),
        ({"dim": 10, "n_heads": 3}, ["dim is 10", "n_heads is 3", "divide"]),
        ({"dim": 0}, ["dim is 0"]),
        ({"dim": -768}, ["dim is -768"]),
        ({"dim": True}, ["dim is True"]),
        ({"dim": 768.0}, ["dim is 768.0"]),
        ({"dim": "768"}, ["dim is '768'"]),
        ({"dim": None}, ["dim is None"]),
        *(({name: largest + 1}, [name, str(largest)]) for name, largest in LARGEST.items()),
        ({"dim": 1024, "n_heads": 1024}, ["n_heads is 1024", "from 1 to 128"]),
        ({"max_position_embeddings": 200_000}, ["max_position_embeddings is 200000"]),
        ({"vocab_size": 10**400}, ["vocab_size"]),
        ({"n_layers": 6, "num_hidden_layers": 5}, ["n_layers is 6", "num_hidden_layers is 5"]),
        ({"id2label": {}}, ["id2label is empty"]),
        ({"id2label": ["a", "b"]}, ["id2label is ['a', 'b']"]),
        ({"id2label": {"0": "a", "2": "b"}}, ["0 to 1", "1 is missing"]),
        ({"id2label": {"0": "a", "1": "a"}}, ["'a' more than once"]),
        ({"id2label": {"0": 0, "1": 1}}, ["to be text"]),
        ({"id2label": {"0": "a", "1": "b"}, "num_labels": 3}, ["num_labels is 3", "2 labels"]),
        ({"num_labels": 0}, ["num_labels is 0"]),
        ({"problem_type": "ranking"}, ["problem_type", "'ranking'", "'regression'"]),
        ({"problem_type": "single_label_classification", "num_labels": 1}, ["one label"]),
        ({"quantization_config": {"quant_method": "gptq"}}, ["quantization_config", "gptq", "int-quantized"]),
        ({"quantization_config": INT8 | {"format": "pack-quantized"}}, ["pack-quantized"]),
        ({"quantization_config": INT8 | {"config_groups": {}}}, ["quantization_config"]),
        ({"quantization_config": INT8 | {"config_groups": [1]}}, ["quantization_config"]),
        ({"quantization_config": 8}, ["quantization_config is 8"]),
        ({"calibration_temperature": 0}, ["calibration_temperature is 0", "finite number above 0"]),
        ({"calibration_temperature": -1.5}, ["calibration_temperature is -1.5"]),
        ({"calibration_temperature": True}, ["calibration_temperature is True"]),
        ({"calibration_temperature": "1.5"}, ["calibration_temperature is '1.5'"]),
        ({"calibration_temperature": [1.5]}, ["calibration_temperature is [1.5]"]),
        ({"calibration_temperature": float("nan")}, ["calibration_temperature is nan"]),
        ({"calibration_temperature": float("inf")}, ["calibration_temperature is inf"]),
        ({"calibration_temperature": 10**400}, ["calibration_temperature is 1000"]),
    ],
)
def test_a_model_that_cannot_be_run_is_refused_with_what_was_expected(
    changes: dict[str, object], words: list[str]
) -> None:
    with pytest.raises(ConfigError) as raised:
        config_from_dict(MINIMAL | changes)

    assert "expected" in str(raised.value)
    assert [word for word in words if word not in str(raised.value)] == []
    assert len(str(raised.value)) < 1000


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"id2label": {str(i): f"{i} stars" for i in range(1, 6)}},
        {"id2label": dict.fromkeys("01234", "neg")},
        {"id2label": {str(i): i for i in range(5)}},
        {"id2label": {str(i): None for i in range(5)}},
        {"id2label": ["a", "b", "c", "d", "e"]},
        {"id2label": "a, b"},
        {"id2label": {}},
        {"id2label": {"0": "a", "1": "b"}, "num_labels": 5},
        {"num_labels": 0},
        {"num_labels": "5"},
    ],
)
def test_labels_of_the_caller_stand_in_for_labels_that_cannot_be_used(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(MINIMAL | changes))

    assert read_config(tmp_path, labels=list("abcde")).id2label == tuple(f"LABEL_{i}" for i in range(5))
    if changes:
        with pytest.raises(ConfigError, match=r"Or give load labels=\[...\]"):
            read_config(tmp_path)
        with pytest.raises(ConfigError):
            read_config(tmp_path, labels=[])


@pytest.mark.parametrize("changes", [{"id2label": {"0": "no", "1": "yes"}}, {"num_labels": 2}])
def test_labels_of_the_caller_do_not_replace_labels_that_can_be_used(changes: dict[str, object]) -> None:
    config = config_from_dict(MINIMAL | changes, labels=list("abcde"))

    assert config == config_from_dict(MINIMAL | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"problem_type": "text-classification"},
        {"problem_type": ["regression"]},
        {"problem_type": "single_label_classification", "num_labels": 1},
    ],
)
def test_a_function_of_the_caller_stands_in_for_a_problem_type_that_cannot_be_used(
    changes: dict[str, object],
) -> None:
    config = config_from_dict(MINIMAL | changes, function_to_apply="softmax")
    regression = config_from_dict(MINIMAL | {"problem_type": "regression"}, function_to_apply="softmax")

    assert config.problem_type is None
    assert regression.problem_type == "regression"
    with pytest.raises(ConfigError, match=r"problem_type is .*Or give load function_to_apply"):
        config_from_dict(MINIMAL | changes)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '"distilbert"', "[" * 100_000, "\xff", '{"dim": NaN}']
)
def test_a_damaged_file_is_one_clear_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_bytes(text.encode("latin-1"))

    with pytest.raises(ConfigError, match=r"config\.json"):
        read_config(tmp_path)


def test_a_folder_without_config_json_is_told_what_a_checkpoint_has(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"config\.json.*vocab\.txt"):
        read_config(tmp_path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
KEYS = st.sampled_from(
    ["vocab_size", "n_layers", "n_heads", "dim", "activation", "id2label", "num_labels", "problem_type",
     "quantization_config", "architectures", "hidden_size", "calibration_temperature"]
)  # fmt: skip


@given(st.dictionaries(KEYS, JSON))
def test_any_values_give_a_configuration_or_an_error_of_ours(values: dict[str, object]) -> None:
    try:
        config = config_from_dict(MINIMAL | values)
    except ConfigError:
        return

    assert config.dim % config.n_heads == 0
    assert len(set(config.id2label)) == config.n_labels >= 1


def test_the_number_of_labels_is_limited() -> None:
    assert config_from_dict({"model_type": "distilbert", "num_labels": 2**20}).n_labels == 2**20

    with pytest.raises(ConfigError, match=r"num_labels is 1048577, expected an integer from 1 to 1048576"):
        config_from_dict({"model_type": "distilbert", "num_labels": 2**20 + 1})


@pytest.mark.parametrize(
    ("value", "reason"), [("x" * 100_000, "n_layers is 'xxx"), (10**400, "n_layers is 1000")]
)
def test_a_value_of_any_length_is_cut_short_in_the_message(value: object, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as raised:
        config_from_dict({"model_type": "distilbert", "n_layers": value})

    assert len(str(raised.value)) < 400


@pytest.mark.parametrize(
    "key",
    [
        *("dim", "n_layers", "activation", "problem_type", "id2label", "num_labels"),
        *("calibration_temperature", "quantization_config", "architectures", "model_type"),
    ],
)
@pytest.mark.parametrize("brackets", ["[]", '{"0":}'])
def test_brackets_nested_as_deeply_as_json_allows_are_one_clear_error(
    tmp_path: Path, key: str, brackets: str
) -> None:
    # From some depth on, Python can parse the file, but not print its value.
    first, last = brackets[:-1], brackets[-1]
    for depth in range(900, sys.getrecursionlimit() + 1):
        rest = json.dumps({name: value for name, value in MINIMAL.items() if name != key} | {"x": 1})
        nested = first * depth + "1" + last * depth
        (tmp_path / "config.json").write_text(f'{rest[:-1]}, "hidden_size": {nested}, "{key}": {nested}}}')

        with pytest.raises(ConfigError, match=rf"({key}|dim) (is|has)|is not JSON") as raised:
            read_config(tmp_path)
        assert len(str(raised.value)) < 1000


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs a file without end")
def test_a_file_without_end_is_never_read(tmp_path: Path) -> None:
    (tmp_path / "config.json").symlink_to("/dev/zero")

    with pytest.raises(CheckpointError, match="it is not a file"):
        read_config(tmp_path)


def test_the_size_of_the_file_is_limited(tmp_path: Path) -> None:
    with (tmp_path / "config.json").open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)

    with pytest.raises(CheckpointError, match="it has more than 67108864 bytes"):
        read_config(tmp_path)
