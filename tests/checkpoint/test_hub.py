"""Checkpoints from a hub: the real client, in processes of their own, against a server on loopback."""

import ctypes
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.children import PATIENCE_SECONDS, environment, run_python, start_python
from support.hub_processes import CLASSIFY, Run, assert_answers, assert_fails
from support.hub_server import Hub, Repository, altered, cut, git_hash, sha256, silent, status

from distilnp.checkpoint.registry import MODELS


def asked(hub: Hub) -> list[str]:
    """Return the requests about models: the client also sends requests of its own."""
    return [request for request in hub.requests if "/model" in request or "/cdn/" in request]


def test_only_files_that_are_read_are_fetched_and_only_once(
    hub: Hub, load: Run, files: dict[str, bytes]
) -> None:
    folder = assert_answers(load("org/model"))

    weights = sha256(files["model.safetensors"])
    assert hub.downloads()[-4:] == ["config.json", "tokenizer_config.json", "vocab.txt", weights]
    assert {path.name for path in folder.iterdir()} == {
        "config.json",
        "tokenizer_config.json",
        "vocab.txt",
        "model.safetensors",
    }

    hub.requests.clear()
    assert_answers(load("org/model"))
    assert_answers(load("org/model", changes={"HF_HUB_OFFLINE": "1"}))
    assert_answers(load("org/model", local_files_only=True))
    assert hub.requests == []


def test_the_cache_is_read_without_the_client_s_transport(
    load: Run, variables: dict[str, str | None]
) -> None:
    assert_answers(load("org/model"))

    script = CLASSIFY + "print(*sys.modules)"
    modules = run_python(script, "org/model", "{}", env=environment(**variables)).stdout.split()

    assert "huggingface_hub.constants" in modules
    assert {"httpx", "httpx2", "requests", "tqdm", "huggingface_hub.file_download"}.isdisjoint(modules)


# Fetches single files, as transformers and other libraries do when they need one.
FETCH = """
import sys
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError
for name in sys.argv[2:]:
    try:
        hf_hub_download(sys.argv[1], name)
    except EntryNotFoundError:
        pass
"""


def test_files_that_another_library_has_cached_are_completed(
    hub: Hub, load: Run, variables: dict[str, str | None], files: dict[str, bytes]
) -> None:
    needed = ["config.json", "vocab.txt", "model.safetensors"]
    run_python(FETCH, "org/model", *needed, env=environment(**variables))

    hub.requests.clear()
    folder = assert_answers(load("org/model"))  # tokenizer_config.json might say that the model is cased

    assert hub.downloads()[-1] == "tokenizer_config.json"
    assert (folder / "tokenizer_config.json").is_file()


def test_a_file_that_does_not_exist_is_not_asked_for_again(
    hub: Hub, load: Run, variables: dict[str, str | None], files: dict[str, bytes]
) -> None:
    del (lacking := dict(files))["tokenizer_config.json"]
    hub.repositories["org/ours"] = hub.repositories["org/others"] = Repository()
    hub.repositories["org/ours"].commit(lacking)
    assert_answers(load("org/ours"))
    run_python(FETCH, "org/others", *files, env=environment(**variables))

    hub.requests.clear()
    assert_answers(load("org/ours"))
    assert_answers(load("org/others"))
    assert hub.requests == []


def test_a_branch_stays_until_it_is_downloaded_again(
    hub: Hub, load: Run, command: Run, files: dict[str, bytes]
) -> None:
    first = assert_answers(load("org/model"))
    newer = hub.repositories["org/model"].commit(files | {"README.md": b"newer"})

    assert assert_answers(load("org/model")) == first
    assert Path(command("download", "org/model").stdout.strip()).name == newer
    assert assert_answers(load("org/model")).name == newer
    assert assert_answers(load(f"org/model@{first.name}")) == first


