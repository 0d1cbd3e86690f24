"""The name of the machine, for the headings of results."""

import platform
from pathlib import Path


def cpu() -> str:
    """Return the number of processors and their name, if the system states it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.processor() or platform.machine()
