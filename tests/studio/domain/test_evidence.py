"""What is said of a take: numbers with the control beside them, and one honest sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.api import EditedEvidence, Evidence, Take
from studio.domain import evidence

CONTROL = Evidence(118.0, 0.2, 0.02, 0.95, 0.41, 3.1, -26.0)
RESULT = Evidence(187.0, 8.2, 0.71, 0.52, 0.79, 4.4, -26.3)


def take(control: Evidence = CONTROL, result: Evidence = RESULT) -> Take:
    return Take(
        name="one",
        source="/a",
        original="/a.wav",
        control="/c.wav",
        transformed="/t.wav",
        strength=1.0,
        voice=(),
        emotion=(),
        rule="",
        source_f0_hz=116.6,
        target_f0_hz=228.0,
        control_evidence=control,
        evidence=result,
        model_hash="x",
        seconds=0.4,
        transformed_folder="/t",
        control_folder="/c",
    )


def test_every_row_shows_the_control_beside_the_result() -> None:
    table = {row.name: row for row in evidence.rows(take())}
    assert (table["Median F0"].original, table["Median F0"].control) == ("117 Hz", "118 Hz")
    assert (table["Pitch shift"].control, table["Pitch shift"].transformed) == ("+0.2 st", "+8.2 st")
    assert table["Share of the way"].transformed == "71\u00a0%"
    assert (table["Voice (h) like the target"].control, table["Voice (h) like the target"].transformed) == (
        "0.41",
        "0.79",
    )
    assert table["Content distance"].transformed == "4.4 dB"
    assert all(row.why for row in table.values())


def test_what_could_not_be_measured_is_a_dash_and_not_shown() -> None:
    nothing = Evidence(None, None, None, None, None, None, -30.0)
    table = evidence.rows(take(nothing, nothing))
    assert [row.transformed for row in table[:-1]] == [evidence.DASH] * (len(table) - 1)
    assert [row.name for row in table if row.known] == ["Level"]


def test_the_pitch_is_told_as_a_way_to_the_target_with_the_control_beside_it() -> None:
    words = evidence.sentence(take())
    assert words.startswith(
        "The pitch moved 8.2 of 11.6 semitones towards the target; the reconstruction alone moves it 0.2."
    )
    assert "The model hears the target’s voice more (0.79; 0.41 in the reconstruction alone)." in words
    assert "1.3 dB further from the original" in words


def test_going_past_the_target_is_told() -> None:
    words = evidence.sentence(take(result=replace(RESULT, f0_shift_semitones=15.0)))
    assert words.startswith("The pitch moved 15.0 semitones, past the target at 11.6;")


def test_going_away_from_the_target_is_told() -> None:
    words = evidence.sentence(take(result=replace(RESULT, f0_shift_semitones=-5.0)))
    assert words.startswith("The pitch moved 5.0 semitones away from the target, which lies 11.6 off;")


def test_a_lower_target_is_reached_by_falling() -> None:
    lower = replace(take(result=replace(RESULT, f0_shift_semitones=-6.1)), target_f0_hz=66.0)
    assert evidence.sentence(lower).startswith(
        "The pitch moved 6.1 of 9.9 semitones towards the target; the reconstruction alone moves it −0.2."
    )


def test_a_target_of_the_same_pitch_is_no_way_to_go() -> None:
    same = replace(take(), target_f0_hz=117.0)
    assert evidence.sentence(same).startswith(
        "The target speaks at the source's own pitch. The pitch moved by +8.2"
    )


@pytest.mark.parametrize("shift", [0.0, 0.3, 0.6])
def test_where_nothing_audible_changed_it_says_so(shift: float) -> None:
    same = replace(take(result=replace(CONTROL, f0_shift_semitones=shift)), difference_db=0.4)
    assert not evidence.is_audible(same)
    words = evidence.sentence(same)
    assert words.startswith("Nothing audible changed: against the reconstruction alone, the pitch differs by")
    assert words.endswith("and the spectrum by 0.4 dB.")


def test_a_changed_spectrum_alone_is_audible() -> None:
    assert evidence.is_audible(replace(take(result=CONTROL), difference_db=2.0))


def test_an_unvoiced_take_is_not_given_a_pitch() -> None:
    unvoiced = replace(CONTROL, f0_shift_semitones=None)
    assert "no voiced pitch" in evidence.sentence(take(unvoiced, unvoiced))
    louder = replace(unvoiced, content_distance_db=9.0)
    assert "The pitch could not be measured." in evidence.sentence(take(unvoiced, louder))


def test_probes_are_told_with_the_control_beside_them() -> None:
    before = replace(CONTROL, gender=0.04, emotion={"calm": 0.7, "angry": 0.2, "sad": 0.1})
    after = replace(RESULT, gender=0.93, emotion={"calm": 0.3, "angry": 0.63, "sad": 0.07})
    words = evidence.sentence(take(before, after))
    assert "The gender probe hears a woman at 93\u00a0% (4\u00a0% in the reconstruction alone)." in words
    assert "The emotion probe hears angry at 63\u00a0% (20\u00a0% in the reconstruction alone)." in words
    table = {row.name: row for row in evidence.rows(take(before, after))}
    assert (table["Emotion: angry"].control, table["Emotion: angry"].transformed) == ("20\u00a0%", "63\u00a0%")


def test_edited_seconds_are_judged_by_themselves() -> None:
    """One second of ten moves no median, and may be heard all the same."""
    edited = EditedEvidence((4, 5, 8), 0.1, 3.2, 2.4)
    made = replace(take(result=CONTROL), edited=edited, difference_db=0.3)
    assert evidence.is_audible(made)
    assert evidence.sentence(made).startswith(
        "In the edited seconds (4–6 s, 8–9 s) the pitch moved by +3.2 semitones (the reconstruction alone: +0.1) "
        "and the spectrum differs by 2.4 dB."
    )
    silent = replace(made, edited=EditedEvidence((4,), None, None, 0.1))
    assert evidence.sentence(silent).startswith("Nothing audible changed")
