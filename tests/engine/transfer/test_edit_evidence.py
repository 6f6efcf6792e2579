"""What is measured of a change: against the control, and in the edited seconds alone."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.transfer.edit_evidence import difference_db, of_edited

WINDOW, BANDS = 64, 140
DB = math.log(10.0) / 20.0  # nepers


def test_a_sound_differs_from_itself_by_nothing() -> None:
    mel = np.random.default_rng(0).normal(size=(100, BANDS)).astype(np.float32)
    assert difference_db(mel, mel) == 0.0


def test_a_change_of_level_counts_in_full() -> None:
    mel = np.random.default_rng(0).normal(size=(100, BANDS)).astype(np.float32)
    assert difference_db(mel + 3 * DB, mel) == pytest.approx(3.0, abs=1e-3)


def test_what_changes_in_silence_is_not_heard() -> None:
    mel = np.zeros((100, BANDS), np.float32)
    mel[50:] = -10.0
    louder = mel.copy()
    louder[50:] += 2.0
    assert difference_db(louder, mel) == 0.0


def test_the_edited_seconds_are_measured_by_themselves() -> None:
    frames = 4 * WINDOW
    source = np.full(frames, 100.0, np.float32)
    source[: WINDOW // 2] = np.nan
    raised = source.copy()
    raised[WINDOW : 2 * WINDOW] *= 2.0  # an octave, in one second of four
    mel = np.zeros((frames, BANDS), np.float32)
    louder = mel.copy()
    louder[WINDOW : 2 * WINDOW] += 6 * DB
    found = of_edited((1,), WINDOW, source, (mel, source), (louder, raised))
    assert found is not None
    assert found.control_shift_semitones == pytest.approx(0.0)
    assert found.shift_semitones == pytest.approx(12.0)
    assert found.difference_db == pytest.approx(6.0, abs=1e-3)
    elsewhere = of_edited((2, 3), WINDOW, source, (mel, source), (louder, raised))
    assert elsewhere is not None
    assert elsewhere.shift_semitones == pytest.approx(0.0)
    assert elsewhere.difference_db == 0.0


def test_without_a_voice_there_the_pitch_is_unknown() -> None:
    mel, f0 = np.zeros((WINDOW, BANDS), np.float32), np.full(WINDOW, np.nan, np.float32)
    found = of_edited((0,), WINDOW, f0, (mel, f0), (mel, f0))
    assert found is not None
    assert found.shift_semitones is None


def test_without_edits_there_is_nothing_to_say() -> None:
    mel, f0 = np.zeros((WINDOW, BANDS), np.float32), np.full(WINDOW, 100.0, np.float32)
    assert of_edited((), WINDOW, f0, (mel, f0), (mel, f0)) is None
