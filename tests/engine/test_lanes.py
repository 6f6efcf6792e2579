"""Threads that share a step learn what one thread learns, always the same, and never wait for one that failed."""

from __future__ import annotations

import copy
import dataclasses
import threading
from collections.abc import Iterator

import pytest
import torch
from small_runs import MODEL, changed
from torch import Tensor

from engine import ranks
from engine.lanes import Lanes
from engine.launched import Place
from engine.model import AuxVAE
from engine.objective import TERM_NAMES, terms
from engine.products import bfloat16_pays
from engine.ranks import Ranks, Share, sharing
from engine.specs import AudioSpec, ModelSpec
from engine.views import Batch, for_training

# Levels, contrast, and pieces whose h and z are drawn row by row
TIMESCALE = dataclasses.replace(MODEL, views="timescale", sounds=3, latent=96)
TRAIN = changed(alpha=0.3, beta=0.2, gamma=0.1, contrast=0.5)
PIECES, FRAMES = 7, 96


def model_of(spec: ModelSpec) -> AuxVAE:
    torch.manual_seed(0)
    model = AuxVAE(spec)
    model.set_scaling(torch.full((spec.bands,), -5.0), torch.tensor(1.5))
    if model.hears_levels:
        model.sound_weights.fill_(1.0 / spec.sounds)
        model.sound_means.normal_()
        model.sound_offsets.normal_(0.0, 0.5)
    return model


def step(model: AuxVAE, threads: int, half: bool = False) -> dict[str, Tensor]:
    """Terms, gradients, buffers and the generator after a step over seven pieces, one of them short."""
    torch.manual_seed(1)
    bands = model.spec.bands
    mel, other = 1.5 * torch.randn(2, PIECES, FRAMES, bands) - 5.0
    f0 = torch.where(torch.rand(PIECES, FRAMES) < 0.6, 120.0 + 60.0 * torch.rand(PIECES, FRAMES), torch.nan)
    lengths = torch.tensor([FRAMES] * (PIECES - 1) + [70])
    whole = Batch(mel, f0, other, f0.flip(1), lengths)
    generator = torch.Generator().manual_seed(1)

    def work(rows: slice, own: torch.Generator) -> tuple[Tensor, Tensor]:
        batch = Batch(*(getattr(whole, item.name)[rows] for item in dataclasses.fields(Batch)))
        with torch.no_grad():
            views = for_training(batch, model.spec, own, AudioSpec(), model.average)
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            got = terms(model, views, TRAIN, lengths=batch.lengths, generator=own)
        return got.loss, torch.stack([getattr(got, name).detach() for name in TERM_NAMES])

    with Lanes(threads) as lanes:
        figures = lanes.learn(slice(0, PIECES), work, generator, list(model.parameters()))
    return {
        **{f"term {name}": value for name, value in zip(TERM_NAMES, figures, strict=True)},
        **{f"gradient {name}": value.grad for name, value in model.named_parameters() if value.grad is not None},
        **{f"buffer {name}": value.clone() for name, value in model.named_buffers()},
        "draws": generator.get_state().float(),
    }


@pytest.fixture(autouse=True)
def threads_as_before() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("threads", [2, 3, 4])
@pytest.mark.parametrize("spec", [MODEL, TIMESCALE], ids=["plain", "timescale"])
def test_terms_gradients_and_statistics_are_those_of_one_thread(spec: ModelSpec, threads: int) -> None:
    model = model_of(spec)
    alone, together = step(copy.deepcopy(model), 1), step(copy.deepcopy(model), threads)
    assert alone.keys() == together.keys()
    largest = max(float(v.abs().max()) for name, v in alone.items() if name.startswith("gradient"))
    assert largest > 0.1
    for name, value in alone.items():
        size = largest if name.startswith("gradient") else max(1.0, float(value.abs().max()))
        assert float((together[name] - value).abs().max()) < 2e-5 * size, name


def test_the_same_number_of_threads_gives_the_same_numbers_to_the_bit() -> None:
    model = model_of(TIMESCALE)
    first, again = (step(copy.deepcopy(model), 3) for _ in range(2))
    assert all(torch.equal(first[name], again[name]) for name in first)