def test_a_pinned_commit_is_not_asked_for(hub: Hub, load: Run, command: Run) -> None:
    commit = hub.repositories["org/model"].refs["main"]
    assert assert_answers(load(f"org/model@{commit}")).name == commit

    hub.requests.clear()
    assert_answers(load(f"org/model@{commit}"))
    assert command("download", f"org/model@{commit}").returncode == 0
    assert hub.requests == []


@pytest.mark.parametrize("revision", ["v1.0", "refs/pr/5", "a/branch"])
def test_tags_branches_and_pull_requests_can_be_named(
    hub: Hub, load: Run, files: dict[str, bytes], revision: str
) -> None:
    commit = hub.repositories["org/model"].commit(files | {"README.md": revision.encode()}, revision)

    assert assert_answers(load(f"org/model@{revision}")).name == commit

    hub.requests.clear()
    assert assert_answers(load(f"org/model@{revision}")).name == commit
    assert hub.requests == []


def test_a_repository_may_have_moved_from_a_name_without_organization(
    hub: Hub, load: Run, files: dict[str, bytes]
) -> None:
    hub.moved["model-of-old"] = "org/model"

    assert_answers(load("model-of-old"))


def test_shards_are_fetched_before_the_index_that_makes_them_whole(
    hub: Hub, command: Run, files: dict[str, bytes]
) -> None:
    shards = {f"model-0000{i}-of-00002.safetensors": bytes([i]) * 50 for i in (1, 2)}
    index = {"model.safetensors.index.json": b"{}"}
    small = {name: content for name, content in files.items() if name.endswith((".json", ".txt", ".bin"))}
    hub.repositories["org/model"].commit(small | shards | index)

    run = command("download", "org/model")

    assert run.stderr == ""
    assert {path.name for path in Path(run.stdout.strip()).iterdir()} == {
        "config.json",
        "tokenizer_config.json",
        "vocab.txt",
        *shards,
        *index,
    }
    hub.requests.clear()
    assert command("download", "org/model", HF_HUB_OFFLINE="1").returncode == 1  # `download` renews a branch
    commit = hub.repositories["org/model"].refs["main"]
    assert command("download", f"org/model@{commit}", HF_HUB_OFFLINE="1").returncode == 0

    (Path(run.stdout.strip()) / next(iter(shards))).unlink()
    assert command("download", f"org/model@{commit}", HF_HUB_OFFLINE="1").returncode == 1


def test_a_pytorch_file_is_fetched_if_there_is_nothing_better(
    hub: Hub, command: Run, files: dict[str, bytes]
) -> None:
    hub.repositories["org/model"].commit(
        {name: content for name, content in files.items() if name != "model.safetensors"}
    )

    run = command("download", "org/model")

    assert sha256(files["pytorch_model.bin"]) in hub.downloads()
    assert (Path(run.stdout.strip()) / "pytorch_model.bin").is_file()


@pytest.mark.parametrize(
    ("lacking", "words"),
    [
        ("config.json", "org/model@main holds 'README.md, "),
        ("vocab.txt", "and no tokenizer.json or vocab.txt. "),
        ("model.safetensors", "no model.safetensors or model.safetensors.index.json or pytorch_model.bin. "),
    ],
)
def test_the_error_names_the_file_that_a_repository_lacks(
    hub: Hub, load: Run, files: dict[str, bytes], lacking: str, words: str
) -> None:
    hub.repositories["org/model"].commit(
        {name: content for name, content in files.items() if name not in (lacking, "pytorch_model.bin")}
    )

    assert_fails(load("org/model"), "org/model@main", words, "save_pretrained")
    assert hub.downloads() in ([], ["agent-harnesses"])


API = "GET /api/models/org/model"


