"""A hub, a proxy or a cache that lies: one error or the right files, and no change outside the cache."""

import hashlib
import itertools
import json
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants
from support.children import PATIENCE_SECONDS, environment, run_python, start_python
from support.hub_processes import CLASSIFY, Run, assert_answers
from support.hub_server import Handler, Hub, Repository, forged, misdescribed, sha256

from distilnp.checkpoint import hub_cache
from distilnp.checkpoint.registry import MODELS

# Many models in one process: importing the client takes longest. Every other error would end the process.
LOAD_MANY = """
import json, sys
import distilnp
outcomes = []
for model in sys.argv[1:]:
    try:
        distilnp.load(model)
        outcomes.append("")
    except distilnp.DownloadError as error:
        outcomes.append(str(error))
print(json.dumps(outcomes))
"""

# All paths that may be there afterwards, below HF_HOME.
OURS = re.compile(
    r"hub(/\.locks.*|/CACHEDIR\.TAG)?|assets(/distilnp(/[\w%.@-]+\.json)?)?|"
    r"hub/models--org--m\d+(/blobs(/([0-9a-f]{40}|[0-9a-f]{64}))?|/refs(/main)?|"
    r"/snapshots(/[0-9a-f]{40}(/(config\.json|tokenizer_config\.json|vocab\.txt|model\.safetensors))?)?)?"
)

Variables = dict[str, str | None]
Fault = Callable[[Handler], bool]


def tree(folder: Path) -> dict[str, bytes]:
    return {
        os.fspath(path.relative_to(folder)): path.read_bytes() if path.is_file() else b""
        for path in folder.rglob("*")
    }


def load_many(
    hub: Hub,
    variables: Variables,
    files: dict[str, bytes],
    faults: list[list[tuple[str, Fault]]],
    at: str = "",
) -> list[str]:
    """Load one model for each list of faults; return the errors, "" for none.

    A fault is for the requests that begin with its first part, in which {} stands for the model.
    """
    for i, some in enumerate(faults):
        hub.repositories[f"org/m{i}"] = Repository()
        hub.repositories[f"org/m{i}"].commit(files)
        for where, fault in some:
            hub.fault(where.format(f"org/m{i}/"), fault)
    models = [f"org/m{i}{at}" for i in range(len(faults))]

    run = run_python(LOAD_MANY, *models, env=environment(**variables))

    assert (run.returncode, run.stderr) == (0, "")
    outcomes: list[str] = json.loads(run.stdout)
    assert [outcome for outcome in outcomes if not outcome.isprintable() or len(outcome) > 2000] == []
    return outcomes


def assert_only_the_cache_has_grown(home: Path, outside: Path, before: dict[str, bytes]) -> None:
    assert tree(outside) == before
    assert {path.name for path in home.parent.iterdir()} <= {home.name, outside.name}
    assert [path for path in tree(home) if not OURS.fullmatch(path)] == []
    for blob in home.glob("hub/*/blobs/*"):
        content = blob.read_bytes()
        git = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        assert blob.name in (sha256(content), git)
    for path in home.glob("hub/*/snapshots/*/*"):
        assert path.resolve().parent == path.parents[2] / "blobs"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Return a folder beside the cache, with files of the user's."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "precious.json").write_text("{}")
    return folder


def silent_for_a_moment(handler: Handler) -> bool:
    """Let other downloads of the same file begin before this one ends."""
    time.sleep(0.5)
    return False


