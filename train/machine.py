"""What a run was made on, for its report."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info

from train.config import usable_cores


def describe_machine() -> dict[str, str | int]:
    """Processor, cores, memory, system, and the versions that decide the bits of a run."""
    blas = next((b for b in threadpool_info() if b["user_api"] == "blas"), None)
    facts: dict[str, str | int] = {
        "processor": _processor(),
        "cores": usable_cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
    }
    if hasattr(os, "sysconf"):
        n_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        facts["memory_gib"] = round(n_bytes / 2**30)
    if blas:
        facts["blas"] = f"{blas['internal_api']} {blas['version']} ({blas.get('architecture')})"
    return facts


def _processor() -> str:
    """`platform.processor` says nothing on Linux, where the kernel does."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
