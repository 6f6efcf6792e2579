"""The six networks equal the paper's convolutions written out, gradients too; and bfloat16 follows float32."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal
from torch.nn import functional

from engine.api.specs import ENVELOPE_COEFFICIENTS, TONE_COEFFICIENTS, ModelSpec, TrainSpec
from engine.model.aux_vae import AuxVAE, Latents
from engine.model.modules import FrameLinear, GaussianHead, Trunk, draw, gaussian
from engine.model.objective import TEMPERATURE, TERM_NAMES, add_up, attribute_density, terms
from engine.model.timescale.attributes import Attributes
from engine.model.timescale.inputs import NetworkInputs

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


@dataclass(frozen=True)
class Raw:
    """Mean and log-variance of a Gaussian before its bound, (..., latent) both."""

    mean: Tensor
    log_variance: Tensor


def plain_head(head: GaussianHead, x: Tensor) -> Raw:
    """A Gaussian at every frame, (batch, frames, latent)."""
    mean, raw = functional.conv1d(x, head.linear.weight[..., None], head.linear.bias).transpose(1, 2).chunk(2, -1)
    return Raw(mean, raw)


def bounded(raw: Raw, shift: Tensor | float = 0.0) -> Normal:
    middle, radius = -3.0, 6.0  # between -9 and 3
    log_variance = middle + radius * torch.tanh((raw.log_variance - middle) / radius)
    return gaussian(raw.mean + shift, log_variance)


def averaged(raw: Raw, window: int | None) -> Raw:
    """Mean of the parameters over each window (batch, windows, latent), or over the clip (batch, latent)."""

    def mean(x: Tensor) -> Tensor:
        if window is None:
            return x.mean(dim=1)
        return torch.stack([piece.mean(dim=1) for piece in x.split(window, dim=1)], dim=1)

    return Raw(mean(raw.mean), mean(raw.log_variance))


def plain_terms(model: AuxVAE, inputs: NetworkInputs, generator: torch.Generator) -> dict[str, Tensor]:
    """Equation 5 with Conv1d everywhere, and predictors at every frame or of z's means."""
    frames, window = inputs.frame.shape[1], model.spec.window_frames

    def features(x: Tensor) -> Tensor:
        return ((x - model.band_mean) / model.band_scale).transpose(1, 2)

    def repeated(h: Tensor) -> Tensor:
        return h[..., None].expand(-1, -1, frames)

    heads, scale = model.attribute_heads, model.band_scale

    def of_h(x: Tensor, attributes: Attributes) -> Normal:
        raw = averaged(plain_head(model.global_head, plain_trunk(model.global_trunk, features(x))), None)
        layer = heads.h_from_timbre
        return bounded(raw, functional.linear(heads.timbre(attributes, scale), layer.weight, layer.bias))

    h = of_h(inputs.clip, inputs.clip_attributes)
    h_value = draw(h, generator)
    hidden = plain_trunk(model.medium_trunk, features(inputs.second), repeated(h_value))
    layer = heads.m_from_prosody
    shift = functional.linear(heads.prosody(inputs.attributes, scale), layer.weight, layer.bias)
    m = bounded(averaged(plain_head(model.medium_head, hidden), window), shift)
    m_value = draw(m, generator)
    m_frames = m_value.repeat_interleave(window, dim=1)[:, :frames].transpose(1, 2)
    slow = torch.cat((m_frames, repeated(h_value)), dim=1)
    hidden = plain_trunk(model.local_trunk, features(inputs.frame), slow)
    z = bounded(plain_head(model.local_head, hidden))
    z_value = draw(z, generator)
    code = z_value.transpose(1, 2)
    decoder = model.decoder_head
    reconstruction = functional.conv1d(
        plain_trunk(model.decoder_trunk, code), decoder.weight[..., None], decoder.bias
    )
    if model.spec.predictors_read == "means":
        means = torch.stack([piece.mean(dim=-1) for piece in code.split(window, dim=-1)], dim=-1)
        hidden = plain_trunk(model.predictor_m_trunk, means, h_value[..., None].expand(-1, -1, means.shape[-1]))
        m_predicted = bounded(plain_head(model.predictor_m_head, hidden))
        hidden = plain_trunk(model.predictor_h_trunk, code.mean(dim=-1, keepdim=True))
        whole = plain_head(model.predictor_h_head, hidden)
        h_predicted = bounded(Raw(whole.mean[:, 0], whole.log_variance[:, 0]))
    else:
        hidden = plain_trunk(model.predictor_m_trunk, code, repeated(h_value))
        m_predicted = bounded(averaged(plain_head(model.predictor_m_head, hidden), window))
        hidden = plain_trunk(model.predictor_h_trunk, code)
        h_predicted = bounded(averaged(plain_head(model.predictor_h_head, hidden), None))

    latents = Latents(h, m, z, h_value, m_value, z_value)
    one, other = (x / x.norm(dim=1, keepdim=True) for x in (h.mean, of_h(inputs.again, inputs.attributes).mean))
    odds = one @ other.T / TEMPERATURE
    likeness = [torch.log(torch.softmax(odds, dim=d).diagonal()).mean() for d in (0, 1)]
    got = add_up(
        latents,
        reconstruction=reconstruction.transpose(1, 2),
        target=features(inputs.target).transpose(1, 2),
        m_predicted=m_predicted,
        h_predicted=h_predicted,
        mask=None,
        window_frames=window,
        spec=TRAIN,
        attributes=attribute_density(model, inputs, latents),
        contrast=(likeness[0] + likeness[1]) / 2.0,
    )
    return {name: getattr(got, name) for name in TERM_NAMES}


