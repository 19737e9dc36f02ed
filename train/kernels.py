"""Telling OpenBLAS which of its kernels are fastest here."""

from __future__ import annotations

import os
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
"""Linux's description of the processors."""


def choose_kernels() -> None:
    """Have OpenBLAS use its AVX2 kernels on the first processors of AMD with AVX-512.

    Zen 4 runs each AVX-512 instruction in two halves, and the AVX-512 kernels, which OpenBLAS
    takes there, are slower than those for AVX2 (`python -m bench.kernels`). OpenBLAS reads
    the variable when NumPy loads it: afterwards this changes nothing. A value that is set already
    stays.
    """
    if _is_zen_4():
        os.environ.setdefault("OPENBLAS_CORETYPE", "Haswell")


def _is_zen_4() -> bool:
    if not CPUINFO.is_file():
        return False
    processor = CPUINFO.read_text().partition("\n\n")[0]
    lines = (line.partition(":") for line in processor.splitlines())
    facts = {name.strip(): value.strip() for name, _, value in lines}
    return (
        facts.get("vendor_id") == "AuthenticAMD"
        and facts.get("cpu family") == "25"
        and "avx512f" in facts.get("flags", "").split()
    )
