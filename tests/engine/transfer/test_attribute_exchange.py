"""Which attributes a source gets: its own, others', and what lies between."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from engine.api.specs import ENVELOPE_COEFFICIENTS, TONE_COEFFICIENTS, ModelSpec
from engine.model.aux_vae import AuxVAE
from engine.model.timescale.attributes import Attributes
from engine.transfer.attribute_exchange import (
    LOUDEST_CHANGE_DB,
    RESIDUAL_KEPT,
    Kept,
    Latents,
    exchanged_attributes,
    louder_by,
)

SPEC = ModelSpec(latent=8, views="timescale", sounds=3)
SECONDS = 4
UNIT_DB = 0.7


@pytest.fixture
def network() -> AuxVAE:
    model = AuxVAE(SPEC).eval()
    model.attribute_heads.class_weights[:] = 1 / 3
    return model


def latents() -> Latents:
    return Latents(torch.randn(8), torch.randn(SECONDS, 8))


def predicted(network: AuxVAE, of: Latents) -> Attributes:
    return network.predict_attributes(of.h[None], of.m[None])


@torch.no_grad()
def test_a_source_with_its_own_latents_keeps_what_was_measured(network: AuxVAE) -> None:
    own = latents()
    measured = predicted(network, latents())
    assert exchanged_attributes(network, measured, own, own, Kept(1.0, torch.ones(SECONDS)), UNIT_DB) is measured


@torch.no_grad()
def test_another_s_latents_given_in_full_have_the_word(network: AuxVAE) -> None:
    given = latents()
    found = exchanged_attributes(
        network, predicted(network, latents()), latents(), given, Kept(0.0, torch.zeros(SECONDS)), 1e-6
    )
    for item in dataclasses.fields(Attributes):
        if item.name != "voiced":
            torch.testing.assert_close(getattr(found, item.name), getattr(predicted(network, given), item.name))


@torch.no_grad()
def test_half_way_lies_half_way(network: AuxVAE) -> None:
    own, given, measured = latents(), latents(), predicted(network, latents())
    half = Latents((own.h + given.h) / 2, own.m)
    found = exchanged_attributes(network, measured, own, half, Kept(0.5, torch.ones(SECONDS)), UNIT_DB)
    torch.testing.assert_close(found.pitch, (measured.pitch + predicted(network, given).pitch) / 2)


@torch.no_grad()
def test_a_given_voice_moves_the_tone_of_seconds_that_keep_their_own(network: AuxVAE) -> None:
    own, measured = latents(), predicted(network, latents())
    given = Latents(latents().h, own.m)
    found = exchanged_attributes(network, measured, own, given, Kept(0.0, torch.ones(SECONDS)), UNIT_DB)
    moved = (found.spectrum - measured.spectrum)[:, None, :TONE_COEFFICIENTS]
    torch.testing.assert_close(found.second_tone - measured.second_tone, moved.expand(-1, SECONDS, -1))
    assert louder_by(found, measured, Kept(0.0, torch.ones(SECONDS))) == pytest.approx(0.0, abs=1e-5)


@torch.no_grad()
def test_one_second_given_changes_that_second_alone(network: AuxVAE) -> None:
    own, measured = latents(), predicted(network, latents())
    m = own.m.clone()
    m[2] = torch.randn(8)
    kept = torch.tensor([1.0, 1.0, 0.0, 1.0])
    found = exchanged_attributes(network, measured, own, Latents(own.h, m), Kept(1.0, kept), UNIT_DB)
    for name in ("second_pitch", "second_range", "second_tone"):
        change = (
            (getattr(found, name) - getattr(measured, name)).abs().flatten(2).amax(dim=(0, 2))
            if (getattr(found, name).dim() > 2)
            else (getattr(found, name) - getattr(measured, name)).abs()[0]
        )
        assert float(change[[0, 1, 3]].max()) < 1e-5, name
        assert float(change[2]) > 1e-3, name
    torch.testing.assert_close(found.spectrum, measured.spectrum)


@torch.no_grad()
def test_loudness_is_predicted_by_m_up_to_a_bound(network: AuxVAE) -> None:
    own = latents()
    measured = dataclasses.replace(
        predicted(network, own),
        second_tone=torch.zeros(1, SECONDS, TONE_COEFFICIENTS),
        voiced=torch.ones(1, SECONDS),
    )
    network.attribute_heads.prosody_from_m.bias[2] += 1000.0
    kept = Kept(1.0, torch.zeros(SECONDS))
    found = exchanged_attributes(network, measured, own, latents(), kept, UNIT_DB)
    assert louder_by(found, measured, kept) * UNIT_DB == pytest.approx(LOUDEST_CHANGE_DB, rel=1e-4)


def test_the_residual_fades_as_the_voice_is_given() -> None:
    seconds = torch.ones(SECONDS)
    assert Kept(1.0, seconds).residual_gain == 1.0
    assert Kept(0.0, seconds).residual_gain == RESIDUAL_KEPT
    assert RESIDUAL_KEPT < Kept(0.5, seconds).residual_gain < 1.0


def test_attributes_are_predicted_in_their_own_units(network: AuxVAE) -> None:
    given = predicted(network, latents())
    assert given.class_offsets.shape == (1, 3, ENVELOPE_COEFFICIENTS)
    flat = network.attribute_heads.timbre(given, network.band_scale)
    again = flat.split((1, ENVELOPE_COEFFICIENTS, 3 * ENVELOPE_COEFFICIENTS, ENVELOPE_COEFFICIENTS), dim=1)
    torch.testing.assert_close(again[0][:, 0] * 0.1, given.pitch)