def case(frames: int, reads: str, batch: int = 5) -> tuple[AuxVAE, NetworkInputs]:
    model = AuxVAE(dataclasses.replace(SPEC, predictors_read=reads))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    model.set_scaling(torch.randn(SPEC.bands), torch.tensor(1.7))
    model.attribute_heads.class_weights[:] = 1.0 / SPEC.sounds
    windows = -(-frames // SPEC.window_frames)
    clip, second, frame, target, again = (torch.randn(batch, frames, SPEC.bands) * 2 - 1 for _ in range(5))
    attributes, of_clip = attributes_of(batch, windows), attributes_of(batch, windows)
    return model, NetworkInputs(clip, second, frame, target, attributes, clip_attributes=of_clip, again=again)


def attributes_of(batch: int, windows: int) -> Attributes:
    def random(*shape: int) -> Tensor:
        return 0.2 * torch.randn(batch, *shape)

    size = ENVELOPE_COEFFICIENTS
    return Attributes(
        random(),
        random(size),
        random(SPEC.sounds, size),
        random(size),
        random(windows),
        random(windows),
        random(windows, TONE_COEFFICIENTS),
        torch.full((batch, windows), 5.0),
    )


@pytest.mark.parametrize("reads", ["frames", "means"])
@pytest.mark.parametrize("frames", [32, 29, 3])
def test_every_term_and_gradient_equals_the_networks_written_out_with_conv1d(frames: int, reads: str) -> None:
    model, inputs = case(frames, reads)
    found = terms(model, inputs, TRAIN, generator=torch.Generator().manual_seed(3))
    (-found.total).backward()
    gradients = {name: parameter.grad.clone() for name, parameter in model.named_parameters()}
    model.zero_grad()
    plain = plain_terms(model, inputs, torch.Generator().manual_seed(3))
    (-plain["total"]).backward()
    for name in TERM_NAMES:
        torch.testing.assert_close(getattr(found, name), plain[name], atol=1e-4, rtol=1e-4)
    largest = max(float(parameter.grad.abs().max()) for parameter in model.parameters())
    assert largest > 0.1
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(gradients[name], parameter.grad, atol=1e-4 * max(1.0, largest), rtol=1e-4)


def test_two_hundred_steps_in_bfloat16_follow_the_curve_of_float32() -> None:
    spec = dataclasses.replace(SPEC, local_kernel=1)
    factors = torch.randn(6, SPEC.bands)
    unchanging = attributes_of(16, 4)

    def curve(half: bool) -> Tensor:
        torch.manual_seed(0)
        model = AuxVAE(spec)
        optimiser = torch.optim.Adam(model.parameters(), lr=2e-3, fused=True)
        generator = torch.Generator().manual_seed(1)
        losses = []
        for _ in range(200):
            x = torch.randn(16, 32, 6, generator=generator) @ factors
            attributes = dataclasses.replace(unchanging, pitch=x[:, 0, 0] * 0.1, second_pitch=x[:, :4, 0] * 0.1)
            inputs = NetworkInputs(x, x, x, x, attributes, clip_attributes=attributes, again=x)
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                got = terms(model, inputs, TRAIN, generator=generator)
            optimiser.zero_grad()
            got.loss.backward()
            optimiser.step()
            losses.append(got.reconstruction.detach())
        return torch.stack(losses)

    exact, rounded = curve(half=False), curve(half=True)
    assert not torch.equal(exact, rounded)
    assert float(exact[-20:].mean()) > float(exact[:20].mean()) + 5.0  # it learns
    # Stated bounds: every stretch of 20 steps within 2 % of the distance learnt, the whole curve within 1 %.
    learnt = exact[-20:].mean() - exact[:20].mean()
    apart = (exact - rounded).view(10, 20).mean(dim=1).abs() / learnt
    assert float(apart.max()) < 0.02
    assert float(apart.mean()) < 0.01