def bad_etags(outside: Path) -> list[str]:
    paths = [
        f"{outside}/new.txt",
        f"{outside}/precious.json",
        *[f"{'../' * depth}outside/{name}" for depth in range(1, 7) for name in ("new.txt", "precious.json")],
        *[f"{'a' * 40}/{'../' * depth}outside/new.txt" for depth in range(1, 7)],
        "..\\..\\..\\outside\\new.txt",
        "%2e%2e%2f%2e%2e%2fnew.txt",
        "",
        ".",
        "..",
        "/",
        "new.txt",
        "A" * 40,
        "a" * 39,
        "a" * 41,
        "a" * 63,
        "a" * 5000,
        "a" * 40 + ".incomplete",
        "caf\xe9",
        "con",
        "a\tb",
    ]
    # An ETag may be weak, and a server may forget the quotes. Six paths show that neither makes a difference.
    others = [form.format(path) for path, form in itertools.product(paths[:6], ['W/"{}"', "{}"])]
    return [*(f'"{path}"' for path in paths), *others]


def test_an_etag_never_becomes_a_path(
    hub: Hub, variables: Variables, files: dict[str, bytes], tmp_path: Path, outside: Path
) -> None:
    before = tree(outside)
    etags = bad_etags(outside)
    faults = [
        [
            (f"{method} /{{}}resolve", forged({name: etag for name in ("ETag", "X-Linked-Etag")}))
            for method in ("HEAD", "GET")
        ]
        for etag in etags
    ]

    outcomes = load_many(hub, variables, files, faults)

    assert outcomes == [""] * len(etags)  # the hash that the API states is the one that counts
    assert_only_the_cache_has_grown(tmp_path / "home", outside, before)


def test_the_header_of_a_commit_never_becomes_a_path(
    hub: Hub, variables: Variables, files: dict[str, bytes], tmp_path: Path, outside: Path
) -> None:
    before = tree(outside)
    commits = [
        "",
        "..",
        "../../../../outside",
        f"{outside}",
        "/",
        "main",
        "0" * 40,
        "a/b",
        "..\\..",
        "a" * 5000,
    ]
    faults = [[("GET /{}resolve", forged({"X-Repo-Commit": commit}))] for commit in commits]
    faults += [
        [
            (
                "GET /{}resolve",
                lambda handler, commit=commit: handler.fail(404, "EntryNotFound", "no", commit),
            ),
        ]
        for commit in commits
    ]

    outcomes = load_many(hub, variables, files, faults)

    assert outcomes[: len(commits)] == [""] * len(commits)
    assert all("one of its files is missing" in outcome for outcome in outcomes[len(commits) :])
    assert_only_the_cache_has_grown(tmp_path / "home", outside, before)


def stating(field: str, value: object, of: str = "") -> Callable[[dict[str, Any]], None]:
    """Return a change of what the server says: of a file, or of the repository."""

    def change(about: dict[str, Any]) -> None:
        places = [sibling for sibling in about["siblings"] if sibling["rfilename"] == of] if of else [about]
        for place in places:
            if field == "sha256":
                place["lfs"]["sha256"] = value
            else:
                place[field] = value

    return change


NOT_HASHES: list[object] = [
    *["", " ", "main", "..", "../../../../outside/new.txt", "/etc/hostname", "0" * 39, "0" * 41, "A" * 40],
    *[
        "0" * 63,
        "0" * 65,
        f"{'0' * 40}/..",
        f"{'0' * 40}\n",
        f"{'0' * 64}\x00",
        "\u0660" * 40,
        "\x1b[31m" * 8,
    ],
    *["x" * 100_000, 1, 1.5, True, [], {}, ["0" * 40]],
]
NOT_NAMES: list[object] = [None, ["x"], "\x1b]0;x\x07", "x\ndistilnp: all is well", "\u202e", "x" * 100_000]
NOT_SIZES: list[object] = [-1, 1.5, "5", True, [], {}, "x" * 100_000, 10**30]


