"""The fast path changes no mathematics: it equals the networks written out plainly, gradients too."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from engine import products
from engine.api.specs import ENVELOPE_COEFFICIENTS, TONE_COEFFICIENTS, ModelSpec, TrainSpec
from engine.model.aux_vae import AuxVAE
from engine.model.modules import FrameLinear, Gaussian, GaussianHead, Trunk
from engine.model.objective import TEMPERATURE, TERM_NAMES, add_up, level_density, terms
from engine.model.timescale.attributes import Levels
from engine.model.timescale.inputs import Views
from engine.products import Product, bfloat16_pays, tanh_of_product

SPEC = ModelSpec(
    bands=20,
    window_frames=8,
    latent=16,
    global_channels=(24, 32, 40),
    medium_channels=(24, 32, 40),
    local_channels=(48, 48),
    decoder_channels=(24, 24, 24),
    predictor_m_channels=(40, 40),
    predictor_h_channels=(40,),
    local_kernel=3,
    views="timescale",
    sounds=3,
)
TRAIN = TrainSpec(alpha=0.3, beta=0.2, gamma=0.1, contrast=0.5)


# ------------------------------------------------------------------------------------------- written out plainly
def plain_trunk(trunk: Trunk, x: Tensor, slow: Tensor | None = None) -> Tensor:
    """Conv1d over (batch, channel, time), slow inputs repeated at every frame; tanh; batch norm."""
    for i, layer in enumerate(trunk.layers):
        assert isinstance(layer, FrameLinear)
        outputs, kernel = layer.frame.out_features, layer.kernel
        weight = layer.frame.weight.view(outputs, kernel, -1).transpose(1, 2)
        y = functional.conv1d(x, weight, layer.frame.bias, padding=kernel // 2)
        if layer.slow is not None and i == 0:
            assert slow is not None
            y = y + functional.conv1d(slow, layer.slow.weight[..., None])
        x = torch.tanh(y)
        if trunk.norms is not None:
            norm = trunk.norms[i]
            mean = x.mean(dim=(0, 2), keepdim=True)
            variance = x.var(dim=(0, 2), keepdim=True, unbiased=False)
            x = (x - mean) / torch.sqrt(variance + 1e-5) * norm.weight[:, None] + norm.bias[:, None]
    return x


def plain_head(head: GaussianHead, x: Tensor) -> Gaussian:
    """A Gaussian at every frame, (batch, frames, latent)."""
    mean, raw = functional.conv1d(x, head.linear.weight[..., None], head.linear.bias).transpose(1, 2).chunk(2, -1)
    return Gaussian(mean, raw)


def bounded(gaussian: Gaussian) -> Gaussian:
    middle, radius = -3.0, 6.0  # between -9 and 3
    return Gaussian(gaussian.mean, middle + radius * torch.tanh((gaussian.log_variance - middle) / radius))


def averaged(gaussian: Gaussian, window: int | None) -> Gaussian:
    """Mean of the parameters over each window (batch, windows, latent), or over the clip (batch, latent)."""

    def mean(x: Tensor) -> Tensor:
        if window is None:
            return x.mean(dim=1)
        return torch.stack([piece.mean(dim=1) for piece in x.split(window, dim=1)], dim=1)

    return bounded(Gaussian(mean(gaussian.mean), mean(gaussian.log_variance)))


def plain_terms(model: AuxVAE, views: Views, generator: torch.Generator) -> dict[str, Tensor]:
    """Equation 5 with Conv1d everywhere, and predictors at every frame or of z's means."""
    frames, window = views.frame.shape[1], model.spec.window_frames

    def features(x: Tensor) -> Tensor:
        return ((x - model.band_mean) / model.band_scale).transpose(1, 2)

    def repeated(h: Tensor) -> Tensor:
        return h[..., None].expand(-1, -1, frames)

    def of_h(x: Tensor, levels: Levels) -> Gaussian:
        heard = averaged(plain_head(model.global_head, plain_trunk(model.global_trunk, features(x))), None)
        told = functional.linear(model.flat_clip(levels), model.h_of_levels.weight, model.h_of_levels.bias)
        return Gaussian(heard.mean + told, heard.log_variance)

    h = of_h(views.clip, views.clip_levels)
    h_value = h.sample(generator)
    hidden = plain_trunk(model.medium_trunk, features(views.second), repeated(h_value))
    m = averaged(plain_head(model.medium_head, hidden), window)
    told = functional.linear(model.flat_seconds(views.levels), model.m_of_levels.weight, model.m_of_levels.bias)
    m = Gaussian(m.mean + told, m.log_variance)
    m_value = m.sample(generator)
    m_frames = m_value.repeat_interleave(window, dim=1)[:, :frames].transpose(1, 2)
    slow = torch.cat((m_frames, repeated(h_value)), dim=1)
    hidden = plain_trunk(model.local_trunk, features(views.frame), slow)
    z = bounded(plain_head(model.local_head, hidden))
    z_value = z.sample(generator)
    code = z_value.transpose(1, 2)
    decoder = model.decoder_head
    rebuilt = functional.conv1d(plain_trunk(model.decoder_trunk, code), decoder.weight[..., None], decoder.bias)
    if model.spec.predictors_read == "means":
        means = torch.stack([piece.mean(dim=-1) for piece in code.split(window, dim=-1)], dim=-1)
        hidden = plain_trunk(model.predictor_m_trunk, means, h_value[..., None].expand(-1, -1, means.shape[-1]))
        m_predicted = bounded(plain_head(model.predictor_m_head, hidden))
        hidden = plain_trunk(model.predictor_h_trunk, code.mean(dim=-1, keepdim=True))
        whole = bounded(plain_head(model.predictor_h_head, hidden))
        h_predicted = Gaussian(whole.mean[:, 0], whole.log_variance[:, 0])
    else:
        hidden = plain_trunk(model.predictor_m_trunk, code, repeated(h_value))
        m_predicted = averaged(plain_head(model.predictor_m_head, hidden), window)
        hidden = plain_trunk(model.predictor_h_trunk, code)
        h_predicted = averaged(plain_head(model.predictor_h_head, hidden), None)

    from engine.model.aux_vae import Latents

    latents = Latents(h, m, z, h_value, m_value, z_value)
    one, other = (x / x.norm(dim=1, keepdim=True) for x in (h.mean, of_h(views.again, views.levels).mean))
    odds = one @ other.T / TEMPERATURE
    likeness = [torch.log(torch.softmax(odds, dim=d).diagonal()).mean() for d in (0, 1)]
    got = add_up(
        latents,
        rebuilt=rebuilt.transpose(1, 2),
        target=features(views.target).transpose(1, 2),
        m_predicted=m_predicted,
        h_predicted=h_predicted,
        mask=None,
        window_frames=window,
        spec=TRAIN,
        levels=level_density(model, views, latents),
        contrast=(likeness[0] + likeness[1]) / 2.0,
    )
    return {name: getattr(got, name) for name in TERM_NAMES}


