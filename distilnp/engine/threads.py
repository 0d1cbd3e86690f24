"""How many threads: what the caller says, the user's environment, or the system's limits."""

import os
from pathlib import Path

from ..errors import ArgumentError

VARIABLE = "DISTILNP_NUM_THREADS"

# More than any machine has; a larger number is a mistake.
MOST = 1024


def thread_count(threads: int | None = None) -> int:
    """Return how many threads to compute with.

    Parameters
    ----------
    threads : int, optional
        The caller's wish. By default that of the variable DISTILNP_NUM_THREADS, else as many as the process
        may use: cores by its affinity, and no more than its control group's quota (rounded up).

    Raises
    ------
    ArgumentError
        `threads` or the variable is not a positive integer.
    """
    if threads is not None:
        if type(threads) is not int or not 1 <= threads <= MOST:
            raise ArgumentError(f"threads is {threads!r}, expected an integer from 1 to {MOST}")
        return threads
    if wish := os.environ.get(VARIABLE):
        if not wish.isascii() or not wish.isdigit() or len(wish) > 4 or not 1 <= int(wish) <= MOST:
            raise ArgumentError(f"{VARIABLE} is {wish!r}, expected an integer from 1 to {MOST}")
        return int(wish)
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = cgroup_quota()
    return n_cores if quota is None else max(1, min(n_cores, -int(-quota // 1)))


def cgroup_quota(root: Path = Path("/")) -> float | None:
    """Return how many cores' time the process may use, or None where nothing limits it.

    The control group of a process may be limited itself or by any of those above it: version 2 says so in
    `cpu.max` (https://docs.kernel.org/admin-guide/cgroup-v2.html), version 1 in two files
    (https://docs.kernel.org/scheduler/sched-bwc.html).
    """
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return None
    quotas = []
    for line in lines:
        if line.count(":") < 2:
            continue  # what imitates Linux need not do so well
        _, controllers, path = line.split(":", 2)
        if not controllers:
            mounts = [root / "sys/fs/cgroup", root / "sys/fs/cgroup/unified"]
        elif "cpu" in controllers.split(","):
            mounts = [root / "sys/fs/cgroup" / name for name in (controllers, "cpu", "cpu,cpuacct")]
        else:
            continue
        # In a container, the path may be the host's, while the mount shows its own group at the root.
        group = Path(path.lstrip("/"))
        for mount in mounts:
            for folder in (group, *group.parents):
                quota = _quota_v1(mount / folder) if controllers else _quota_v2(mount / folder)
                if quota is not None:
                    quotas.append(quota)
    return min(quotas, default=None)


def _quota_v2(folder: Path) -> float | None:
    try:
        quota, period = (folder / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None


def _quota_v1(folder: Path) -> float | None:
    try:
        quota = int((folder / "cpu.cfs_quota_us").read_text())
        period = int((folder / "cpu.cfs_period_us").read_text())
        return quota / period if quota > 0 else None
    except (OSError, ValueError, ZeroDivisionError):
        return None