@pytest.mark.parametrize(
    ("field", "of", "values"),
    [
        ("sha", "", [*NOT_HASHES, None, "0" * 64]),
        ("blobId", "config.json", [*NOT_HASHES, "0" * 40, "0" * 64]),
        ("sha256", "model.safetensors", [*NOT_HASHES, "0" * 40, "0" * 64]),
        ("size", "config.json", [*NOT_SIZES, (64 << 20) + 1, 0, 1]),
        ("size", "model.safetensors", [*NOT_SIZES, 50_000_000_001, 0, 1]),
        ("siblings", "", [None, [], 1, "config.json", [{}], *[[{"rfilename": name}] for name in NOT_NAMES]]),
    ],
)
def test_everything_that_the_hub_states_is_checked_before_it_is_used(
    hub: Hub,
    variables: Variables,
    files: dict[str, bytes],
    tmp_path: Path,
    outside: Path,
    field: str,
    of: str,
    values: list[object],
) -> None:
    before = tree(outside)
    faults = [[("GET /api/models/{}", misdescribed(stating(field, value, of)))] for value in values]

    outcomes = load_many(hub, variables, files, faults)

    assert [value for value, outcome in zip(values, outcomes, strict=True) if not outcome] == []
    assert_only_the_cache_has_grown(tmp_path / "home", outside, before)
    assert not list((tmp_path / "home").glob("assets/distilnp/*"))


def test_files_of_other_folders_are_not_fetched(
    hub: Hub, variables: Variables, files: dict[str, bytes], tmp_path: Path, outside: Path
) -> None:
    before = tree(outside)
    names = [
        "../config.json",
        f"{outside}/new.txt",
        "a/../vocab.txt",
        "model-00001-of-00002.safetensors/../x",
    ]
    faults = [
        [("GET /api/models/{}", misdescribed(lambda about, name=name: about["siblings"].append(
            {"rfilename": name, "size": 1, "blobId": "0" * 40}
        )))]
        for name in names
    ]  # fmt: skip

    assert load_many(hub, variables, files, faults) == [""] * len(names)
    assert_only_the_cache_has_grown(tmp_path / "home", outside, before)


def test_a_hub_that_states_neither_sizes_nor_hashes_is_enough(
    hub: Hub, load: Run, files: dict[str, bytes]
) -> None:
    def say_little(about: dict[str, Any]) -> None:
        about["siblings"] = [{"rfilename": sibling["rfilename"]} for sibling in about["siblings"]]

    hub.fault("GET /api/models/org/model", misdescribed(say_little))

    weights = assert_answers(load("org/model")) / "model.safetensors"

    assert weights.resolve().name == sha256(files["model.safetensors"])


def test_a_file_that_is_too_large_is_not_fetched(hub: Hub, load: Run, files: dict[str, bytes]) -> None:
    hub.repositories["org/model"].commit(files | {"config.json": b" " * (65 << 20)})

    run = load("org/model")

    assert "config.json of org/model@main has 68157440 bytes, expected at most 67108864" in run.stderr
    assert [request for request in hub.requests if "/resolve/" in request] == []


def test_a_file_without_end_is_cut_off(
    hub: Hub, variables: Variables, files: dict[str, bytes], tmp_path: Path, outside: Path
) -> None:
    sent = []

    def without_end(handler: Handler) -> bool:
        handler.send_response(200)
        handler.end_headers()
        handler.close_connection = True
        try:
            while len(sent) < 2000:
                handler.wfile.write(b"x" * (1 << 20))
                sent.append(1)
        except OSError:  # the client has hung up
            pass
        return True

    (outcome,) = load_many(hub, variables, files, [[("GET /{}resolve", without_end)]])

    assert "config.json of org/m0@main has more than" in outcome
    assert len(sent) < 200
    assert_only_the_cache_has_grown(tmp_path / "home", outside, tree(outside))


def test_a_commit_that_is_asked_for_has_to_be_the_one_that_comes(
    hub: Hub, load: Run, files: dict[str, bytes]
) -> None:
    commit = hub.repositories["org/model"].refs["main"]
    hub.fault("GET /api/models/org/model", misdescribed(stating("sha", "0" * 40)))

    run = load(f"org/model@{commit}")

    assert f"the commit that the hub states is '{'0' * 40}', expected {commit}" in run.stderr


