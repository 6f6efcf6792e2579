"""The model that comes with the program does what the program promises, on recordings it was not trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.analysis import analyse
from engine.api import Analyse, ClipRef, Control, LatentRef, SecondEdit, StoredClip, Take, Transfer
from engine.model import checkpoint
from engine.runtime.resources import default_model
from engine.transfer import transfer_job

WOMAN, MAN = (0, 1), (2, 3)  # of the fixture `speech`
MODEL = str(default_model())


def run() -> Control:
    return Control.RUN


class World:
    def __init__(self, folder: Path, clips: list[Path]) -> None:
        self._folder = folder
        refs = tuple(ClipRef(f"clip{i}", str(path)) for i, path in enumerate(clips))
        analyse.analyse(Analyse(refs, str(folder / "clips"), MODEL, "cpu"), lambda event: None, run)
        self.clips = [StoredClip(str(folder / "clips" / ref.id)) for ref in refs]

    def refs(self, of: tuple[int, ...]) -> tuple[LatentRef, ...]:
        return tuple(LatentRef(self.clips[i].folder) for i in of)

    def give(self, source: int, **what: object) -> Take:
        request = Transfer(
            self.clips[source].folder, MODEL, str(self._folder / "takes"), "take", device="cpu", **what
        )  # type: ignore[arg-type]
        return transfer_job.render(request, lambda event: None, run)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, speech: list[Path]) -> World:
    return World(tmp_path_factory.mktemp("starter"), speech)


@pytest.mark.parametrize("rendering", ["model", "natural"])
@pytest.mark.parametrize(("source", "voice"), [(2, WOMAN), (0, MAN)])
def test_another_s_h_moves_the_pitch_and_the_gender_and_the_control_moves_neither(
    world: World, source: int, voice: tuple[int, ...], rendering: str
) -> None:
    take = world.give(source, voice=world.refs(voice), rendering=rendering)
    assert abs(take.control_evidence.f0_share) < 0.1
    assert 0.75 < take.evidence.f0_share < 1.25
    female = source not in WOMAN  # what it becomes
    assert (take.evidence.gender > 0.5) == female
    assert (take.control_evidence.gender > 0.5) != female
    assert take.evidence.h_cosine_target > take.evidence.h_cosine_source
    assert take.control_evidence.h_cosine_source > take.control_evidence.h_cosine_target


@pytest.mark.parametrize("rendering", ["model", "natural"])
def test_a_given_voice_speaks_as_long_and_as_loud_as_the_source(world: World, rendering: str) -> None:
    take = world.give(2, voice=world.refs(WOMAN), rendering=rendering)
    original, control, result = (
        soundfile.read(path, dtype="float32")[0] for path in (take.original, take.control, take.transformed)
    )
    assert len(original) == len(control) == len(result)
    assert take.evidence.level_dbfs == pytest.approx(take.control_evidence.level_dbfs, abs=0.1)
    assert float(np.abs(result).max()) < 1.0


def test_a_clip_given_its_own_latents_like_a_stranger_s_stays_itself(world: World) -> None:
    itself = world.refs((2,))
    take = world.give(2, voice=itself, emotion=itself)
    assert abs(take.evidence.f0_shift_semitones) < 1.0
    assert take.evidence.h_cosine_source > 0.5


def test_half_the_strength_goes_part_of_the_way(world: World) -> None:
    half, whole = (world.give(2, voice=world.refs(WOMAN), strength=s).evidence.f0_share for s in (0.5, 1.0))
    assert 0.3 < half < 0.7 * whole


def test_the_m_of_a_louder_recording_is_louder_and_leaves_the_speaker(world: World, tmp_path: Path) -> None:
    samples = world.clips[3].array("audio")
    louder = tmp_path / "louder.wav"
    soundfile.write(louder, np.clip(4.0 * np.array(samples), -1.0, 1.0), 16_000)
    out = tmp_path / "clips"
    analyse.analyse(Analyse((ClipRef("louder", str(louder)),), str(out), MODEL, "cpu"), lambda event: None, run)
    reference = (LatentRef(str(out / "louder")),)
    take = world.give(3, emotion=reference)
    distance = 20 * np.log10(4.0)
    moved = take.evidence.level_dbfs - take.control_evidence.level_dbfs
    assert 0.7 * distance < moved < 1.2 * distance
    assert abs(take.evidence.f0_shift_semitones) < 1.0
    assert take.evidence.h_cosine_source > 0.5


def test_one_second_given_changes_that_second_and_leaves_the_rest(world: World) -> None:
    edit = SecondEdit(target=(1,), givers=(LatentRef(world.clips[2].folder, 0),))
    take = world.give(0, edits=(edit,))
    control, result = (
        np.array(StoredClip(folder).array("mel"), np.float32)
        for folder in (take.control_folder, take.transformed_folder)
    )
    change = np.abs(result - control).mean(axis=1)
    assert change[80:112].mean() > 0.3  # seconds fade into each other from middle to middle
    assert change[190:].max() < 1e-3
    sounds = [soundfile.read(path, dtype="float32")[0] for path in (take.control, take.transformed)]
    assert np.array_equal(sounds[0][190 * 250 :], sounds[1][190 * 250 :])


def test_the_model_says_what_it_was_trained_on_and_credits_it() -> None:
    about = checkpoint.inspect(Path(MODEL)).provenance
    assert "CC BY 4.0" in about["credit"]
    assert about["corpus"]["speakers"] == len(about["voices"])
    assert {"seed", "steps", "minutes", "machine", "date"} <= about.keys()
    assert not {"5789", "7859", "3526", "7367", "8629", "6848"} & set(about["voices"])  # they test it