def case(frames: int, reads: str, batch: int = 5) -> tuple[AuxVAE, Views]:
    model = AuxVAE(dataclasses.replace(SPEC, predictors_read=reads))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    model.set_scaling(torch.randn(SPEC.bands), torch.tensor(1.7))
    model.sound_weights[:] = 1.0 / SPEC.sounds
    windows = -(-frames // SPEC.window_frames)
    clip, second, frame, target, again = (torch.randn(batch, frames, SPEC.bands) * 2 - 1 for _ in range(5))
    levels, heard = levels_of(batch, windows), levels_of(batch, windows)
    return model, Views(clip, second, frame, target, levels, clip_levels=heard, again=again)


def levels_of(batch: int, windows: int) -> Levels:
    def random(*shape: int) -> Tensor:
        return 0.2 * torch.randn(batch, *shape)

    size = ENVELOPE_COEFFICIENTS
    return Levels(
        random(), random(size), random(SPEC.sounds, size), random(size), random(windows), random(windows),
        random(windows, TONE_COEFFICIENTS), torch.full((batch, windows), 5.0),
    )  # fmt: skip


@pytest.mark.parametrize("reads", ["frames", "means"])
@pytest.mark.parametrize("frames", [32, 29, 3])
def test_every_term_and_gradient_equals_the_networks_written_out_with_conv1d(frames: int, reads: str) -> None:
    model, views = case(frames, reads)
    fast = terms(model, views, TRAIN, generator=torch.Generator().manual_seed(3))
    (-fast.total).backward()
    gradients = {name: parameter.grad.clone() for name, parameter in model.named_parameters()}
    model.zero_grad()
    plain = plain_terms(model, views, torch.Generator().manual_seed(3))
    (-plain["total"]).backward()
    for name in TERM_NAMES:
        torch.testing.assert_close(getattr(fast, name), plain[name], atol=1e-4, rtol=1e-4)
    largest = max(float(parameter.grad.abs().max()) for parameter in model.parameters())
    assert largest > 0.1
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(gradients[name], parameter.grad, atol=1e-4 * max(1.0, largest), rtol=1e-4)


# ------------------------------------------------------------------------------------------- bfloat16
needs_bfloat16 = pytest.mark.skipif(not bfloat16_pays("cpu"), reason="this processor has no bfloat16 products")


@needs_bfloat16
@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("windows", [0, 1, 4])
@pytest.mark.parametrize("kernel", [1, 3])
def test_a_bfloat16_layer_is_the_float32_one_but_for_rounding(
    kernel: int, windows: int, fused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not fused:
        monkeypatch.setattr(products, "_fused", lambda: None)
    layer = Product(kernel * 32, 48)
    x = torch.randn(6, 100, 32, requires_grad=True)
    added = torch.randn(6, windows, 48, requires_grad=True) if windows else None
    wanted = torch.randn(6, 100, 48)

    def run(half: bool) -> list[Tensor]:
        for tensor in (x, added, *layer.parameters()):
            if tensor is not None:
                tensor.grad = None
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            y = tanh_of_product(layer, x, added, kernel=kernel, window=27)
        (y.float() * wanted).sum().backward()
        assert y.dtype == (torch.bfloat16 if half else torch.float32)
        gradients = [layer.weight.grad, layer.bias.grad, x.grad, *([] if added is None else [added.grad])]
        assert all(g is not None and g.dtype == torch.float32 for g in gradients)
        return [y.detach().float(), *(g.clone() for g in gradients if g is not None)]

    for exact, rounded in zip(run(half=False), run(half=True), strict=True):
        # bfloat16 has 8 significant bits; sums of many such roundings stay within a few of them
        assert float((exact - rounded).norm() / exact.norm()) < 1.5e-2


@needs_bfloat16
def test_products_over_few_rows_stay_in_float32() -> None:
    layer = Product(32, 16)
    x = torch.randn(20, 32)
    with torch.autocast("cpu", torch.bfloat16):
        few, many = layer(x), layer(x.repeat(40, 1))
    assert torch.equal(few, layer(x))
    assert many.dtype == torch.bfloat16


@needs_bfloat16
@pytest.mark.parametrize("fused", [True, False])
def test_a_bfloat16_product_without_a_tangent_is_the_float32_one_but_for_rounding(
    fused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not fused:
        monkeypatch.setattr(products, "_fused", lambda: None)
    layer = Product(32, 48)
    x = torch.randn(6, 100, 32, requires_grad=True)
    wanted = torch.randn(6, 100, 48)

    def run(half: bool) -> list[Tensor]:
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            y = layer(x)
        assert y.dtype == (torch.bfloat16 if half else torch.float32)
        gradients = torch.autograd.grad((y.float() * wanted).sum(), [layer.weight, layer.bias, x])
        assert all(g.dtype == torch.float32 for g in gradients)
        return [y.detach().float(), *gradients]

    for exact, rounded in zip(run(half=False), run(half=True), strict=True):
        assert float((exact - rounded).norm() / exact.norm()) < 1.5e-2


@needs_bfloat16
def test_two_hundred_steps_in_bfloat16_follow_the_curve_of_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """On one thread, as a lane has: by torch's operations, and by the compiled loops."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    spec = dataclasses.replace(SPEC, local_kernel=1)
    factors = torch.randn(6, SPEC.bands)
    unchanging = levels_of(16, 4)

    def curve(half: bool) -> Tensor:
        torch.manual_seed(0)
        model = AuxVAE(spec)
        optimiser = torch.optim.Adam(model.parameters(), lr=2e-3, fused=True)
        generator = torch.Generator().manual_seed(1)
        losses = []
        for _ in range(200):
            x = torch.randn(16, 32, 6, generator=generator) @ factors
            levels = dataclasses.replace(unchanging, pitch=x[:, 0, 0] * 0.1, second_pitch=x[:, :4, 0] * 0.1)
            views = Views(x, x, x, x, levels, clip_levels=levels, again=x)
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                got = terms(model, views, TRAIN, generator=generator)
            optimiser.zero_grad()
            got.loss.backward()
            optimiser.step()
            losses.append(got.reconstruction.detach())
        return torch.stack(losses)

    try:
        exact, rounded = curve(half=False), [curve(half=True)]
        monkeypatch.setattr(products, "WORTHWHILE", 0)
        rounded.append(curve(half=True))
    finally:
        torch.set_num_threads(threads)
    assert not torch.equal(*rounded)  # they are two ways
    assert float(exact[-20:].mean()) > float(exact[:20].mean()) + 5.0  # it learns
    # Stated bounds: every stretch of 20 steps within 2 % of the distance learnt, the whole curve within 1 %.
    learnt = exact[-20:].mean() - exact[:20].mean()
    for found in rounded:
        apart = (exact - found).view(10, 20).mean(dim=1).abs() / learnt
        assert float(apart.max()) < 0.02
        assert float(apart.mean()) < 0.01
