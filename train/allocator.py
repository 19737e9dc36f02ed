"""Telling the C library to keep freed memory for the next step."""

from __future__ import annotations

import ctypes
import platform

# From glibc's malloc.h.
M_TRIM_THRESHOLD, M_MMAP_MAX, M_ARENA_MAX = -1, -4, -8


def keep_freed_memory() -> None:
    """Reuse large arrays' memory instead of returning it to the system.

    glibc asks the system for each large array and hands it back when it is freed, so that every
    step pays for the same page faults again. Here it keeps what it has, in one arena for all
    threads. Other C libraries are left as they are.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    mallopt = ctypes.CDLL(None).mallopt
    mallopt(M_MMAP_MAX, 0)
    mallopt(M_TRIM_THRESHOLD, (1 << 31) - 1)
    mallopt(M_ARENA_MAX, 1)
