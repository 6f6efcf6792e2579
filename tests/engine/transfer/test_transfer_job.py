"""Giving h and m, beside the control, on the real road: analysis, model, vocoder, files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from engine.analysis import analyse
from engine.api import VOCODERS, Analyse, ClipRef, Control, LatentRef, SecondEdit, StoredClip, Take, Transfer
from engine.api.errors import Cancelled, EngineError, SpecError
from engine.api.specs import AudioSpec, ModelSpec, TrainSpec
from engine.audio import loudness
from engine.audio.vocoders import registry
from engine.audio.vocoders.griffin_lim import GriffinLim
from engine.model import checkpoint
from engine.model.aux_vae import AuxVAE
from engine.transfer import clip_decoder, synthesis, take_evidence, transfer_job

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


def save_model(path: Path, seed: int) -> Path:
    torch.manual_seed(seed)
    checkpoint.save(path, AuxVAE(SMALL), AudioSpec(), TrainSpec(), {"made": "for a test"})
    return path


class World:
    def __init__(self, folder: Path, clips: list[Path], model: Path | None = None) -> None:
        self.folder, self.clips = folder, clips
        self.model = model or save_model(folder / "model.triptych.safetensors", 0)
        refs = tuple(ClipRef(f"clip{i}", str(path)) for i, path in enumerate(clips))
        analyse.analyse(Analyse(refs, str(folder / "clips"), str(self.model), "cpu"), lambda event: None, run)
        self.folders = [str(folder / "clips" / ref.id) for ref in refs]

    def request(self, **changes: object) -> Transfer:
        values: dict[str, object] = {
            "source": self.folders[0],
            "model": str(self.model),
            "out_dir": str(self.folder / "takes"),
            "name": "take",
            "voice": (LatentRef(self.folders[2]),),
            "device": "cpu",
        }
        return Transfer(**(values | changes))  # type: ignore[arg-type]

    def render(self, **changes: object) -> Take:
        return transfer_job.render(self.request(**changes), lambda event: None, run)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, speech: list[Path]) -> World:
    return World(tmp_path_factory.mktemp("transfer"), speech)


def sound(path: str) -> np.ndarray:
    samples, rate = soundfile.read(path, dtype="float32")
    assert rate == 16_000
    return np.asarray(samples)


def test_three_sounds_of_the_source_s_length_and_loudness(world: World) -> None:
    take = world.render()
    original, control, result = (sound(path) for path in (take.original, take.control, take.transformed))
    assert len(original) == len(control) == len(result) == len(StoredClip(take.source).array("audio"))
    assert StoredClip(take.transformed_folder).meta().frames == len(StoredClip(take.source).array("mel"))
    level = take.evidence.level_dbfs
    assert level == pytest.approx(take.control_evidence.level_dbfs, abs=0.01)
    assert 20 * np.log10(np.sqrt(np.mean(original**2))) == pytest.approx(level, abs=0.05)


def test_a_take_tells_how_loud_its_sounds_are_and_keeps_them_as_stored_clips(world: World) -> None:
    take = world.render(name="loud")
    files = {"original": take.original, "control": take.control, "transformed": take.transformed}
    for name, path in files.items():
        assert take.loudness_lufs[name] == pytest.approx(loudness.integrated_lufs(sound(path), 16_000), abs=0.01)
    for folder, path in ((take.control_folder, take.control), (take.transformed_folder, take.transformed)):
        kept = StoredClip(folder).array("audio")
        assert np.abs(kept - sound(path)).max() < 1e-3
        assert StoredClip(folder).array("peaks").max() == kept.max()


def test_no_strength_gives_the_control_to_the_sample(world: World) -> None:
    take = world.render(strength=0.0, name="none")
    assert np.array_equal(sound(take.control), sound(take.transformed))


def test_a_given_voice_and_a_given_emotion_each_change_the_sound(world: World) -> None:
    voice = sound(world.render(name="voice").transformed)
    emotion = sound(world.render(name="emotion", voice=(), emotion=(LatentRef(world.folders[2]),)).transformed)
    control = sound(world.render(name="again").control)
    assert not np.array_equal(voice, control)
    assert not np.array_equal(emotion, control)
    assert not np.array_equal(voice, emotion)


def test_the_same_request_gives_the_same_samples(world: World) -> None:
    assert np.array_equal(sound(world.render(name="a").transformed), sound(world.render(name="b").transformed))


def test_a_model_names_its_vocoder_and_the_user_may_name_another(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Backwards(GriffinLim):
        def synthesise(self, log_mel: torch.Tensor, **given: Any) -> torch.Tensor:
            heard.append((given["f0"], given["phase_of"]))
            return super().synthesise(log_mel, **given).flip(0)

    heard: list[tuple[torch.Tensor, torch.Tensor]] = []
    monkeypatch.setitem(VOCODERS, "backwards", "For a test.")
    monkeypatch.setattr(registry, "MAKERS", {**registry.MAKERS, "backwards": Backwards})
    held = checkpoint.load(world.model)
    model = world.folder / "backwards.triptych.safetensors"
    checkpoint.save(model, held.model, held.audio, held.train, held.provenance, vocoder="backwards")
    other = World(world.folder / "backwards", world.clips, model)
    takes = {wish: other.render(name=f"by-{wish}", vocoder=wish) for wish in ("auto", "griffin-lim", "backwards")}
    assert {wish: take.vocoder for wish, take in takes.items()} == {
        "auto": "backwards",
        "griffin-lim": "griffin-lim",
        "backwards": "backwards",
    }
    assert np.array_equal(sound(takes["auto"].transformed), sound(takes["backwards"].transformed))
    assert not np.array_equal(sound(takes["auto"].transformed), sound(takes["griffin-lim"].transformed))
    f0, phase_of = heard[0]  # of the control
    source = StoredClip(other.folders[0])
    assert np.array_equal(f0.numpy(), source.array("f0"), equal_nan=True)
    assert len(phase_of) == len(source.array("audio"))
    with pytest.raises(SpecError, match="no vocoder"):
        world.render(vocoder="magic")


def test_a_moved_slider_measures_the_new_sound_and_not_the_control_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    transfer_job.renderer_of.cache_clear()
    heard: list[np.ndarray] = []
    distance = take_evidence.content_distance_db

    def counted(mel: np.ndarray, other: np.ndarray) -> float:
        heard.append(mel)
        return distance(mel, other)

    monkeypatch.setattr(take_evidence, "content_distance_db", counted)
    first, second = (world.render(name=f"slid-{strength}", strength=strength) for strength in (1.0, 0.5))
    assert len(heard) == 3
    assert first.control_evidence == second.control_evidence
    assert first.evidence != second.evidence


def test_several_voices_are_averaged_by_weight(world: World) -> None:
    refs = (LatentRef(world.folders[1], weight=1.0), LatentRef(world.folders[2], weight=3.0))
    h = [StoredClip(folder).array("h") for folder in world.folders]
    assert np.allclose(transfer_job._mean_h(refs), 0.25 * h[1] + 0.75 * h[2], atol=1e-6)
    take = world.render(voice=refs, name="mixed")
    pitches = [StoredClip(folder).meta().f0_median_hz for folder in world.folders]
    assert take.target_f0_hz == pytest.approx(np.exp(0.25 * np.log(pitches[1]) + 0.75 * np.log(pitches[2])))


@pytest.mark.parametrize("rendering", ["model", "natural"])
def test_what_an_edit_does_not_touch_stays_to_the_sample(world: World, rendering: str) -> None:
    edit = SecondEdit((1,), (LatentRef(world.folders[2], 0),), 1.5)
    alone = world.render(name=f"alone-{rendering}", voice=(), edits=(edit,), rendering=rendering)
    control, result = sound(alone.control), sound(alone.transformed)
    far = np.ones(len(control), bool)
    far[: round(3.3 * 16_000)] = False  # the pitch of a second reaches half a second on, the fade a quarter more
    assert far.any()
    assert np.array_equal(control[far], result[far])
    assert alone.edited is not None
    assert alone.edited.seconds == (1,)
    voice = world.render(name=f"voice-{rendering}", rendering=rendering)
    both = world.render(name=f"both-{rendering}", edits=(edit,), rendering=rendering)
    assert np.array_equal(sound(voice.transformed)[far], sound(both.transformed)[far])
    again = world.render(name=f"again-{rendering}", edits=(edit,), rendering=rendering)
    assert np.array_equal(sound(both.transformed), sound(again.transformed))


def test_chunks_are_joined_without_a_trace(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = world.render(name="whole")
    for module in (clip_decoder, synthesis):
        monkeypatch.setattr(module, "CHUNK_WINDOWS", 1)
    transfer_job.renderer_of.cache_clear()
    pieces = world.render(name="pieces")
    mels = [np.array(StoredClip(take.control_folder).array("mel"), np.float32) for take in (whole, pieces)]
    assert np.mean(np.abs(mels[0] - mels[1])) < 0.1  # natural log: under 1 dB
    a, b = sound(whole.control), sound(pieces.control)
    # a click would be a jump that the whole rendering has nowhere
    assert np.abs(np.diff(b)).max() < 1.5 * np.abs(np.diff(a)).max()


def test_the_recipe_travels_in_the_file_and_names_no_path(world: World) -> None:
    take = world.render(name="tagged")
    with soundfile.SoundFile(take.transformed) as file:
        assert "h given, strength 1" in file.comment
        assert str(world.folder) not in file.comment


def test_a_clip_of_another_model_is_refused_in_words(world: World, tmp_path: Path) -> None:
    other = save_model(tmp_path / "other.triptych.safetensors", 1)
    with pytest.raises(EngineError, match="another model"):
        world.render(model=str(other))


@pytest.mark.parametrize(
    "changes", [{"voice": ()}, {"strength": 2.0}, {"vocoder": "magic"}, {"voice": (LatentRef("x", weight=0.0),)}]
)
def test_an_impossible_request_is_refused_in_words(world: World, changes: dict[str, object]) -> None:
    with pytest.raises(SpecError):
        world.render(**changes)


def test_a_cancelled_transfer_leaves_no_take(world: World) -> None:
    with pytest.raises(Cancelled):
        transfer_job.render(world.request(name="cancelled"), lambda event: None, lambda: Control.CANCEL)
    assert not (world.folder / "takes" / "cancelled.wav").exists()
