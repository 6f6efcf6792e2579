"""Threads beside the window's rest now and then; the window's own does not."""

from __future__ import annotations

import threading

import pytest

from studio.services import background_threads
from studio.services.background_threads import awaited, unhurried


@pytest.fixture
def rests(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    made: list[float] = []
    monkeypatch.setattr(background_threads.time, "sleep", made.append)
    monkeypatch.setattr(
        background_threads.time, "monotonic", iter(range(1_000)).__next__
    )  # a second a look: always due
    return made


def test_a_thread_beside_the_windows_rests_and_leaves_nothing_out(rests: list[float]) -> None:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.extend(unhurried(range(5))))
    thread.start()
    thread.join()
    assert found == list(range(5))
    assert rests == [background_threads.PAUSE_S] * 5


def test_the_windows_own_thread_does_not_wait(rests: list[float]) -> None:
    assert list(unhurried(range(5))) == list(range(5))
    assert rests == []


def test_nobody_rests_while_the_window_waits(rests: list[float]) -> None:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.extend(unhurried(range(5))))
    with awaited():
        thread.start()
        thread.join()
    assert found == list(range(5))
    assert rests == []
    test_a_thread_beside_the_windows_rests_and_leaves_nothing_out(rests)


def test_a_stretch_is_not_broken_off_before_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    rests: list[float] = []
    monkeypatch.setattr(background_threads.time, "sleep", rests.append)
    monkeypatch.setattr(background_threads.time, "monotonic", lambda: 0.0)
    thread = threading.Thread(target=lambda: list(unhurried(range(1_000))))
    thread.start()
    thread.join()
    assert rests == []
