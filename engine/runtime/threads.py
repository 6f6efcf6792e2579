"""How many threads a computation is shared out to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits


def available_threads() -> int:
    """Threads that a library may use: what OpenMP is told, else every processor that the process may use."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    if wanted.isdigit() and int(wanted) > 0:
        return int(wanted)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def one_thread() -> Iterator[None]:
    """Within it, torch's operations keep to the thread that asks for them.

    torch shares out operation by operation, and each waits for sleeping threads to wake. Where an operation takes a
    tenth of a millisecond that takes longer than a second core saves: Griffin-Lim on two cores took 2.6 times as
    long as on one. And how a sum is divided among threads changes its last digits; here it never is.
    """
    import torch  # maps and probes need the other one alone

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Within it, matrix products and eigenvectors of numpy and scipy keep to the thread that asks for them.

    A BLAS's threads wait for one another at every step, by turning in circles. Where other work is on the machine,
    the one that is waited for has no processor: the eigenvectors of 512 dimensions, a matter of 50 ms, then take
    seconds, and nobody can look meanwhile whether they are still wanted.
    """
    with threadpool_limits(1, user_api="blas"):
        yield
