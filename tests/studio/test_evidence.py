"""What is said of a take: numbers with the control beside them, and one honest sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.api import Evidence, Take
from studio import evidence

CONTROL = Evidence(118.0, 0.2, 0.02, 0.95, 0.41, 3.1, -26.0)
RESULT = Evidence(187.0, 8.2, 0.71, 0.52, 0.79, 4.4, -26.3)


def take(control: Evidence = CONTROL, result: Evidence = RESULT) -> Take:
    return Take(
        name="one", source="/a", original="/a.wav", control="/c.wav", transformed="/t.wav", strength=1.0,
        voice=(), emotion=(), rule="", source_f0_hz=116.6, target_f0_hz=228.0, control_evidence=control,
        evidence=result, model_hash="x", seconds=0.4, transformed_folder="/t", control_folder="/c",
    )  # fmt: skip


def test_every_row_shows_the_control_beside_the_result() -> None:
    table = {row.name: row for row in evidence.rows(take())}
    assert (table["Median F0"].original, table["Median F0"].control) == ("117 Hz", "118 Hz")
    assert (table["Pitch shift"].control, table["Pitch shift"].transformed) == ("+0.2 st", "+8.2 st")
    assert table["Share of the way"].transformed == "71 %"
    assert (table["h like the target"].control, table["h like the target"].transformed) == ("0.41", "0.79")
    assert table["Content distance"].transformed == "4.4 dB"
    assert all(row.why for row in table.values())


def test_what_could_not_be_measured_is_a_dash() -> None:
    nothing = Evidence(None, None, None, None, None, None, -30.0)
    values = [row.transformed for row in evidence.rows(take(nothing, nothing))]
    assert values[:-1] == [evidence.DASH] * 6


def test_a_change_is_told_against_the_control_not_against_the_original() -> None:
    words = evidence.sentence(take())
    assert words.startswith(
        "Against the reconstruction alone, the pitch rose by 8.0 semitones (71\u00a0% of the way"
    )
    assert "the model hears the target’s voice more" in words
    assert "1.3 dB further from the original" in words


def test_going_past_the_target_is_told() -> None:
    words = evidence.sentence(take(result=replace(RESULT, f0_share=1.93)))
    assert "past the target: 193\u00a0% of the way" in words


def test_a_falling_pitch_falls() -> None:
    assert "fell by 5.2 semitones" in evidence.sentence(take(result=replace(RESULT, f0_shift_semitones=-5.0)))


@pytest.mark.parametrize("shift", [0.0, 0.3, 0.6])
def test_where_nothing_audible_changed_it_says_so(shift: float) -> None:
    same = take(result=replace(CONTROL, f0_shift_semitones=shift))
    assert not evidence.is_audible(same)
    assert evidence.sentence(same).startswith("Nothing audible changed")


def test_an_unvoiced_take_is_not_given_a_pitch() -> None:
    unvoiced = replace(CONTROL, f0_shift_semitones=None)
    assert "no voiced pitch" in evidence.sentence(take(unvoiced, unvoiced))
    louder = replace(unvoiced, content_distance_db=9.0)
    assert "the pitch could not be measured" in evidence.sentence(take(unvoiced, louder))
