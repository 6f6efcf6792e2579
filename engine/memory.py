"""How a process keeps the memory it uses over and over."""

from __future__ import annotations

import ctypes
import sys

import numpy as np

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -2, -3, -8  # of malloc.h
_MADV_HUGEPAGE = 14  # of sys/mman.h
_MIB = 1 << 20
_LARGEST_MMAP_THRESHOLD = 32 * _MIB  # glibc refuses more on 64-bit machines
_HUGE_PAGE = 2 * _MIB
_BLOCK, _BLOCKS = 16 * _MIB, 64  # together a step of the paper's sizes; nothing is used before it is written to
_LITTLE = 16 * _MIB


def keep_a_little_memory() -> None:
    """Let glibc keep up to 32 MiB of what is freed, for the rest of this process; next to nothing elsewhere.

    Until a large piece was freed once, glibc asks the system for every one that is as large, and gives back what is
    free at the heap's end as soon as that is twice as much (mallopt(3), M_MMAP_THRESHOLD). A transform's blocks are
    freed and asked for a hundred times a second: up to half of Griffin-Lim's time went into clearing their pages.
    """
    np.empty(_LITTLE, np.uint8)  # freed at once, and never written to


def keep_freed_memory() -> None:
    """Tell glibc to keep what is freed, for the rest of this process; nothing on other systems.

    A training step frees and asks for the same hundreds of megabytes again. Given back to the system in between,
    every page is cleared and mapped anew: 30 000 page faults and a twelfth of a full-size step. All threads take
    from one arena, for those that further threads get of their own are given back whenever a part is empty.

    Where the system has huge pages to give, the memory is made of them: a product that walks down the columns of a
    matrix meets a new small page at every other row, and to look them all up is a twentieth of a step.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None)
    mallopt = getattr(libc, "mallopt", None)
    if mallopt is None:  # another C library
        return
    mallopt(_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD)
    mallopt(_TRIM_THRESHOLD, 2**31 - 1)
    mallopt(_TOP_PAD, 64 * _MIB)
    mallopt(_ARENA_MAX, 1)
    _ask_for_huge_pages(libc)


def _ask_for_huge_pages(libc: ctypes.CDLL) -> None:
    """Let the heap grow once to what a step needs, and ask for huge pages there."""
    libc.sbrk.restype = libc.malloc.restype = ctypes.c_void_p
    libc.sbrk.argtypes = [ctypes.c_ssize_t]
    libc.malloc.argtypes = [ctypes.c_size_t]
    libc.free.argtypes = [ctypes.c_void_p]
    libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    first = libc.sbrk(0)
    for block in [libc.malloc(_BLOCK) for _ in range(_BLOCKS)]:
        libc.free(block)
    last = libc.sbrk(0)
    first = -(-first // _HUGE_PAGE) * _HUGE_PAGE
    if last > first:
        libc.madvise(first, last - first, _MADV_HUGEPAGE)  # refused, the pages stay small
