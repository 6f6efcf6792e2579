"""The size of a model that the form shows."""

from __future__ import annotations

import pytest

from engine.api import presets
from engine.model.aux_vae import AuxVAE
from studio.domain.model_size import weights_of


@pytest.mark.parametrize("name", list(presets()))
def test_the_number_of_weights_shown_is_the_models_own(name: str) -> None:
    spec = presets()[name].model
    model = AuxVAE(spec)
    assert weights_of(spec) == pytest.approx(sum(p.numel() for p in model.parameters()), rel=0.01)