@pytest.mark.parametrize(
    ("where", "what", "words"),
    [
        (API, status(401, message="Invalid credentials in Authorization header"), ["HTTP 401", "HF_TOKEN"]),
        (API, status(403, "GatedRepo", "Access is restricted"), ["asked for at", "HF_TOKEN"]),
        (API, status(404, "RepoNotFound"), ["no repository 'org/model'", "Check the name", "HF_TOKEN"]),
        (API, status(404, "RevisionNotFound"), ["no revision 'main'", "branch"]),
        (API, status(429), ["HTTP 429", "Wait"]),
        (API, status(500), ["HTTP 500", "Try again later"]),
        (API, status(503), ["HTTP 503", "Try again later"]),
        (API, silent(3), ["did not answer in time", "HF_HUB_DOWNLOAD_TIMEOUT"]),
        (API, silent(0), ["the connection broke", "try again"]),
        (
            "GET /org/model/resolve",
            status(404, "EntryNotFound"),
            ["one of its files is missing", "Try again"],
        ),
        ("GET /org/model/resolve", status(401), ["HTTP 401", "HF_TOKEN"]),
        ("GET /cdn", status(403), ["HTTP 403", "HF_TOKEN"]),
        ("GET /cdn", status(500), ["HTTP 500", "Try again later"]),
        ("GET /cdn", altered(lambda content: content[:-1]), ["try again"]),
    ],
)
def test_a_server_that_fails_is_one_clear_error(
    hub: Hub, load: Run, where: str, what: Callable[[object], bool], words: list[str]
) -> None:
    hub.fault(where, what)

    assert_fails(
        load("org/model", changes={"HF_HUB_DOWNLOAD_TIMEOUT": "1"}),
        "no model 'org/model' here",
        "org/model@main cannot be fetched",
        *words,
    )

    hub.faults.clear()
    assert_answers(load("org/model"))


def test_a_server_that_is_not_there_is_one_clear_error(hub: Hub, load: Run) -> None:
    run = load("org/model", changes={"HF_ENDPOINT": "http://127.0.0.1:9"})  # the port "discard"

    assert_fails(run, "http://127.0.0.1:9 cannot be reached", "HF_ENDPOINT")


def test_the_error_of_offline_mode_says_how_to_leave_it(hub: Hub, load: Run) -> None:
    assert_fails(load("org/model", changes={"HF_HUB_OFFLINE": "1"}), "HF_HUB_OFFLINE", "Unset it")
    assert_fails(load("org/model", local_files_only=True), "local_files_only=True", "distilnp download org")
    assert hub.requests == []


def test_a_name_that_the_hub_does_not_allow_is_one_clear_error(hub: Hub, load: Run) -> None:
    assert_fails(load("org/a--b"), "org/a--b@main cannot be fetched", "cannot be the name of a repository")
    assert asked(hub) == []


def test_without_the_client_the_error_says_how_to_install_it(variables: dict[str, str | None]) -> None:
    script = 'import sys; sys.modules["huggingface_hub"] = None' + CLASSIFY

    run = run_python(script, "org/model", "{}", env=environment(**variables))

    assert_fails(run, "org/model@main cannot be fetched", "pip install huggingface_hub")


def test_a_private_repository_needs_its_token(hub: Hub, load: Run) -> None:
    hub.repositories["org/model"].token = "hf_secret"

    assert_fails(load("org/model"), "private", "HF_TOKEN")
    assert_fails(load("org/model", changes={"HF_TOKEN": "hf_other"}), "private", "HF_TOKEN")
    assert_fails(load("org/model", changes={"HF_TOKEN": "invalid"}), "HTTP 401", "HF_TOKEN")
    assert_answers(load("org/model", changes={"HF_TOKEN": "hf_secret"}))
    assert_answers(load("org/model"))  # the cache needs none


