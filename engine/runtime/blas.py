"""Matrix products on the thread that asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits


@contextmanager
def on_one_thread() -> Iterator[None]:
    """Within it, products and eigenvectors of numpy and scipy do without threads of their own.

    A BLAS's threads wait for one another at every step, by turning in circles. Where other work is on the machine,
    the one that is waited for has no processor: the eigenvectors of 512 dimensions, a matter of 50 ms, then take
    seconds, and nobody can look meanwhile whether they are still wanted.
    """
    with threadpool_limits(1, user_api="blas"):
        yield
