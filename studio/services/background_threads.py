"""Background threads of Python work in stretches with pauses, because the window runs under the same lock.

The window needs the lock for every cell that it draws. A thread that computes lets it have the lock once in five
milliseconds, so as long as the thread works the window would do little. In a pause it gets the lock at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

STRETCH_S = 0.0005
PAUSE_S = 0.002

T = TypeVar("T")
_awaited = threading.Event()  # the window does nothing but wait


def unhurried(items: Iterable[T]) -> Iterator[T]:
    """The same items. Whoever goes through them in another thread than the window's rests now and then."""
    if threading.get_ident() == threading.main_thread().ident:  # the window itself waits: nobody to give way to
        yield from items
        return
    until = time.monotonic() + STRETCH_S
    for item in items:
        yield item
        if time.monotonic() >= until and not _awaited.is_set():
            time.sleep(PAUSE_S)
            until = time.monotonic() + STRETCH_S


@contextmanager
def awaited() -> Iterator[None]:
    """As long as the window waits for what threads do, they do not rest."""
    _awaited.set()
    try:
        yield
    finally:
        _awaited.clear()