def test_the_token_is_not_sent_to_another_host(hub: Hub, load: Run) -> None:
    tokens = {}

    def note(handler: Handler) -> bool:
        tokens[handler.path.split("/")[1]] = handler.headers.get("Authorization")
        return False

    hub.repositories["org/model"].token = "hf_secret"
    hub.fault("GET", note)

    assert_answers(load("org/model", changes={"HF_TOKEN": "hf_secret"}))

    assert tokens == {"api": "Bearer hf_secret", "org": "Bearer hf_secret", "cdn": None} | {
        name: token for name, token in tokens.items() if name not in ("api", "org", "cdn")
    }


@pytest.mark.parametrize("lacking", ["vocab.txt", "tokenizer_config.json"])
def test_files_of_the_user_are_not_deleted(
    hub: Hub, load: Run, files: dict[str, bytes], outside: Path, lacking: str
) -> None:
    folder = assert_answers(load("org/model"))
    before = tree(outside)
    (folder / "config.json").unlink()
    (folder / "config.json").symlink_to(outside / "precious.json")
    (folder / lacking).unlink()

    assert assert_answers(load("org/model")) == folder

    assert tree(outside) == before
    assert (folder / "config.json").read_bytes() == files["config.json"]
    assert (folder / "config.json").resolve().parent == folder.parents[1] / "blobs"


def test_a_folder_of_the_user_is_not_written(hub: Hub, load: Run, outside: Path) -> None:
    folder = assert_answers(load("org/model"))
    before = tree(outside)
    folder.rename(folder.with_name("away"))
    folder.symlink_to(outside)

    run = load("org/model")

    assert "is a link to" in run.stderr and "Delete the link" in run.stderr
    assert tree(outside) == before


def test_a_damaged_file_in_the_cache_is_fetched_again(hub: Hub, load: Run, files: dict[str, bytes]) -> None:
    folder = assert_answers(load("org/model"))
    (folder / "config.json").resolve().write_text("{}")
    (folder / "vocab.txt").unlink()

    assert_answers(load("org/model"))

    assert (folder / "config.json").read_bytes() == files["config.json"]


NO_LINKS = """
import os
def refuse(*_, **__): raise OSError("a required privilege is not held by the client")
os.symlink = refuse
"""


@pytest.mark.parametrize("reason", ["the system", "the client's settings"])
def test_a_cache_without_links_has_the_files_themselves(
    hub: Hub, variables: Variables, files: dict[str, bytes], tmp_path: Path, reason: str
) -> None:
    if reason == "the system":
        script, settings = NO_LINKS + CLASSIFY, {}
    elif not hasattr(constants, "HF_HUB_DISABLE_SYMLINKS"):
        pytest.skip("this client has no such setting")
    else:
        script, settings = CLASSIFY, {"HF_HUB_DISABLE_SYMLINKS": "1"}
    folder = assert_answers(run_python(script, "org/model", "{}", env=environment(**variables | settings)))

    assert not any(path.is_symlink() for path in folder.iterdir())
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        name: files[name]
        for name in ("config.json", "tokenizer_config.json", "vocab.txt", "model.safetensors")
    }
    assert list((tmp_path / "home/hub/models--org--model/blobs").iterdir()) == []


def test_processes_that_fetch_the_same_model_at_once_all_get_it(
    hub: Hub, variables: Variables, tmp_path: Path
) -> None:
    hub.fault("GET /cdn", silent_for_a_moment)
    env = environment(**variables)
    processes = [start_python(CLASSIFY, "org/model", "{}", env=env) for _ in range(3)]

    outputs = [process.communicate(timeout=PATIENCE_SECONDS) for process in processes]

    assert [process.returncode for process in processes] == [0] * 3, outputs
    assert len({output for output, _ in outputs}) == 1
    assert list((tmp_path / "home").rglob("*.incomplete")) == []


