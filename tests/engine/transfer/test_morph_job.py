"""One sound of many steps, on the real road."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from engine.analysis import analyse
from engine.api import Analyse, ClipRef, Control, LatentRef, Morph, Progress
from engine.api.errors import Cancelled, SpecError
from engine.api.specs import AudioSpec, ModelSpec, TrainSpec
from engine.model import checkpoint
from engine.model.aux_vae import AuxVAE
from engine.transfer import morph_job

SMALL = ModelSpec(
    latent=16,
    global_channels=(24, 24, 24),
    medium_channels=(24, 24, 24),
    local_channels=(32, 32),
    decoder_channels=(32, 32),
    predictor_m_channels=(16,),
    predictor_h_channels=(16,),
)


def run() -> Control:
    return Control.RUN


@pytest.fixture(scope="module")
def request_(tmp_path_factory: pytest.TempPathFactory, speech: list[Path]) -> Morph:
    folder = tmp_path_factory.mktemp("morph")
    torch.manual_seed(0)
    model = folder / "model.triptych.safetensors"
    checkpoint.save(model, AuxVAE(SMALL), AudioSpec(), TrainSpec(), {"made": "for a test"})
    refs = tuple(ClipRef(f"clip{i}", str(path)) for i, path in enumerate(speech[:3]))
    analyse.analyse(Analyse(refs, str(folder / "clips"), str(model), "cpu"), lambda event: None, run)
    first, second = (LatentRef(str(folder / "clips" / f"clip{i}")) for i in (1, 2))
    half = (dataclasses.replace(first, weight=0.5), dataclasses.replace(second, weight=0.5))
    source = str(folder / "clips" / "clip0")
    return Morph(source, str(model), str(folder / "out"), "morph", ((first,), half, (second,)), device="cpu")


def test_the_steps_lie_one_after_the_other_in_one_sound(request_: Morph) -> None:
    events: list[object] = []
    done = morph_job.render(request_, events.append, run)
    sound, rate_hz = soundfile.read(done.path)
    assert len(done.starts_s) == len(done.ends_s) == len(done.f0_hz) == 3
    assert done.ends_s[-1] == pytest.approx(len(sound) / rate_hz)
    for end, start in zip(done.ends_s, done.starts_s[1:], strict=False):
        assert start - end == pytest.approx(morph_job.PAUSE_S)
        assert not sound[round(end * rate_hz) : round(start * rate_hz)].any()
    pieces = [
        sound[round(a * rate_hz) : round(b * rate_hz)] for a, b in zip(done.starts_s, done.ends_s, strict=True)
    ]
    assert all(np.abs(piece).max() > 0 for piece in pieces)
    assert not np.array_equal(pieces[0], pieces[2])
    assert sorted(path.name for path in Path(request_.out_dir).iterdir()) == ["morph.wav"]
    fractions = [event.fraction for event in events if isinstance(event, Progress)]
    assert fractions == [0.0, 1 / 3, 2 / 3]


def test_stop_keeps_the_steps_that_are_done_and_cancel_none(request_: Morph) -> None:
    began: list[Progress] = []

    def stop_in_second() -> Control:
        return Control.STOP if len(began) >= 2 else Control.RUN

    done = morph_job.render(
        request_, lambda event: began.append(event) if isinstance(event, Progress) else None, stop_in_second
    )
    assert len(done.starts_s) == 1
    with pytest.raises(Cancelled):
        morph_job.render(request_, lambda event: None, lambda: Control.CANCEL)


def test_seconds_can_be_given_along_a_path_too(request_: Morph) -> None:
    first, second = request_.steps[0][0].folder, request_.steps[2][0].folder
    steps = ((LatentRef(first, 0),), (LatentRef(second, 0),))
    done = morph_job.render(dataclasses.replace(request_, latent="m", steps=steps), lambda event: None, run)
    assert done.latent == "m"
    assert len(done.starts_s) == 2


def test_a_path_of_nothing_or_of_z_is_refused(request_: Morph) -> None:
    with pytest.raises(SpecError):
        morph_job.render(dataclasses.replace(request_, steps=()), lambda event: None, run)
    with pytest.raises(SpecError):
        morph_job.render(dataclasses.replace(request_, latent="z"), lambda event: None, run)
