"""The number of threads: the caller's, the environment's, or the system's limit."""

import os
from pathlib import Path

import pytest
from support.children import Fork
from support.seeded_models import CONFIGS, seeded_tensors, write_checkpoint

import distilnp
from distilnp.engine.thread_count import cgroup_quota, thread_count


@pytest.fixture(autouse=True)
def no_number_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISTILNP_NUM_THREADS", raising=False)


def tree(root: Path, process: str, **files: str) -> Path:
    """Write the files in /proc/self and /sys/fs/cgroup that show a process its control groups."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(process)
    for name, content in files.items():
        path = root / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def v1(folder: str, quota: int, period: int = 100_000) -> dict[str, str]:
    return {f"{folder}/cpu.cfs_quota_us": f"{quota}\n", f"{folder}/cpu.cfs_period_us": f"{period}\n"}


V1_PROCESS = "5:memory:/user\n4:cpu,cpuacct:/user/1000\n1:name=systemd:/user\n"


@pytest.mark.parametrize(
    ("process", "files", "quota"),
    [
        # version 2
        ("0::/a\n", {"a/cpu.max": "150000 100000\n"}, 1.5),
        ("0::/a\n", {"a/cpu.max": "max 100000\n"}, None),
        ("0::/a/b\n", {"a/cpu.max": "100000 100000", "a/b/cpu.max": "max 100000"}, 1),
        ("0::/a/b\n", {"a/cpu.max": "50000 100000", "a/b/cpu.max": "400000 100000"}, 0.5),
        ("0::/a/b\n", {"a/cpu.max": "400000 100000", "a/b/cpu.max": "25000 50000"}, 0.5),
        ("0::/a\n", {"b/cpu.max": "100000 100000"}, None),
        # a container: it sees its own group at the top, whatever path the host gave it
        ("0::/\n", {"cpu.max": "300000 100000\n"}, 3),
        ("0::/docker/1234\n", {"cpu.max": "300000 100000\n"}, 3),
        ("0::/../..\n", {"cpu.max": "300000 100000\n"}, 3),
        # version 1, and both versions together, where version 2 has no controllers
        (V1_PROCESS, v1("cpu,cpuacct/user/1000", 50_000), 0.5),
        (V1_PROCESS, v1("cpu,cpuacct/user/1000", -1) | v1("cpu,cpuacct/user", 200_000), 2),
        (V1_PROCESS, v1("cpu/user/1000", 200_000), 2),
        (V1_PROCESS, v1("cpu,cpuacct", 200_000), 2),
        (V1_PROCESS, v1("cpu,cpuacct/user/1000", -1), None),
        (V1_PROCESS, v1("memory/user", 50_000), None),
        (V1_PROCESS + "0::/a\n", v1("cpu,cpuacct/user/1000", 50_000), 0.5),
        ("0::/a\n", {"unified/a/cpu.max": "150000 100000\n"}, 1.5),
        # content that no kernel writes sets no limit
        ("0::/a\n", {"a/cpu.max": ""}, None),
        ("0::/a\n", {"a/cpu.max": "many 100000"}, None),
        ("0::/a\n", {"a/cpu.max": "100000 0"}, None),
        ("", {"cpu.max": "100000 100000"}, None),
        ("rubbish\n", {}, None),
    ],
)
def test_the_quota_is_the_smallest_one_of_all_control_groups(
    tmp_path: Path, process: str, files: dict[str, str], quota: float | None
) -> None:
    assert cgroup_quota(tree(tmp_path, process, **files)) == quota


def test_there_is_no_quota_without_control_groups(tmp_path: Path) -> None:
    assert cgroup_quota(tmp_path) is None


@pytest.mark.parametrize(("quota", "expected"), [(0.1, 1), (0.5, 1), (1.0, 1), (1.2, 2), (2.0, 2), (99.5, 4)])
def test_a_quota_is_rounded_up_to_at_most_the_number_of_cores(
    monkeypatch: pytest.MonkeyPatch, quota: float, expected: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(4)), raising=False)
    monkeypatch.setattr("distilnp.engine.thread_count.cgroup_quota", lambda: quota)

    assert thread_count() == expected


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity")
def test_there_are_no_more_threads_than_cores_that_the_process_may_use() -> None:
    def on_one_core() -> int:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        return thread_count()

    assert Fork(on_one_core).result() == 1
    assert 1 <= thread_count() <= len(os.sched_getaffinity(0))


def test_a_number_from_the_caller_takes_precedence_over_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISTILNP_NUM_THREADS", "7")
    assert thread_count() == 7
    assert thread_count(3) == 3

    monkeypatch.setenv("DISTILNP_NUM_THREADS", "")
    assert 1 <= thread_count() <= (os.cpu_count() or 1)


@pytest.mark.parametrize("value", ["0", "-1", "2.5", "two", "1025", "٣", " 2", "9" * 5000])
def test_a_variable_that_is_not_a_number_of_threads_is_refused(
    monkeypatch: pytest.MonkeyPatch, value: str, tmp_path: Path
) -> None:
    monkeypatch.setenv("DISTILNP_NUM_THREADS", value)
    folder = write_checkpoint(tmp_path, CONFIGS["one-layer"], seeded_tensors(CONFIGS["one-layer"]))

    with pytest.raises(distilnp.ArgumentError, match=r"DISTILNP_NUM_THREADS is .* from 1 to 1024"):
        distilnp.load(folder)


@pytest.mark.parametrize("threads", [0, -1, 1025, 2.0, "2", True])
def test_an_argument_that_is_not_a_number_of_threads_is_refused(threads: object, tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path, CONFIGS["one-layer"], seeded_tensors(CONFIGS["one-layer"]))

    with pytest.raises(distilnp.ArgumentError, match=r"threads is .* from 1 to 1024"):
        distilnp.load(folder, threads=threads)