# The names of the registry


@pytest.fixture
def known(hub: Hub, files: dict[str, bytes]) -> str:
    """Return a known name that the hub has."""
    hub.repositories[MODELS[0].repository] = Repository()
    hub.repositories[MODELS[0].repository].commit(files)
    return MODELS[0].names[0]


def record_of(home: Path, name: str) -> Path:
    return home / "assets/distilnp" / f"{name}.json"


@pytest.mark.parametrize("content", ["", '{"commit": "0', '{"commit": "../../x", "sha256": {}}'])
def test_a_known_name_whose_record_cannot_be_used_is_an_error(
    hub: Hub, known: str, load: Run, command: Run, files: dict[str, bytes], tmp_path: Path, content: str
) -> None:
    assert_answers(load(known))
    hub.repositories[MODELS[0].repository].commit(files | {"README.md": b"newer"})
    record = record_of(tmp_path / "home", known)
    record.write_text(content)

    hub.requests.clear()
    runs = [command(verb, known) for verb in ("download", "verify", "info")] + [
        command("models"),
        load(known),
    ]

    assert [run.returncode for run in runs] == [1] * 5
    assert [run.stderr for run in runs if f"{record}: the record of the first fetch" not in run.stderr] == []
    assert hub.requests == []


def test_a_known_name_in_the_cache_without_a_record_gets_one(
    hub: Hub, known: str, load: Run, command: Run, files: dict[str, bytes], tmp_path: Path
) -> None:
    folder = assert_answers(load(known))
    record = record_of(tmp_path / "home", known)
    written = record.read_text()
    hub.repositories[MODELS[0].repository].commit(files | {"README.md": b"newer"})

    for use in (lambda: command("download", known), lambda: load(known)):
        record.unlink()
        verified = command("verify", known)
        assert verified.returncode == 1
        assert f"{record}: there is no record of commit {folder.name}" in verified.stderr

        run = use()

        assert (run.returncode, run.stderr) == (0, "")
        assert os.fspath(folder) in run.stdout
        assert json.loads(record.read_text()) == json.loads(written)
        assert command("verify", known).returncode == 0


@pytest.mark.parametrize(
    "name",
    ["tokenizer.json", "pytorch_model.bin", "special_tokens_map.json", "model-00001-of-00002.safetensors"],
)
def test_a_file_that_was_added_to_a_known_name_is_found(
    known: str, load: Run, command: Run, tmp_path: Path, name: str
) -> None:
    folder = assert_answers(load(known))
    (folder / "README.md").write_text("not read")
    assert command("verify", known).returncode == 0

    (folder / name).write_text("{}")

    run = command("verify", known)
    record = record_of(tmp_path / "home", known)
    assert run.returncode == 1
    assert f"{folder / name} is not in {record}: it has been added since" in run.stderr


def test_a_known_name_that_is_damaged_in_the_cache_gets_no_record(
    known: str, load: Run, tmp_path: Path
) -> None:
    weights = assert_answers(load(known)) / "model.safetensors"
    record_of(tmp_path / "home", known).unlink()
    weights.resolve().write_bytes(weights.read_bytes()[:-1] + b"\1")

    run = load(known)

    assert run.returncode == 1
    assert f"{weights} has the SHA-256" in run.stderr
    assert not record_of(tmp_path / "home", known).exists()