def test_a_cut_connection_resumes_or_restarts(hub: Hub, load: Run, files: dict[str, bytes]) -> None:
    hub.fault("GET /cdn", cut(after=10_000, times=1))

    run = load("org/model")

    if run.returncode:  # a client before 2.4
        assert_fails(run, "the connection broke", "try again")
        run = load("org/model")
    else:
        assert "Trying to resume" in run.stderr  # the client's message
    weights = Path(run.stdout.split()[1]) / "model.safetensors"
    assert weights.read_bytes() == files["model.safetensors"]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_an_interrupted_download_is_not_taken_for_a_whole_checkpoint(
    hub: Hub, load: Run, variables: dict[str, str | None], files: dict[str, bytes], how: signal.Signals
) -> None:
    hub.fault("GET /cdn", silent(PATIENCE_SECONDS))
    with start_python(CLASSIFY, "org/model", "{}", env=environment(**variables)) as process:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not any("/cdn/" in request for request in hub.requests) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(how)
        process.communicate(timeout=PATIENCE_SECONDS)
    hub.faults.clear()

    assert_fails(load("org/model", local_files_only=True), "not whole")
    folder = assert_answers(load("org/model"))
    assert (folder / "model.safetensors").read_bytes() == files["model.safetensors"]


def test_a_file_without_the_hash_that_the_hub_states_is_not_kept(hub: Hub, load: Run) -> None:
    hub.fault("GET /cdn", altered(lambda content: content[:-1] + bytes([content[-1] ^ 1])))

    run = load("org/model")
    assert_fails(run, "model.safetensors of org/model@main has the hash", "the hub states", "HF_ENDPOINT")

    hub.faults.clear()
    assert_answers(load("org/model"))


def test_a_commit_that_is_fetched_again_has_to_have_the_same_files(
    hub: Hub, load: Run, files: dict[str, bytes], tmp_path: Path
) -> None:
    assert_answers(load("org/model"))
    (tmp_path / "home/hub").rename(tmp_path / "home/away")
    commit = hub.repositories["org/model"].refs["main"]
    other = files | {"vocab.txt": files["vocab.txt"].replace(b"w5\nw6", b"w6\nw5")}
    hub.repositories["org/model"].commits[commit] = other

    run = load("org/model")

    expected, came = sha256(files["vocab.txt"]), sha256(other["vocab.txt"])
    assert_fails(run, f"vocab.txt of org/model@main has the hash {came}, expected {expected}")


def without_rights_of_root() -> None:
    """Make file modes count for this process and its children even if it is root."""
    ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE


def make_read_only(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o555 if path.is_dir() else 0o444)


def make_writable(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Callable[[], None]]:
    """Return a function that makes the cache read-only until the end of the test."""
    yield lambda: make_read_only(tmp_path / "home")
    make_writable(tmp_path / "home")


needs_linux = pytest.mark.skipif(
    sys.platform != "linux", reason="drops the rights of root in the way of Linux"
)


@needs_linux
def test_a_read_only_cache_can_be_read(hub: Hub, load: Run, read_only: Callable[[], None]) -> None:
    assert_answers(load("org/model"))
    read_only()

    hub.requests.clear()
    assert_answers(load("org/model", preexec_fn=without_rights_of_root))
    assert hub.requests == []


@needs_linux
def test_a_cache_that_cannot_be_written_is_one_clear_error(
    hub: Hub, load: Run, read_only: Callable[[], None], tmp_path: Path
) -> None:
    (tmp_path / "home").mkdir()
    read_only()

    run = load("org/model", preexec_fn=without_rights_of_root)

    assert_fails(run, f"{tmp_path}/home/hub cannot be written (Permission denied)", "HF_HOME")


@needs_linux
def test_records_that_cannot_be_written_are_no_error(hub: Hub, load: Run, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home/assets").touch()

    assert_answers(load("org/model"))


@needs_linux
def test_a_full_disk_is_one_clear_error(hub: Hub, load: Run, files: dict[str, bytes]) -> None:
    # A process with a limit on the size of its files gets an error like that of a full disk.
    limit = len(files["model.safetensors"]) - 1

    run = load("org/model", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))

    assert_fails(run, "cannot be written (File too large)", "HF_HOME")
    assert_answers(load("org/model"))


