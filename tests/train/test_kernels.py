"""Which BLAS kernels a process that imports `train` gets."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from train import kernels

ZEN_3 = "vendor_id\t: AuthenticAMD\ncpu family\t: 25\nflags\t\t: fpu avx2\n"
ZEN_4 = "vendor_id\t: AuthenticAMD\ncpu family\t: 25\nflags\t\t: fpu avx2 avx512f\n"
ZEN_5 = "vendor_id\t: AuthenticAMD\ncpu family\t: 26\nflags\t\t: fpu avx2 avx512f\n"
XEON = "vendor_id\t: GenuineIntel\ncpu family\t: 6\nflags\t\t: fpu avx2 avx512f\n"


@pytest.mark.parametrize(
    ("cpuinfo", "before", "after"),
    [
        (ZEN_3, None, None),
        (ZEN_4, None, "Haswell"),
        (f"{ZEN_4}\nprocessor\t: 1\n{ZEN_4}", None, "Haswell"),
        (ZEN_4, "SkylakeX", "SkylakeX"),
        (ZEN_5, None, None),
        (XEON, None, None),
        ("processor\t: 0\nBogoMIPS\t: 50.00\n", None, None),
        (None, None, None),
    ],
)
def test_only_zen_4_gets_other_kernels_than_openblas_would_take(
    cpuinfo, before, after, monkeypatch, tmp_path
):
    if cpuinfo is not None:
        (tmp_path / "cpuinfo").write_text(cpuinfo)
    monkeypatch.setattr(kernels, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setenv("OPENBLAS_CORETYPE", "")  # so that the end of the test restores it
    monkeypatch.delenv("OPENBLAS_CORETYPE")
    if before is not None:
        monkeypatch.setenv("OPENBLAS_CORETYPE", before)
    kernels.choose_kernels()
    assert os.environ.get("OPENBLAS_CORETYPE") == after


def test_they_are_chosen_before_numpy_is_loaded():
    code = "import sys, train.kernels; print('numpy' in sys.modules)"
    root = Path(kernels.__file__).parents[1]
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root)
    assert found.stdout == "False\n"