def test_a_record_of_a_known_name_that_cannot_be_written_is_reported(
    known: str, load: Run, tmp_path: Path
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home/assets").touch()

    for _ in range(2):
        run = load(known)
        assert run.returncode == 0
        assert f"{record_of(tmp_path / 'home', known)} cannot be written" in run.stderr


# A cache that the client reads


def test_a_reference_may_have_white_space_around_it(tmp_path: Path) -> None:
    commit = "0123456789" * 4
    (tmp_path / "refs").mkdir()
    for text in (commit, f"{commit}\n", f" {commit} ", f"{commit}\r\n", f"\t{commit}\n\n"):
        (tmp_path / "refs/main").write_text(text, newline="")
        assert hub_cache.read_ref(tmp_path, "main") == commit


@pytest.mark.parametrize(
    "content",
    [
        *[b"", b"\n", b"main", b"../../outside", b"/", b"/etc", b".", b"\xff" * 40],
        *[b"0" * 39, b"0" * 41, b"A" * 40, b"0" * 40 + b"\0", b"0" * 40 + b"/.."],
        *[b" " * 2000 + b"0" * 40, b"0" * (1 << 20)],
    ],
    ids=lambda content: f"{len(content)} bytes, {content[:12]!r}",
)
def test_a_reference_names_a_commit_or_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "refs").mkdir()
    (tmp_path / "refs/main").write_bytes(content)

    assert hub_cache.read_ref(tmp_path, "main") is None


def test_a_reference_that_is_no_file_names_nothing(tmp_path: Path) -> None:
    (tmp_path / "refs/folder").mkdir(parents=True)
    os.mkfifo(tmp_path / "refs/pipe")
    (tmp_path / "refs/device").symlink_to("/dev/zero")
    (tmp_path / "refs/circle").symlink_to("circle")
    (tmp_path / "0").write_text("0" * 40)
    revisions = [
        "folder",
        "pipe",
        "device",
        "circle",
        "none",
        "../0",
        f"{tmp_path}/0",
        ".",
        "",
        "a//b",
        "x/../../0",
    ]

    assert {hub_cache.read_ref(tmp_path, revision) for revision in revisions} == {None}


def staged(variables: Variables, repository: str, files: dict[str, bytes], ref: str | None = None) -> str:
    """Write a repository into the cache by hand; return its commit."""
    storage = Path(str(variables["HF_HOME"]), "hub", f"models--{repository.replace('/', '--')}")
    commit = "0123456789" * 4
    (storage / "snapshots" / commit).mkdir(parents=True)
    for name in ("config.json", "tokenizer_config.json", "vocab.txt", "model.safetensors"):
        (storage / "snapshots" / commit / name).write_bytes(files[name])
    if ref is not None:
        (storage / "refs").mkdir()
        (storage / "refs/main").write_text(ref.format(commit))
    return commit


def test_a_cache_that_was_filled_by_hand_is_read(
    hub: Hub, load: Run, variables: Variables, files: dict[str, bytes]
) -> None:
    commit = staged(variables, "other/model", files, "{}\n")

    assert assert_answers(load("other/model", changes={"HF_HUB_OFFLINE": "1"})).name == commit


def test_the_error_names_the_commits_that_the_cache_has(
    hub: Hub, load: Run, variables: Variables, files: dict[str, bytes]
) -> None:
    commit = staged(variables, "other/model", files)
    assert assert_answers(load(f"other/model@{commit}")).name == commit

    runs = [load("other/model", local_files_only=True), load("other/model", changes={"HF_HUB_OFFLINE": "1"})]

    for run in runs:
        assert run.stderr.endswith(f". The cache has other/model@{commit}, to load by that name\n"), (
            run.stderr
        )


MOVED = "distilbert-base-uncased-finetuned-sst-2-english"


@pytest.mark.parametrize(
    ("cached", "asked"),
    [
        (f"distilbert/{MOVED}", MOVED),
        (MOVED, f"distilbert/{MOVED}"),
        (f"distilbert/{MOVED}", MODELS[0].names[0]),
        (MOVED, MODELS[0].names[0]),
    ],
)
def test_a_repository_that_has_moved_is_found_by_each_of_its_names(
    hub: Hub, load: Run, variables: Variables, files: dict[str, bytes], cached: str, asked: str
) -> None:
    commit = staged(variables, cached, files, "{}")

    assert assert_answers(load(asked, local_files_only=True)).name == commit
    assert hub.requests == []
