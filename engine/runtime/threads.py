"""How many threads torch's operations are shared out to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Within it, torch's operations keep to the thread that asks for them.

    torch shares out operation by operation, and each waits for sleeping threads to wake. Where an operation takes a
    tenth of a millisecond that takes longer than a second core saves: Griffin-Lim on two cores took 2.6 times as
    long as on one. And how a sum is divided among threads changes its last digits; here it never is.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
