"""Equation 5, term by term."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from torch.distributions import Normal

from engine.api.specs import ModelSpec, TrainSpec
from engine.model.aux_vae import NETWORKS, AuxVAE, Latents
from engine.model.objective import TERM_NAMES, Terms, add_up, terms
from engine.model.timescale.inputs import NetworkInputs

SPEC = ModelSpec(
    bands=20,
    window_frames=8,
    latent=6,
    global_channels=(16, 16),
    medium_channels=(16, 16),
    local_channels=(24,),
    decoder_channels=(24,),
    predictor_m_channels=(16,),
    predictor_h_channels=(16,),
)
L2PI = math.log(2 * math.pi)


def gaussian(mean: list[list[float]] | list[list[list[float]]], log_variance: float) -> Normal:
    values = torch.tensor(mean)
    return Normal(values, torch.full_like(values, log_variance / 2.0).exp())


def floats(found: Terms) -> dict[str, float]:
    return {name: float(getattr(found, name).detach()) for name in TERM_NAMES}


def tiny(spec: TrainSpec, mask: torch.Tensor | None = None) -> Terms:
    """One clip, three frames in windows of two, two bands, one latent dimension."""
    return add_up(
        Latents(
            h=gaussian([[0.5]], 0.2),
            m=gaussian([[[1.0], [2.0]]], -0.4),
            z=gaussian([[[0.0], [1.0], [2.0]]], 0.6),
            h_value=torch.tensor([[0.7]]),
            m_value=torch.tensor([[[1.5], [1.0]]]),
            z_value=torch.tensor([[[0.1], [0.9], [2.2]]]),
        ),
        reconstruction=torch.tensor([[[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]]]),
        target=torch.tensor([[[0.0, 0.0], [0.0, 0.0], [1.0, -2.0]]]),
        m_predicted=gaussian([[[1.0], [1.0]]], 0.0),
        h_predicted=gaussian([[0.2]], 1.0),
        mask=mask,
        window_frames=2,
        spec=spec,
    )


WEIGHTS = {"alpha": 0.5, "beta": 0.25, "gamma": 2.0}


def test_each_term_equals_the_number_computed_by_hand_in_the_paper_reduction() -> None:
    got = floats(tiny(TrainSpec(**WEIGHTS)))
    # squared errors 1, 0, 0, 4, 0, 9: summed over bands, averaged over three frames
    assert got["reconstruction"] == pytest.approx(-14 / 2 / 3 - 2 * L2PI / 2)
    # E z^2 = mean^2 + variance, with means 0, 1, 2
    assert got["prior_z"] == pytest.approx(-(L2PI + 5 / 3 + math.exp(0.6)) / 2)
    assert got["entropy_z"] == pytest.approx((1 + L2PI + 0.6) / 2)
    # distances 0.5 and 0.0 at variance 1
    assert got["prior_m"] == pytest.approx(-(L2PI + 0.25 / 2) / 2)
    assert got["entropy_m"] == pytest.approx((1 + L2PI - 0.4) / 2)
    # distance 0.5 at variance e
    assert got["prior_h"] == pytest.approx(-(L2PI + 1.0 + 0.25 / math.e) / 2)
    assert got["entropy_h"] == pytest.approx((1 + L2PI + 0.2) / 2)
    assert got["error"] == pytest.approx(14 / 6)
    assert got["total"] == pytest.approx(
        got["reconstruction"]
        + 0.5 * (got["prior_z"] + got["entropy_z"])
        + 0.25 * (got["prior_m"] + got["entropy_m"])
        + 2.0 * (got["prior_h"] + got["entropy_h"]),
        rel=1e-5,
    )


def test_the_equation_reduction_sums_everything_and_counts_it_by_the_frame() -> None:
    paper, equation = tiny(TrainSpec(**WEIGHTS)), tiny(TrainSpec(reduction="equation", **WEIGHTS))
    assert float(equation.reconstruction) == pytest.approx(float(paper.reconstruction))
    assert float(equation.prior_z) == pytest.approx(float(paper.prior_z))  # one dimension a frame here
    assert float(equation.entropy_m) == pytest.approx(float(paper.entropy_m) * 2 / 3)  # two windows, three frames
    assert float(equation.prior_h) == pytest.approx(float(paper.prior_h) / 3)  # one clip, three frames


def test_the_reductions_differ_by_the_number_of_dimensions() -> None:
    torch.manual_seed(0)
    model, x = AuxVAE(SPEC).eval(), torch.randn(2, 16, 20)

    @torch.no_grad()
    def of(reduction: str) -> Terms:
        seed = torch.Generator().manual_seed(1)
        return terms(model, NetworkInputs.plain(x), TrainSpec(reduction=reduction), generator=seed)

    assert float(of("equation").prior_z) == pytest.approx(6 * float(of("paper").prior_z), rel=1e-5)
    assert float(of("equation").entropy_m) == pytest.approx(6 * float(of("paper").entropy_m) / 8, rel=1e-5)


def test_the_laplace_reconstruction_measures_absolute_differences() -> None:
    got = tiny(TrainSpec(reconstruction="absolute"))
    assert float(got.reconstruction) == pytest.approx(-6 / 3 - 2 * math.log(2))


def test_padding_counts_in_no_term() -> None:
    got = floats(tiny(TrainSpec(**WEIGHTS), torch.tensor([[True, True, False]])))
    assert got["reconstruction"] == pytest.approx(-5 / 2 / 2 - L2PI)
    assert got["prior_z"] == pytest.approx(-(L2PI + 1 / 2 + math.exp(0.6)) / 2)
    assert got["prior_m"] == pytest.approx(-(L2PI + 0.25) / 2)  # the second window is all padding
    assert got["error"] == pytest.approx(5 / 4)


def test_the_names_are_those_of_the_class_and_the_loss_is_minus_the_total() -> None:
    got = tiny(TrainSpec())
    assert tuple(floats(got)) == TERM_NAMES == tuple(f.name for f in dataclasses.fields(got))
    assert float(got.loss) == -float(got.total)


def test_gradients_reach_all_six_networks() -> None:
    torch.manual_seed(0)
    model = AuxVAE(SPEC)
    terms(model, NetworkInputs.plain(torch.randn(3, 40, 20)), TrainSpec()).loss.backward()
    reached = {name for name in NETWORKS for weight, _ in model.named_parameters() if weight.startswith(name)}
    assert reached == set(NETWORKS)
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert bool(parameter.grad.abs().max() > 0), name


@pytest.mark.parametrize("reduction", ["paper", "equation"])
def test_the_loss_falls_on_one_batch(reduction: str) -> None:
    torch.manual_seed(0)
    model, x = AuxVAE(SPEC), torch.randn(4, 40, 20)
    spec = TrainSpec(reduction=reduction)
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    generator = torch.Generator().manual_seed(0)
    history = []
    for _ in range(60):
        got = terms(model, NetworkInputs.plain(x), spec, generator=generator)
        optimiser.zero_grad()
        got.loss.backward()
        optimiser.step()
        history.append(got.loss.item())
    assert sum(history[-5:]) < sum(history[:5]) - 5.0


def test_clips_of_different_lengths_train_together() -> None:
    torch.manual_seed(0)
    model = AuxVAE(SPEC)
    got = terms(model, NetworkInputs.plain(torch.randn(2, 40, 20)), TrainSpec(), lengths=torch.tensor([13, 40]))
    got.loss.backward()
    assert all(math.isfinite(value) for value in floats(got).values())


def of_two_pieces(model: AuxVAE, one: torch.Tensor, other: torch.Tensor) -> NetworkInputs:
    return NetworkInputs(one, one, one, one, again=other)


def test_the_contrast_is_high_where_two_pieces_of_a_clip_are_alike_and_low_where_they_are_not() -> None:
    torch.manual_seed(0)
    model = AuxVAE(SPEC).eval()
    x = torch.randn(6, 1, 20).expand(-1, 24, -1) * 2.0  # six steady voices
    spec = TrainSpec(contrast=1.0)

    @torch.no_grad()
    def contrast(again: torch.Tensor) -> float:
        return float(terms(model, of_two_pieces(model, x, again), spec).contrast)

    alike, mistaken = contrast(x), contrast(x.roll(1, 0))
    assert alike > mistaken + 0.1
    assert alike <= 0.0


def test_without_its_weight_the_contrast_costs_nothing_and_is_nothing() -> None:
    model = AuxVAE(SPEC).eval()
    x = torch.randn(3, 24, 20)
    assert float(terms(model, of_two_pieces(model, x, x), TrainSpec()).contrast) == 0.0


def test_the_contrast_counts_by_its_weight() -> None:
    model = AuxVAE(SPEC).eval()
    x = torch.randn(3, 24, 20)

    @torch.no_grad()
    def of(weight: float) -> Terms:
        seed = torch.Generator().manual_seed(1)
        return terms(model, of_two_pieces(model, x, x), TrainSpec(contrast=weight), generator=seed)

    one, two = of(1.0), of(2.0)
    assert float(two.total - one.total) == pytest.approx(float(one.contrast), rel=1e-4)