@pytest.mark.skipif(not bfloat16_pays("cpu"), reason="this processor has no bfloat16 products")
@pytest.mark.parametrize("spec", [MODEL, TIMESCALE], ids=["plain", "timescale"])
def test_in_bfloat16_lanes_are_as_near_to_float32_as_one_thread_is(spec: ModelSpec) -> None:
    model = model_of(spec)
    exact = step(copy.deepcopy(model), 1)
    alone, together = (step(copy.deepcopy(model), threads, half=True) for threads in (1, 2))

    def away(found: dict[str, Tensor], name: str) -> float:
        return float((found[name] - exact[name]).norm() / exact[name].norm().clamp_min(1e-3))

    def all_away(found: dict[str, Tensor]) -> float:
        names = [name for name in exact if name.startswith("gradient")]
        squares = sum(float((found[name] - exact[name]).square().sum()) for name in names)
        return (squares / sum(float(exact[name].square().sum()) for name in names)) ** 0.5

    assert all_away(together) < 1.1 * all_away(alone)
    # One by one: gradients of biases are sums that nearly cancel, and are rounded once a lane.
    for name in (name for name in exact if name != "draws"):
        assert away(together, name) < 2.0 * away(alone, name) + 0.02, name


@pytest.mark.parametrize("threads", [1, 2])
def test_a_gradient_lies_in_memory_as_its_weights_do(threads: int) -> None:
    """Fused Adam would take the numbers of any other in the wrong order, and say nothing."""
    weight = torch.nn.Parameter(torch.zeros(4, 6))

    def work(rows: slice, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        return (weight.t() * torch.arange(24.0).view(6, 4)).sum(), torch.zeros(1)

    with Lanes(threads) as lanes:
        lanes.learn(slice(0, 4), work, torch.Generator(), [weight])
    assert weight.grad is not None
    assert weight.grad.stride() == weight.stride()
    torch.optim.SGD([weight], lr=1.0, fused=True).step()
    assert torch.equal(weight.detach(), -threads * torch.arange(24.0).view(6, 4).t())


@pytest.mark.timeout(60)
def test_a_lane_that_fails_ends_the_step_of_all_with_its_own_error() -> None:
    weight = torch.nn.Parameter(torch.ones(()))

    def work(rows: slice, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        if rows.start == 0:
            raise MemoryError("no room")
        return weight * ranks.total(torch.ones(())), torch.zeros(1)

    with Lanes(2) as lanes:
        with pytest.raises(MemoryError, match="no room"):
            lanes.learn(slice(0, 4), work, torch.Generator(), [weight])
        assert weight.grad is None

        def sound(rows: slice, generator: torch.Generator) -> tuple[Tensor, Tensor]:
            return weight * ranks.total(torch.ones(())), torch.ones(1)

        assert float(lanes.learn(slice(0, 4), sound, torch.Generator(), [weight])) == 2.0  # and the next one works
        assert weight.grad is not None
        assert float(weight.grad) == 4.0
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("lane")]


def test_fewer_pieces_than_lanes_are_one_threads_work() -> None:
    weight, seen = torch.nn.Parameter(torch.ones(())), []

    def work(rows: slice, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        seen.append(rows)
        return weight * 1.0, torch.zeros(1)

    with Lanes(4) as lanes:
        lanes.learn(slice(0, 3), work, torch.Generator(), [weight])
    assert seen == [slice(0, 3)]


def test_lanes_within_a_process_of_several_add_up_over_all_of_them() -> None:
    """Another process is played by one that brings ten to every sum."""
    weight, sums = torch.nn.Parameter(torch.ones(())), []

    def work(rows: slice, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        sums.append(float(ranks.total(torch.tensor(float(rows.stop - rows.start)))))
        _, first = ranks.gathered(torch.ones(rows.stop - rows.start, 1))
        assert first == rows.start
        return weight * 1.0, torch.zeros(1)

    with Lanes(2) as lanes, sharing(Share(9, 4, 9, lambda values: values.add_(10.0))):
        lanes.learn(slice(4, 9), work, torch.Generator(), [weight])
    assert sums == [15.0, 15.0]


def test_long_rows_are_normal_numbers_that_do_not_depend_on_who_draws_them() -> None:
    shape = (3, 1 << 13)

    def drawn() -> Tensor:
        return ranks.normal(*shape, generator=torch.Generator().manual_seed(5), device=torch.device("cpu"))

    alone = drawn()
    for number in range(3):
        with Ranks(Place(number, 3)).share(3):
            own = ranks.normal(1, shape[1], generator=torch.Generator().manual_seed(5), device=torch.device("cpu"))
        assert torch.equal(own[0], alone[number])
    assert float(alone.mean()) == pytest.approx(0.0, abs=0.03)
    assert float(alone.std()) == pytest.approx(1.0, abs=0.03)
    assert float(torch.corrcoef(alone).fill_diagonal_(0.0).abs().max()) < 0.05
