"""Processes that share a step learn what one learns, always the same, and never wait for one that is gone."""

from __future__ import annotations

import copy
import dataclasses
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from small_runs import MODEL, changed
from torch import Tensor

from engine.api.specs import AudioSpec, ModelSpec
from engine.lanes import MOST, ROOM, Lanes, lanes_of
from engine.model.aux_vae import AuxVAE
from engine.model.baselines import Network
from engine.model.baselines import build as build_system
from engine.model.objective import TERM_NAMES, Terms
from engine.model.timescale.inputs import Batch
from engine.products import bfloat16_pays
from engine.training.distributed import ranks
from engine.training.distributed.launch import Place
from engine.training.distributed.ranks import LostProcessError, Ranks
from engine.training.step import Step

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(lanes_of(2) == 1, reason="processes have no memory in common here"),
]

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


def pieces(spec: ModelSpec, count: int = PIECES) -> tuple[Batch, Tensor]:
    """Some pieces, one of them short."""
    torch.manual_seed(1)
    mel, other = (1.5 * torch.randn(2, count, FRAMES, spec.bands) - 5.0).half().float()
    f0 = torch.where(torch.rand(count, FRAMES) < 0.6, 120.0 + 60.0 * torch.rand(count, FRAMES), torch.nan)
    lengths = torch.tensor([FRAMES] * (count - 1) + [70])
    return Batch(mel, f0, other, f0.flip(1), lengths), lengths


def step_of(spec: ModelSpec, half: bool = False) -> Step:
    return Step(spec, TRAIN, AudioSpec(), half)


def learnt(model: AuxVAE, lanes: Lanes, count: int = PIECES) -> dict[str, Tensor]:
    """Terms, gradients, buffers and the generator after a step."""
    generator = torch.Generator().manual_seed(1)
    figures = lanes.learn(*pieces(model.spec, count), generator)
    return {
        **{f"term {name}": value for name, value in zip(TERM_NAMES, figures, strict=True)},
        **{f"gradient {name}": value.grad for name, value in model.named_parameters() if value.grad is not None},
        **{f"buffer {name}": value.clone() for name, value in model.named_buffers()},
        "draws": generator.get_state().float(),
    }


def after_a_step(model: AuxVAE, count: int, half: bool = False) -> dict[str, Tensor]:
    with Lanes(count, model, step_of(model.spec, half)) as lanes:
        assert lanes.count == count
        return learnt(model, lanes)


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    assert torch.get_num_threads() == before
    assert not [child for child in multiprocessing.active_children() if "lane" in child.name]


@pytest.mark.parametrize(("threads", "lanes"), [(1, 1), (2, 2), (3, 3), (4, 4), (6, 3), (7, 1), (16, 4)])
def test_threads_are_divided_evenly(threads: int, lanes: int) -> None:
    assert lanes_of(threads) == lanes <= MOST


@pytest.mark.parametrize(("spec", "count"), [(MODEL, 2), (TIMESCALE, 3)], ids=["plain", "timescale"])
def test_terms_gradients_and_statistics_are_those_of_one_process(spec: ModelSpec, count: int) -> None:
    model = model_of(spec)
    alone, together = (after_a_step(copy.deepcopy(model), n) for n in (1, count))
    assert alone.keys() == together.keys()
    largest = max(float(v.abs().max()) for name, v in alone.items() if name.startswith("gradient"))
    assert largest > 0.1
    for name, value in alone.items():
        size = largest if name.startswith("gradient") else max(1.0, float(value.abs().max()))
        assert float((together[name] - value).abs().max()) < 2e-5 * size, name


@pytest.fixture(scope="module")
def with_two() -> dict[str, Tensor]:
    """What two lanes learn in a step of TIMESCALE."""
    return after_a_step(model_of(TIMESCALE), 2)


def test_later_steps_see_the_weights_as_they_were_moved() -> None:
    ends = []
    for count in (1, 2):
        model = model_of(MODEL)
        optimiser = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
        with Lanes(count, model, step_of(MODEL)) as lanes:
            for _ in range(4):
                learnt(model, lanes)
                optimiser.step()
        ends.append(torch.cat([value.detach().flatten() for value in model.parameters()]))
    begun = torch.cat([value.detach().flatten() for value in model_of(MODEL).parameters()])
    assert float((ends[0] - ends[1]).norm()) < 0.02 * float((ends[0] - begun).norm())


@pytest.mark.skipif(not bfloat16_pays("cpu"), reason="this processor has no bfloat16 products")
@pytest.mark.parametrize("spec", [MODEL, TIMESCALE], ids=["plain", "timescale"])
def test_in_bfloat16_lanes_are_as_near_to_float32_as_one_process_is(spec: ModelSpec) -> None:
    model = model_of(spec)
    exact = after_a_step(copy.deepcopy(model), 1)
    alone, together = (after_a_step(copy.deepcopy(model), n, half=True) for n in (1, 2))

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


