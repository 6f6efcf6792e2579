"""The compiled loops are the formulas they stand for, and training learns the same with them as without."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from small_runs import MODEL
from test_lanes import after_a_step, model_of, pieces, step_of
from torch import Tensor, nn

from engine import draws, kernels, products
from engine.adam import LanesAdam
from engine.kernels import bits
from engine.lanes import Lanes, lanes_of
from engine.model.modules import Trunk

ROOT = Path(__file__).resolve().parents[2]
ROUNDING = 2.0**-8  # of bfloat16, relative


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(params=["loops", "torch"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(products, "WORTHWHILE", 0 if request.param == "loops" else 1 << 60)
    return str(request.param)


def halves(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).bfloat16()


def sums_of(rows: Tensor) -> Tensor:
    return rows.double().sum(dim=0)


# --------------------------------------------------------------------------------------------------- one by one
def test_numbers_are_rounded_as_torch_rounds_them() -> None:
    values = torch.tensor(
        [0.0, -0.0, 1.0, 1.00390625, 1.01171875, -3.3e38, 3.4e38, torch.inf, -torch.inf, torch.nan]
    )
    spread = 10.0 ** torch.randint(-30, 30, (100_000,), generator=torch.Generator().manual_seed(0))
    numbers = torch.cat((values, torch.randn(100_000, generator=torch.Generator().manual_seed(1)) * spread))
    out = torch.zeros(1, len(numbers), dtype=torch.bfloat16)
    kernels.scaled_and_shifted(bits(out), torch.zeros(len(numbers)).numpy(), numbers.numpy(), bits(out))
    torch.testing.assert_close(out[0], numbers.bfloat16(), rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize(("n", "channels"), [(1, 1), (64, 16), (131, 37)])
def test_sums(n: int, channels: int) -> None:
    rows, gradient, about = halves(n, channels) + 3.0, halves(n, channels, seed=1), torch.randn(channels)
    found = torch.empty(2, channels, dtype=torch.float64)
    kernels.sums_about(bits(rows), about.numpy(), *found.numpy())
    exact = torch.stack((sums_of(rows - about), sums_of((rows - about).square())))
    torch.testing.assert_close(found, exact, rtol=1e-6, atol=1e-6 * n)
    kernels.norm_gradient_sums(bits(gradient), bits(rows), about.numpy(), *found.numpy())
    exact = torch.stack((sums_of(gradient), sums_of(gradient * (rows - about))))
    torch.testing.assert_close(found, exact, rtol=1e-6, atol=1e-5 * n)


@pytest.mark.parametrize(("n", "channels"), [(1, 1), (64, 16), (131, 37)])
def test_gradients_through_tanh_and_norm(n: int, channels: int) -> None:
    rows, gradient = torch.tanh(halves(n, channels)), halves(n, channels, seed=1)
    constant, by_gradient, by_rows = torch.randn(3, channels)
    out, sums = torch.empty_like(rows), torch.empty(channels, dtype=torch.float64)

    slope = 1.0 - rows.float().square()
    exact = (constant + by_gradient * gradient + by_rows * rows) * slope
    factors = (constant.numpy(), by_gradient.numpy(), by_rows.numpy())
    kernels.norm_and_tanh_gradient(bits(gradient), bits(rows), *factors, bits(out), sums.numpy())
    torch.testing.assert_close(out.float(), exact, rtol=ROUNDING, atol=1e-6)
    torch.testing.assert_close(sums, sums_of(exact), rtol=1e-4, atol=1e-5)

    exact = gradient * slope
    kernels.tanh_gradient(bits(gradient), bits(rows), bits(out), sums.numpy())
    torch.testing.assert_close(out.float(), exact, rtol=ROUNDING, atol=1e-6)
    torch.testing.assert_close(sums, sums_of(exact), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("window", [1, 5, 64])
def test_means_of_windows(window: int) -> None:
    rows, about = torch.tanh(halves(3 * window, 21)), torch.randn(21)
    by_window = (rows - about).unflatten(0, (3, window))
    sums, second = torch.empty(3, 21), torch.empty(21, dtype=torch.float64)
    kernels.window_sums_about(bits(rows), window, about.numpy(), sums.numpy(), second.numpy())
    torch.testing.assert_close(sums, by_window.sum(dim=1), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(second, sums_of((rows - about).square()), rtol=1e-6, atol=1e-6 * len(rows))

    of_windows, by_rows = torch.randn(3, 21), torch.randn(21)
    out, total = torch.empty_like(rows), torch.empty(21, dtype=torch.float64)
    kernels.means_gradient(of_windows.numpy(), bits(rows), window, by_rows.numpy(), bits(out), total.numpy())
    exact = (of_windows.repeat_interleave(window, dim=0) + by_rows * rows) * (1.0 - rows.float().square())
    torch.testing.assert_close(out.float(), exact, rtol=ROUNDING, atol=1e-6)
    torch.testing.assert_close(total, sums_of(exact), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("frames", "kernel"), [(1, 3), (2, 5), (50, 3), (50, 7)])
def test_neighbours(frames: int, kernel: int) -> None:
    rows, gradient = halves(2 * frames, 6), halves(2 * frames, kernel * 6, seed=1)
    stacked = torch.empty(2 * frames, kernel * 6, dtype=torch.bfloat16)
    kernels.neighbours(bits(rows), frames, kernel, bits(stacked))
    clips = rows.unflatten(0, (2, frames)).float().requires_grad_()
    padded = nn.functional.pad(clips, (0, 0, kernel // 2, kernel // 2))
    by_hand = torch.cat([padded[:, tap : tap + frames] for tap in range(kernel)], dim=-1)
    assert torch.equal(stacked.float(), by_hand.flatten(0, 1))
    (exact,) = torch.autograd.grad(by_hand.flatten(0, 1), clips, gradient.float())
    found = torch.empty_like(rows)
    kernels.neighbours_gradient(bits(gradient), frames, kernel, bits(found))
    torch.testing.assert_close(found.float(), exact.flatten(0, 1), rtol=ROUNDING, atol=1e-6)


@pytest.mark.parametrize("bands", [1, 16, 45])
def test_squared_distances(bands: int, way: str) -> None:
    found, wanted = halves(3, 7, bands).requires_grad_(), torch.randn(3, 7, bands)
    with torch.autocast("cpu", torch.bfloat16):
        sums = draws.squared_distances(found, wanted)
    exact = (found.float() - wanted).square().sum(dim=-1)
    assert sums.dtype == torch.float32
    torch.testing.assert_close(sums, exact)
    towards = torch.randn(3, 7)
    (ours,), (theirs,) = (torch.autograd.grad(each, found, towards) for each in (sums, exact))
    torch.testing.assert_close(ours.float(), theirs.float(), rtol=2 * ROUNDING, atol=1e-6)


@pytest.mark.parametrize("latent", [1, 16, 45])
def test_a_draw_is_the_exact_one_but_for_rounding(latent: int, way: str) -> None:
    raw = (3.0 * torch.randn(3, 7, 2 * latent, generator=torch.Generator().manual_seed(0))).bfloat16()
    raw[0, 0, -1], raw[0, 1, -1] = 80.0, -300.0  # far beyond the bound
    noise = torch.randn(3, 7, latent, generator=torch.Generator().manual_seed(1))

    def by_hand(raw: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mean, free = raw.chunk(2, dim=-1)
        log_variance = -3.0 + 6.0 * torch.tanh((free + 3.0) / 6.0)
        value = mean + torch.exp(log_variance / 2.0) * noise
        return value, draws.expected_log_standard_normal(mean, log_variance), draws.entropy(log_variance)

    def ours(raw: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        with torch.autocast("cpu", torch.bfloat16):
            return draws.drawn_with_sums(raw, noise, -3.0, 6.0)

    outcomes = []
    for formula, values in ((ours, raw.requires_grad_()), (by_hand, raw.detach().double().requires_grad_())):
        found = formula(values)
        towards = [torch.linspace(-1.0, 1.0, one.numel()).view(one.shape).bfloat16().to(one.dtype) for one in found]
        outcomes.append((*found, *torch.autograd.grad(found, [values], towards)))
    for one, exact in zip(*outcomes, strict=True):
        torch.testing.assert_close(
            one.double(), exact, rtol=2 * ROUNDING, atol=2e-3 * float(exact.detach().abs().max())
        )


# --------------------------------------------------------------------------------------------------- together
def learnt_by(trunk: Trunk, means_over: int | None, *, half: bool) -> dict[str, Tensor]:
    """What a trunk makes of some clips, everything's gradient, and its running statistics afterwards."""
    generator, frames = torch.Generator().manual_seed(3), 64
    x = torch.randn(4, frames, 24, generator=generator).requires_grad_()
    slow = torch.randn(4, frames // 16, 8, generator=generator).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        y = trunk(x, None, slow) if means_over is None else trunk.means(x, None, slow, means_over)
    weights = torch.randn(y.shape, generator=generator)
    names = ["x", "slow", *(name for name, _ in trunk.named_parameters())]
    gradients = torch.autograd.grad((y.float() * weights).sum(), [x, slow, *trunk.parameters()])
    return {"y": y.detach().float(), **dict(zip(names, gradients, strict=True)), **dict(trunk.named_buffers())}


@pytest.mark.parametrize("norm", [True, False])
@pytest.mark.parametrize("means_over", [None, 16, 64])
def test_a_trunk_is_as_near_to_the_exact_one_with_loops_as_without(
    norm: bool, means_over: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    trunk = Trunk(24, (40, 33), kernel=3, slow=8, window=16, norm=norm)
    exact = learnt_by(copy.deepcopy(trunk), means_over, half=False)
    away = {}
    for way, worthwhile in (("loops", 0), ("torch", 1 << 60)):
        monkeypatch.setattr(products, "WORTHWHILE", worthwhile)
        found = learnt_by(copy.deepcopy(trunk), means_over, half=True)
        assert found.keys() == exact.keys()
        away[way] = {name: float((found[name] - value).norm() / value.norm()) for name, value in exact.items()}
    assert max(away["torch"].values()) > 1e-4  # it was rounded
    for name, share in away["torch"].items():
        assert away["loops"][name] < 1.25 * share + 2e-3, name


def test_lanes_learn_with_loops_what_they_learn_without(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {}
    for way, worthwhile in (("loops", 0), ("torch", 1 << 60)):
        monkeypatch.setattr(products, "WORTHWHILE", worthwhile)
        found[way] = after_a_step(model_of(MODEL), 1, half=True)
    gradients = [name for name in found["torch"] if name.startswith("gradient")]
    away = sum(float((found["loops"][name] - found["torch"][name]).square().sum()) for name in gradients)
    size = sum(float(found["torch"][name].square().sum()) for name in gradients)
    assert away < 0.02**2 * size


# --------------------------------------------------------------------------------------------------- weights
@pytest.mark.parametrize("others", [1, 3])
def test_adam_of_lanes_is_adam_along_the_sum(others: int) -> None:
    torch.manual_seed(0)
    begun = [torch.randn(7, 5), torch.randn(1), torch.randn(33)]
    torchs, ours = ([nn.Parameter(value.clone()) for value in begun] for _ in range(2))
    unused = nn.Parameter(torch.ones(3))
    reference = torch.optim.Adam(torchs, lr=0.01)
    optimiser = LanesAdam([*ours, unused], lr=0.01)
    for step in range(5):
        if step == 3:  # as a run that is resumed: everything lies elsewhere
            state = copy.deepcopy(optimiser.state_dict())
            optimiser = LanesAdam([*ours, unused], lr=0.01)
            optimiser.load_state_dict(state)
        for group in (*reference.param_groups, *optimiser.param_groups):
            group["lr"] = 0.01 / (1 + step)
        lanes = [[torch.randn_like(value) for value in begun] for _ in range(others + 1)]
        for one, other, *parts in zip(torchs, ours, *lanes, strict=True):
            one.grad, other.grad = sum(parts[1:], parts[0]), parts[0].clone()
        reference.step()
        optimiser.step_of_lanes([[*gradients, torch.zeros(3)] for gradients in lanes[1:]])
    for one, other in zip(torchs, ours, strict=True):
        torch.testing.assert_close(other, one)
        for name, value in reference.state[one].items():
            torch.testing.assert_close(optimiser.state[other][name], value)
    assert torch.equal(unused, torch.ones(3))


@pytest.mark.skipif(lanes_of(2) == 1, reason="processes have no memory in common here")
def test_a_step_of_lanes_moves_the_weights_as_one_process_would() -> None:
    ends = []
    for count in (1, 2):
        model = model_of(MODEL)
        optimiser = LanesAdam(model.parameters(), lr=1e-3, eps=1e-3)  # so that no sign of a tiny gradient decides
        with Lanes(count, model, step_of(MODEL)) as lanes:
            for seed in range(3):
                lanes.take_step(optimiser, *pieces(MODEL), torch.Generator().manual_seed(seed))
        ends.append(torch.cat([value.detach().flatten() for value in model.parameters()]))
    torch.testing.assert_close(*ends, rtol=0, atol=2e-5)


def test_where_no_folder_can_be_written_to_it_compiles_anew(tmp_path: Path) -> None:
    copied = tmp_path / "copied.py"
    source = (ROOT / "engine" / "kernels.py").read_text("utf-8")
    copied.write_text(source, "utf-8")
    program = (
        "import numpy as np\n"
        "from numba.core import caching\n"
        "caching.CacheImpl._locator_classes = []\n"
        "import copied\n"
        "sums = np.empty(2)\n"
        "copied.sums_about(np.full((3, 2), 0x3F80, np.uint16), np.zeros(2, np.float32), sums, np.empty(2))\n"
        "print(sums.tolist())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert done.stdout.strip() == "[3.0, 3.0]", done.stderr[-2000:]
