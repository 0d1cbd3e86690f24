"""Half a CPU: threads that waited by spinning would use up the quota that the working threads need."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.children import environment, run_python

# The ways to make a control group with a quota: the folder of its parent, and the files that set the quota.
PERIOD = 100_000
WAYS = [
    ("sys/fs/cgroup/cpu", {"cpu.cfs_period_us": f"{PERIOD}", "cpu.cfs_quota_us": f"{PERIOD // 2}"}),
    ("sys/fs/cgroup/cpu,cpuacct", {"cpu.cfs_period_us": f"{PERIOD}", "cpu.cfs_quota_us": f"{PERIOD // 2}"}),
    ("sys/fs/cgroup", {"cpu.max": f"{PERIOD // 2} {PERIOD}"}),
]


@pytest.fixture
def half_a_cpu() -> Iterator[Path]:
    """Make a control group whose processes share half a CPU; yield the file that takes process ids."""
    for parent, settings in WAYS:
        group = Path("/", parent, f"distilnp-test-{os.getpid()}")
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            for file, content in settings.items():
                (group / file).write_text(content)
            yield group / "cgroup.procs"
            return
        except OSError:
            continue
        finally:
            group.rmdir()
    pytest.skip("no control group can be made here")


SCRIPT = """
import json, os, sys, threading
with open(sys.argv[1], "w") as file:
    file.write(str(os.getpid()))

from support.seeded_models import CONFIGS, packed, seeded_ids, seeded_tensors
from support.engines import compiled_engine
from distilnp.engine.thread_count import thread_count

config = CONFIGS["odd-sizes"]
inputs = [seeded_ids(config.vocab_size, 1 + 7 * i % 40, seed=i) for i in range(4)]
engine = compiled_engine(packed(seeded_tensors(config), config), int(sys.argv[2]) or thread_count())
alone = engine.forward(inputs).tobytes()
answers = []

def call():
    for _ in range(500):
        answers.append(engine.forward(inputs).tobytes())

callers = [threading.Thread(target=call) for _ in range(8)]
for caller in callers:
    caller.start()
for caller in callers:
    caller.join()
print(json.dumps([thread_count(), len(answers), set(answers) == {alone}]))
"""


@pytest.mark.parametrize("threads", [0, 2])
def test_eight_callers_get_the_same_bits_under_a_quota(half_a_cpu: Path, threads: int) -> None:
    run = run_python(SCRIPT, half_a_cpu, threads, env=environment())

    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == [1, 4000, True]
