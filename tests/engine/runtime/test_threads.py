"""Work on one thread: torch shares nothing out meanwhile, and shares out as before afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from engine.api.specs import AudioSpec
from engine.audio.mel import MelFrontEnd
from engine.audio.vocoders.griffin_lim import griffin_lim
from engine.runtime.threads import available_threads, one_thread


@pytest.fixture(autouse=True)
def threads_as_before() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_torch_has_one_thread_within_it_and_as_many_as_before_after_an_error() -> None:
    seen = []

    @one_thread()
    def fails() -> None:
        seen.append(torch.get_num_threads())
        raise MemoryError

    torch.set_num_threads(3)
    with pytest.raises(MemoryError):
        fails()
    assert seen == [1]
    assert torch.get_num_threads() == 3


def test_a_library_may_use_the_threads_that_openmp_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert available_threads() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    assert available_threads() >= 1


def test_griffin_lim_makes_the_same_sound_however_many_threads_torch_may_use() -> None:
    spec = AudioSpec()
    magnitude = torch.rand(spec.bins, 400, generator=torch.Generator().manual_seed(0))
    sounds = []
    for threads in (1, 2, 4):
        torch.set_num_threads(threads)
        sounds.append(griffin_lim(magnitude, MelFrontEnd(spec), samples=399 * spec.hop_samples, iterations=3))
        assert torch.get_num_threads() == threads
    assert torch.equal(sounds[0], sounds[1])
    assert torch.equal(sounds[0], sounds[2])
