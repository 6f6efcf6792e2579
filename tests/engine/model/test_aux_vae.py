"""The six networks: sizes, timescales, masks, long clips."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from engine.api.errors import SpecError
from engine.api.specs import ModelSpec
from engine.model.aux_vae import NETWORKS, AuxVAE
from engine.model.modules import (
    FrameLinear,
    GaussianHead,
    Trunk,
    draw,
    frame_mask,
    gaussian,
    mean_over_windows,
    norm_real_frames,
)
from engine.model.streaming import encode_stream
from engine.model.timescale.inputs import NetworkInputs

SMALL = ModelSpec(
    bands=20,
    latent=6,
    global_channels=(8, 9, 10),
    medium_channels=(8, 9, 10),
    local_channels=(12, 12),
    decoder_channels=(11, 11, 11),
    predictor_m_channels=(14, 14),
    predictor_h_channels=(13,),
)


def seasoned(spec: ModelSpec, seed: int = 0) -> AuxVAE:
    """A model whose batch norms have seen something, so that evaluation differs from identity."""
    torch.manual_seed(seed)
    model = AuxVAE(spec)
    model.set_scaling(torch.randn(spec.bands), torch.tensor(2.0))
    model.train()
    with torch.no_grad():
        for _ in range(3):
            latents = model.encode(NetworkInputs.plain(torch.randn(4, 70, spec.bands)))
            model.decode(latents.z_value)
    return model.eval()


def test_the_paper_sizes_hold_the_weights_counted_by_hand() -> None:
    def layer(inputs: int, outputs: int, kernel: int = 1, slow: int = 0, norm: bool = True) -> int:
        return kernel * inputs * outputs + slow * outputs + outputs + (2 * outputs if norm else 0)

    head = layer(512, 1024, norm=False)
    expected = {
        "global": layer(140, 128, 3) + layer(128, 256, 3) + layer(256, 512, 3) + head,
        "medium": layer(140, 128, 3, slow=512) + layer(128, 256, 3) + layer(256, 512, 3) + head,
        "local": layer(140, 512, slow=1024) + layer(512, 512) + head,
        "decoder": layer(512, 140) + 2 * layer(140, 140) + layer(140, 140, norm=False),
        "predictor_m": layer(512, 1024, slow=512, norm=False) + 2 * layer(1024, 1024, norm=False),
        "predictor_h": layer(512, 512, norm=False) + head,
    }
    model = AuxVAE(ModelSpec())
    counted = {
        name: sum(p.numel() for weight, p in model.named_parameters() if weight.startswith(f"{name}_"))
        for name in NETWORKS
    }
    assert counted == expected
    total = sum(p.numel() for p in model.parameters())
    assert total == sum(expected.values()) == 7_667_240
    assert counted["predictor_m"] / total == pytest.approx(0.41, abs=0.01)
    assert counted["decoder"] / total < 0.02


def test_latents_have_the_three_timescales() -> None:
    latents = seasoned(SMALL).encode(NetworkInputs.plain(torch.randn(2, 130, 20)))
    assert latents.h.mean.shape == (2, 6)
    assert latents.m.mean.shape == (2, 3, 6)
    assert latents.z.mean.shape == (2, 130, 6)


@pytest.mark.parametrize("frames", [13, 63, 64, 65, 500])
def test_any_length_from_a_fifth_of_a_second_runs_and_decodes(frames: int) -> None:
    model = seasoned(SMALL)
    latents = model.encode(NetworkInputs.plain(torch.randn(1, frames, 20)))
    assert latents.m.mean.shape[1] == -(-frames // 64)
    decoded = model.decode(latents.z_value)
    assert decoded.shape == (1, frames, 20)
    assert bool(torch.isfinite(decoded).all())


def test_evaluation_is_deterministic_and_takes_the_means() -> None:
    model, x = seasoned(SMALL), torch.randn(2, 100, 20)
    first, second = model.encode(NetworkInputs.plain(x)), model.encode(NetworkInputs.plain(x))
    assert torch.equal(first.z.mean, second.z.mean)
    assert torch.equal(first.h_value, first.h.mean)
    assert torch.equal(first.m_value, first.m.mean)


def test_a_seed_gives_the_same_draws_and_another_seed_others() -> None:
    model, x = seasoned(SMALL), torch.randn(2, 100, 20)

    def draw(seed: int) -> torch.Tensor:
        return model.encode(
            NetworkInputs.plain(x), sample=True, generator=torch.Generator().manual_seed(seed)
        ).z_value

    assert torch.equal(draw(1), draw(1))
    assert not torch.equal(draw(1), draw(2))


def test_h_is_drawn_once_a_clip_and_m_once_a_window() -> None:
    """With everything else constant, z's posterior may change only where m's window changes."""
    model = seasoned(SMALL)
    steady = torch.zeros(1, 128, 20)
    latents = model.encode(NetworkInputs.plain(steady), sample=True, generator=torch.Generator().manual_seed(3))
    mean = latents.z.mean[0]
    assert torch.allclose(mean[:64], mean[0].expand(64, -1), atol=1e-6)
    assert torch.allclose(mean[64:], mean[64].expand(64, -1), atol=1e-6)
    assert not torch.allclose(mean[0], mean[64], atol=1e-4)
    assert latents.h_value.shape == (1, 6)
    assert latents.m_value.shape == (1, 2, 6)


def test_z_depends_on_h_and_m() -> None:
    model, x = seasoned(SMALL), torch.randn(1, 64, 20)
    h, m = torch.zeros(1, 6), torch.zeros(1, 1, 6)
    plain = model.posterior_z(x, h, m).mean
    assert not torch.allclose(plain, model.posterior_z(x, h + 1.0, m).mean)
    assert not torch.allclose(plain, model.posterior_z(x, h, m + 1.0).mean)


def test_padding_changes_nothing() -> None:
    model = seasoned(SMALL)
    short, long = torch.randn(1, 90, 20), torch.randn(1, 200, 20)
    padded = torch.zeros(2, 200, 20)
    padded[0, :90], padded[1] = short[0], long[0]
    padded[0, 90:] = 7.0
    both = model.encode(NetworkInputs.plain(padded), lengths=torch.tensor([90, 200]))
    alone = model.encode(NetworkInputs.plain(short))
    assert torch.allclose(both.h.mean[:1], alone.h.mean, atol=1e-5)
    assert torch.allclose(both.m.mean[:1, :2], alone.m.mean, atol=1e-5)
    assert torch.allclose(both.z.mean[:1, :90], alone.z.mean, atol=1e-5)
    assert torch.allclose(both.h.mean[1:], model.encode(NetworkInputs.plain(long)).h.mean, atol=1e-5)


def test_batch_norm_sees_real_frames_only() -> None:
    norm = torch.nn.BatchNorm1d(3).train()
    x = torch.randn(2, 10, 3) * 4.0 + 2.0
    mask = torch.arange(10)[None] < torch.tensor([[4], [10]])
    y = norm_real_frames(norm, x, mask)
    real = y[mask]
    assert torch.allclose(real.mean(dim=0), torch.zeros(3), atol=1e-5)
    assert torch.allclose(real.var(dim=0, unbiased=False), torch.ones(3), atol=1e-3)
    assert bool((y[~mask] == 0).all())
    assert torch.allclose(norm.running_mean, 0.1 * x[mask].mean(dim=0), atol=1e-6)


@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_a_frame_layer_is_the_convolution_it_stands_for(kernel: int) -> None:
    layer = FrameLinear(4, 6, kernel=kernel)
    x = torch.randn(2, 20, 4)
    weight = layer.frame.weight.view(6, kernel, 4).transpose(1, 2)
    convolved = torch.nn.functional.conv1d(x.transpose(1, 2), weight, layer.frame.bias, padding=kernel // 2)
    assert torch.allclose(layer(x), convolved.transpose(1, 2), atol=1e-5)


def test_a_slow_input_enters_as_if_repeated_at_every_frame() -> None:
    layer = FrameLinear(4, 6, slow=5, window=8)
    assert layer.slow is not None
    x, slow = torch.randn(2, 20, 4), torch.randn(2, 3, 5)
    joined = torch.cat((x, slow.repeat_interleave(8, dim=1)[:, :20]), dim=-1)
    weight = torch.cat((layer.frame.weight, layer.slow.weight), dim=1)
    assert torch.allclose(layer(x, slow), joined @ weight.T + layer.frame.bias, atol=1e-5)


def test_windows_sit_exactly_on_their_frames_and_the_last_averages_what_there_is() -> None:
    x = torch.arange(10.0).view(1, 10, 1)
    assert mean_over_windows(x, None, 4).flatten().tolist() == [1.5, 5.5, 8.5]
    mask = torch.arange(10)[None] < 6
    assert mean_over_windows(x, mask, 4).flatten().tolist() == [1.5, 4.5, 0.0]


def test_averaging_before_the_last_layer_is_averaging_after_it() -> None:
    model, x = seasoned(SMALL), torch.randn(1, 100, 20)
    hidden = model.global_trunk(model.scaled(x))
    after = model.global_head.linear(hidden).mean(dim=1)[:, :6]
    assert torch.allclose(model.encode(NetworkInputs.plain(x)).h.mean, after, atol=1e-5)


def test_the_log_variance_stays_within_its_bounds_and_keeps_a_gradient() -> None:
    head = GaussianHead(1, 1, -9.0, 3.0)
    with torch.no_grad():
        head.linear.weight.fill_(1.0)
        head.linear.bias.zero_()
    x = torch.tensor([[-1e4], [-12.0], [-3.0], [0.0], [8.0], [1e4]], requires_grad=True)
    found = head(x)
    narrowest, widest = torch.exp(torch.tensor([-9.0, 3.0]) / 2.0)
    assert bool(((found.stddev >= narrowest) & (found.stddev <= widest)).all())
    log_variance = 2.0 * found.stddev.log()
    assert float(log_variance[2].detach()) == pytest.approx(-3.0)
    (gradient,) = torch.autograd.grad(log_variance.sum(), x)
    assert float(gradient[2]) == pytest.approx(1.0)
    assert bool((gradient[1:5] > 0).all())


def test_draws_have_the_mean_and_the_deviation_of_their_gaussian() -> None:
    drawn = draw(gaussian(torch.full((50_000,), 1.0), torch.full((50_000,), 2.0)))
    assert float(drawn.mean()) == pytest.approx(1.0, abs=0.05)
    assert float(drawn.std()) == pytest.approx(float(torch.exp(torch.tensor(1.0))), rel=0.02)


@pytest.mark.parametrize("kernel", [1, 5])
@pytest.mark.parametrize("frames", [13, 64, 640, 1000])
def test_a_clip_encoded_in_chunks_equals_the_whole(frames: int, kernel: int) -> None:
    spec = ModelSpec(**{**SMALL.to_dict(), "local_kernel": kernel} | {
        name: tuple(value) for name, value in SMALL.to_dict().items() if isinstance(value, list)
    })  # fmt: skip
    model, x = seasoned(spec), torch.randn(1, frames, 20)
    whole = model.encode(NetworkInputs.plain(x))
    streamed = encode_stream(model, lambda a, b: NetworkInputs.plain(x[:, a:b]), frames, chunk_windows=2)
    assert torch.allclose(streamed.h, whole.h.mean[0], atol=1e-5)
    assert torch.allclose(streamed.m, whole.m.mean[0], atol=1e-5)
    chunks = list(streamed.z)
    assert torch.allclose(torch.cat(chunks), whole.z.mean[0], atol=1e-5)
    assert all(len(chunk) <= 128 for chunk in chunks)


def test_decode_gives_log_mel_back_in_its_own_scale() -> None:
    model = seasoned(SMALL)
    z = torch.randn(1, 30, 6)
    assert torch.allclose(model.scaled(model.decode(z)), model.decode_features(z), atol=1e-5)


def test_empty_channels_and_even_kernels_are_refused_by_name() -> None:
    with pytest.raises(SpecError) as refused:
        AuxVAE(ModelSpec(local_kernel=2))
    assert refused.value.name == "local_kernel"
    with pytest.raises(SpecError) as refused:
        AuxVAE(ModelSpec(decoder_channels=()))
    assert refused.value.name == "decoder_channels"


def test_a_log_mel_that_several_networks_share_is_scaled_once() -> None:
    model = AuxVAE(SMALL)
    model.set_scaling(torch.randn(SMALL.bands), torch.tensor(1.7))
    x, other = torch.randn(2, 9, SMALL.bands), torch.randn(2, 9, SMALL.bands)
    mask = frame_mask(torch.tensor([9, 4]), 9)
    features = model.features(NetworkInputs(other, x, x, x), mask)
    assert features.second is features.frame is features.target
    assert features.again is None
    assert torch.equal(features.clip, model.scaled(other, mask))
    assert torch.equal(features.frame, model.scaled(x, mask))


def test_a_trunk_knows_how_far_it_sees() -> None:
    trunk = Trunk(4, (5, 6, 7), kernel=3).eval()
    x = torch.randn(1, 40, 4)
    other = x.clone()
    other[:, 20] += 1.0
    changed = (trunk(x) != trunk(other)).any(dim=-1)[0].nonzero().flatten()
    assert (int(changed.min()), int(changed.max())) == (20 - trunk.reach, 20 + trunk.reach)


@pytest.mark.parametrize("reads", ["frames", "means"])
def test_what_the_predictors_say_of_a_clip_does_not_depend_on_padding(reads: str) -> None:
    model = AuxVAE(dataclasses.replace(SMALL, predictors_read=reads)).eval()
    z, h = torch.randn(2, 150, 6), torch.randn(2, 6)
    z[1, 70:] = 9.0  # of the padding: to be left out
    mask = frame_mask(torch.tensor([150, 70]), 150)
    alone_m, alone_h = model.predict_m(h[1:], z[1:, :70]), model.predict_h(z[1:, :70])
    torch.testing.assert_close(model.predict_m(h, z, mask).mean[1, :2], alone_m.mean[0], atol=1e-5, rtol=0)
    torch.testing.assert_close(model.predict_h(z, mask).mean[1], alone_h.mean[0], atol=1e-5, rtol=0)
    assert model.predict_m(h, z).mean.shape == (2, 3, 6)
