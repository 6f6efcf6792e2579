"""Garbage collector: widgets and timers die in the window's thread, whoever allocates."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from studio.services.garbage_collector import Collector


class Ring:
    """Something that only the cyclic collector can free; it notes the thread that does."""

    freed: list[int]

    def __init__(self, freed: list[int]) -> None:
        self.freed = freed
        self.me = self

    def __del__(self) -> None:
        self.freed.append(threading.get_ident())


@pytest.fixture
def collector(qtbot: QtBot) -> Iterator[Collector]:
    made = Collector()
    yield made
    made.stop()
    assert gc.isenabled()


def litter() -> None:
    """Allocate enough for several collections."""
    for _ in range(200):
        [[] for _ in range(1000)]
        kept = [{} for _ in range(1000)]
    del kept


def test_another_thread_that_allocates_frees_nothing_of_ours(collector: Collector, qtbot: QtBot) -> None:
    freed: list[int] = []
    Ring(freed)
    thread = threading.Thread(target=litter)
    thread.start()
    thread.join()
    assert freed == []
    kept: list[list[int]] = []

    def is_freed() -> bool:
        # A collection is due, whatever is allocated meanwhile, or freed: an earlier test's window may only die now.
        kept.extend([] for _ in range(2 * gc.get_threshold()[0]))
        return bool(freed)

    qtbot.waitUntil(is_freed, timeout=10_000)
    assert freed == [threading.get_ident()]


def test_nothing_is_left_lying_for_good(collector: Collector) -> None:
    freed: list[int] = []
    gc.collect()
    Ring(freed)
    for _ in range(200):
        kept = [[] for _ in range(2_000)]
        collector.look()
    del kept
    assert freed


def test_what_was_set_aside_is_looked_at_again_once_it_stops(collector: Collector) -> None:
    gc.collect()
    freed: list[int] = []
    kept = Ring(freed)
    collector.set_aside()
    del kept
    gc.collect()
    assert freed == []
    collector.stop()
    gc.collect()
    assert len(freed) == 1