def test_nothing_but_the_answer_is_printed_without_a_terminal(hub: Hub, command: Run) -> None:
    run = command("download", "org/model")

    assert run.stderr == ""
    assert Path(run.stdout.strip(), "model.safetensors").is_file()


@pytest.mark.parametrize("name", [name for row in MODELS for name in row.names])
def test_a_known_name_always_means_the_commit_that_was_fetched_first(
    hub: Hub, load: Run, command: Run, files: dict[str, bytes], name: str
) -> None:
    row = next(row for row in MODELS if name in row.names)
    hub.repositories[row.repository] = Repository()
    commit = hub.repositories[row.repository].commit(files)

    run = load(name)
    assert run.stderr == ""
    label, folder = run.stdout.split()
    assert label in row.labels.values()
    assert Path(folder).name == commit

    hub.repositories[row.repository].commit(files | {"README.md": b"newer"})
    assert command("download", name).stdout.strip() == folder
    assert f"{commit[:12]}, recorded" in command("models").stdout
    assert command("verify", name).stdout.count("as expected") == 4
    assert command("verify", row.names[0]).returncode == 0


def test_labels_that_differ_from_the_table_are_refused(hub: Hub, load: Run, files: dict[str, bytes]) -> None:
    row = MODELS[1]
    config = json.loads(files["config.json"]) | {"id2label": {"0": "LABEL_0", "1": "LABEL_1"}}
    hub.repositories[row.repository] = Repository()
    hub.repositories[row.repository].commit(files | {"config.json": json.dumps(config).encode()})

    run = load(row.names[0])

    assert run.stderr.startswith("CheckpointError: ") and "('LABEL_0', 'LABEL_1'), expected" in run.stderr


def test_verify_finds_a_changed_file(hub: Hub, load: Run, command: Run) -> None:
    assert "distilnp download org/model" in command("verify", "org/model").stderr
    folder = assert_answers(load("org/model"))
    assert command("verify", "org/model").stdout.count("as expected") == 4
    assert command("verify", os.fspath(folder)).stdout.count("no hash is known") == 4

    weights = (folder / "model.safetensors").resolve()
    weights.write_bytes(weights.read_bytes()[:-1] + b"\0")

    run = command("verify", "org/model")
    assert run.returncode == 1
    assert "model.safetensors has the SHA-256" in run.stderr and "download it again" in run.stderr


def test_models_are_listed_without_a_request(hub: Hub, command: Run) -> None:
    run = command("models")

    assert run.stderr == ""
    assert hub.requests == []
    for row in MODELS:
        assert all(name in run.stdout for name in row.names)
    assert [line.split()[1] for line in run.stdout.splitlines() if line.startswith("sst2-mini")] == [
        "bundled"
    ]


@pytest.mark.parametrize(
    "name",
    [
        *["org/model@../x", "../no-such-folder", "a/b/c", "org/model@", "org/mödel", "", "@main", " "],
        *["./model", "~/model", "/org/model", "org/model.safetensors", "sst2", "x" * 300, "x@/dev/zero"],
    ],
)
def test_no_request_is_sent_for_an_impossible_name(hub: Hub, load: Run, name: str) -> None:
    run = load(name)

    assert run.stderr.startswith("ModelNotFoundError: no model ") and "org/name@revision" in run.stderr
    assert hub.requests == []


def test_the_server_states_hashes_as_git_computes_them() -> None:
    # The example in git's documentation.
    assert git_hash(b"hello\n") == "ce013625030ba8dba906f756967f9e9ca394464a"


def test_a_checkpoint_from_the_hub_is_called_like_its_repository(load: Run, command: Run) -> None:
    assert_answers(load("org/model"))

    assert json.loads(command("info", "org/model", "--format", "json").stdout)["name"] == "model"
