"""How many threads to compute with: the caller's number, the environment's, or the system's limit."""

import os
from pathlib import Path

from ..errors import ArgumentError
from ..foreign import shown

VARIABLE = "DISTILNP_NUM_THREADS"

# No machine has more cores, so a larger number is a mistake.
MOST = 1024


def thread_count(threads: int | None = None) -> int:
    """Return how many threads to compute with.

    Parameters
    ----------
    threads : int, optional
        The caller's number. By default that of the variable DISTILNP_NUM_THREADS, and without it as many as
        the process may use: the cores of its affinity, but no more than its control group's quota, rounded
        up.

    Raises
    ------
    ArgumentError
        `threads` or the variable is not a positive integer.
    """
    if threads is not None:
        if type(threads) is not int or not 1 <= threads <= MOST:
            raise ArgumentError(f"threads is {shown(threads)}, expected an integer from 1 to {MOST}")
        return threads
    if wish := os.environ.get(VARIABLE):
        if not wish.isascii() or not wish.isdigit() or len(wish) > 4 or not 1 <= int(wish) <= MOST:
            raise ArgumentError(f"{VARIABLE} is {shown(wish)}, expected an integer from 1 to {MOST}")
        return int(wish)
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = cgroup_quota()
    return n_cores if quota is None else max(1, min(n_cores, -int(-quota // 1)))


def cgroup_quota(root: Path = Path("/")) -> float | None:
    """Return how many cores' worth of time the process may use, or None if nothing limits it.

    The limit may be set on the control group of the process or on any group above it. Version 2 keeps it in
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
            continue  # systems that imitate Linux may write other lines
        _, controllers, path = line.split(":", 2)
        if not controllers:
            mounts = [root / "sys/fs/cgroup", root / "sys/fs/cgroup/unified"]
        elif "cpu" in controllers.split(","):
            mounts = [root / "sys/fs/cgroup" / name for name in (controllers, "cpu", "cpu,cpuacct")]
        else:
            continue
        # In a container, the path may be the host's, while the mount has the container's group at its root.
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