@pytest.mark.parametrize("count", [1, 2])
def test_a_gradient_lies_in_memory_as_its_weights_do(count: int, with_two: dict[str, Tensor]) -> None:
    """Fused Adam would take the numbers of any other in the wrong order, and say nothing."""
    found = with_two if count == 2 else after_a_step(model_of(TIMESCALE), count)
    for name, weight in model_of(TIMESCALE).named_parameters():
        gradient = found.get(f"gradient {name}")
        assert gradient is None or gradient.stride() == weight.stride(), name


def test_fewer_pieces_than_lanes_are_one_processs_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.lanes._Helper.send", lambda *_: pytest.fail("nothing was to be shared"))
    model = model_of(MODEL)
    with Lanes(2, model, step_of(MODEL)) as lanes:
        assert bool(torch.isfinite(learnt(model, lanes, count=1)["term total"]))


@pytest.mark.parametrize(("batch_size", "threads"), [(10, 1), (40, 2)])
def test_alone_torchs_threads_are_used_where_a_batch_is_large(batch_size: int, threads: int) -> None:
    step = Step(MODEL, changed(batch_size=batch_size, crop_s=4.0), AudioSpec(), half=False)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    with Lanes(1, model_of(MODEL), step):
        assert torch.get_num_threads() == threads
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)


def test_without_room_in_common_memory_one_process_works_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of(MODEL)
    weights = 4 * sum(value.numel() for value in (*model.parameters(), *model.buffers()))
    for free, count in ((weights, 1), (10 * weights + 100 * ROOM, 2)):
        monkeypatch.setattr("shutil.disk_usage", lambda _path, free=free: SimpleNamespace(free=free))
        assert Lanes(2, model, step_of(MODEL)).count == count


def test_other_systems_are_trained_by_one_process() -> None:
    spec = dataclasses.replace(MODEL, system="vae")
    assert Lanes(2, build_system(spec), step_of(spec)).count == 1


# ------------------------------------------------------------------------------------------- when something fails
class Fails(Step):
    """Fails in lane `TRIPTYCH_FAILING_LANE`, as long as the file that TRIPTYCH_FAILING names is there."""

    def terms(
        self,
        model: Network,
        batch: Batch,
        lengths: Tensor | None,
        generator: torch.Generator,
        speakers: Tensor | None = None,
    ) -> Terms:
        got = super().terms(model, batch, lengths, generator, speakers)
        share = ranks.share_of(slice(0, len(batch.mel)))
        lane = 0 if share.first == 0 else 1
        if lane == int(os.environ["TRIPTYCH_FAILING_LANE"]) and Path(os.environ["TRIPTYCH_FAILING"]).exists():
            raise MemoryError("no room")
        return got


@pytest.mark.parametrize("failing", [0, 1])
def test_memory_that_runs_out_in_a_lane_ends_the_step_and_the_next_one_works(
    failing: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_two: dict[str, Tensor]
) -> None:
    (tmp_path / "fails").touch()
    monkeypatch.setenv("TRIPTYCH_FAILING", str(tmp_path / "fails"))
    monkeypatch.setenv("TRIPTYCH_FAILING_LANE", str(failing))
    model = model_of(TIMESCALE)
    with Lanes(2, model, Fails(TIMESCALE, TRAIN, AudioSpec(), False)) as lanes:
        statistics = {name: value.clone() for name, value in model.named_buffers()}
        with pytest.raises(MemoryError, match="no room"):
            learnt(model, lanes)
        assert all(parameter.grad is None for parameter in model.parameters())
        model.load_state_dict(statistics, strict=False)  # as the trainer does
        (tmp_path / "fails").unlink()
        found = learnt(model, lanes)
    assert all(torch.equal(value, found[name]) for name, value in with_two.items())  # always the same numbers


def test_a_lane_that_is_killed_is_told() -> None:
    model = model_of(MODEL)
    with Lanes(2, model, step_of(MODEL)) as lanes:
        learnt(model, lanes)
        (child,) = [child for child in multiprocessing.active_children() if "lane" in child.name]
        os.kill(child.pid or 0, signal.SIGKILL)
        began = time.monotonic()
        with pytest.raises(LostProcessError, match="has ended"):
            learnt(model, lanes)
        assert time.monotonic() - began < 10.0


ENDLESS = """
import multiprocessing, sys
sys.path[:0] = [{here!r}]
import torch
from test_lanes import MODEL, Lanes, learnt, model_of, step_of

if __name__ == "__main__":
    model = model_of(MODEL)
    with Lanes(2, model, step_of(MODEL)) as lanes:
        learnt(model, lanes)
        print(*[child.pid for child in multiprocessing.active_children()], flush=True)
        while True:
            learnt(model, lanes)
"""


def test_lanes_end_when_the_process_that_trains_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "endless.py"
    script.write_text(ENDLESS.format(here=str(Path(__file__).parent)), "utf-8")
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        children = [int(number) for number in process.stdout.readline().split()]
        assert children
        process.kill()
    until = time.monotonic() + 30.0
    while alive := [child for child in children if _runs(child)]:
        assert time.monotonic() < until, f"{alive} are still there"
        time.sleep(0.1)


def _runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


# ------------------------------------------------------------------------------------------- what all draw
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
