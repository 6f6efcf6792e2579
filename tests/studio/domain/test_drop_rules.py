"""What each zone takes, and the words when it does not."""

from __future__ import annotations

import pytest

from engine.api import AudioSpec, ModelInfo
from studio.domain.clip import Clip
from studio.domain.drag_payload import Payload
from studio.domain.drop_rules import EMOTION, SOURCE, VOICE, refusal, refusal_on_clip, usual, why_not_rendered
from studio.domain.transfer_setup import TransferSetup, VoiceChip

MODEL = ModelInfo("m.triptych.safetensors", "abc", 1, AudioSpec().to_dict(), {}, {}, {})


def clip(name: str, **values: object) -> Clip:
    usual = {"labels": {"speaker": "anna"}, "state": "ready", "duration_s": 3.5, "folder": f"/{name}"}
    return Clip(name, f"/r/{name}.wav", **(usual | {"model_hash": "abc"} | values))  # type: ignore[arg-type]


CLIPS = {
    c.id: c
    for c in (
        clip("a"),
        clip("b"),
        clip("waiting", state="waiting", labels={}, folder=None, model_hash=None),
        clip("broken", state="failed", labels={}, error=("It is silent.", "Use another.")),
        clip("gone", state="missing", labels={}),
        clip("older", model_hash="other", labels={}),
    )
}
ONE = Payload("clips", clips=("a",))
TWO = Payload("clips", clips=("a", "b"))
SPEAKER = Payload("speaker", speaker="anna")
SECOND = Payload("seconds", seconds=(("a", 2),))


@pytest.mark.parametrize(
    ("zone", "payload"),
    [
        (SOURCE, ONE),
        (SOURCE, SECOND),
        (VOICE, ONE),
        (VOICE, TWO),
        (VOICE, SPEAKER),
        (VOICE, SECOND),
        (EMOTION, ONE),
        (EMOTION, TWO),
        (EMOTION, SPEAKER),
        (EMOTION, SECOND),
    ],
)
def test_what_makes_sense_is_taken(zone: str, payload: Payload) -> None:
    assert refusal(zone, payload, CLIPS, MODEL) is None


@pytest.mark.parametrize(
    ("zone", "payload", "words"),
    [
        (SOURCE, TWO, "The source is one clip, and these are 2."),
        (SOURCE, SPEAKER, "A speaker is many clips"),
        (SOURCE, Payload("clips", clips=("gone",)), "no longer where it was"),
        (VOICE, Payload("clips", clips=("broken",)), "could not be analysed: It is silent."),
        (VOICE, Payload("clips", clips=("waiting",)), "still being analysed"),
        (VOICE, Payload("clips", clips=("older",)), "still being analysed"),
        (VOICE, Payload("speaker", speaker="nobody"), "No clip of speaker nobody"),
        (VOICE, Payload("clips", clips=("a", "removed")), "no longer in the library"),
        (EMOTION, Payload("seconds", seconds=(("a", 4),)), "a.wav has no second 4"),
    ],
)
def test_what_does_not_is_refused_with_its_reason(zone: str, payload: Payload, words: str) -> None:
    reason = refusal(zone, payload, CLIPS, MODEL)
    assert reason is not None
    assert words in reason


def test_without_a_model_a_source_may_be_chosen_but_nothing_can_be_given() -> None:
    assert refusal(SOURCE, ONE, CLIPS, None) is None
    assert refusal(SOURCE, Payload("clips", clips=("waiting",)), CLIPS, None) is None
    for zone in (VOICE, EMOTION):
        assert "no model yet" in (refusal(zone, ONE, CLIPS, None) or "")


def test_a_speaker_is_taken_as_soon_as_one_of_its_clips_is_ready() -> None:
    clips = CLIPS | {"late": clip("late", state="waiting", model_hash=None)}
    assert refusal(VOICE, SPEAKER, clips, MODEL) is None
    only_late = {"late": clips["late"]}
    assert "still being analysed" in (refusal(VOICE, SPEAKER, only_late, MODEL) or "")


ANGRY = Payload("label", label=("emotion", "angry"))


def test_a_label_gives_what_every_clip_that_carries_it_has() -> None:
    clips = CLIPS | {"x": clip("x", labels={"emotion": "angry"}), "y": clip("y", labels={"emotion": "calm"})}
    for zone in (VOICE, EMOTION):
        assert refusal(zone, ANGRY, clips, MODEL) is None
        assert "has the emotion angry" in (refusal(zone, ANGRY, CLIPS, MODEL) or "")


def test_many_sources_are_taken_where_they_make_a_batch() -> None:
    assert refusal(SOURCE, TWO, CLIPS, MODEL, many=True) is None
    assert refusal(SOURCE, SPEAKER, CLIPS, MODEL, many=True) is None


@pytest.mark.parametrize(
    ("payload", "what"),
    [
        (ONE, VOICE),
        (SPEAKER, VOICE),
        (Payload("label", label=("gender", "female")), VOICE),
        (SECOND, EMOTION),
        (ANGRY, EMOTION),
    ],
)
def test_a_drop_on_a_recording_gives_what_is_usual(payload: Payload, what: str) -> None:
    assert usual(payload) == what


@pytest.mark.parametrize(
    ("clip_id", "words"),
    [("a", "changes nothing"), ("removed", "no longer in the library"), ("gone", "no longer where it was")],
)
def test_a_recording_refuses_what_would_change_nothing_or_fail(clip_id: str, words: str) -> None:
    assert words in (refusal_on_clip(VOICE, ONE, clip_id, CLIPS, MODEL) or "")


def test_a_recording_refuses_itself_by_whatever_name_and_takes_a_second_of_itself() -> None:
    alone = {"x": clip("x", labels={"speaker": "carla", "emotion": "angry"}), "a": CLIPS["a"]}
    for payload in (Payload("speaker", speaker="carla"), ANGRY, Payload("clips", clips=("x",))):
        for what in (VOICE, EMOTION):
            assert "changes nothing" in (refusal_on_clip(what, payload, "x", alone, MODEL) or "")
    second = Payload("seconds", seconds=(("x", 1),))
    assert refusal_on_clip(EMOTION, second, "x", alone, MODEL) is None
    assert "changes nothing" in (refusal_on_clip(VOICE, second, "x", alone, MODEL) or "")


def test_a_recording_takes_another_s_voice() -> None:
    assert refusal_on_clip(VOICE, ONE, "b", CLIPS, MODEL) is None


@pytest.mark.parametrize(
    ("source", "given", "words", "waits"),
    [
        (None, TWO, "The transfer has no source.", False),
        ("removed", TWO, "no longer in the library", False),
        ("a", None, "Nothing is given to the source.", False),
        ("gone", TWO, "no longer where it was", False),
        ("broken", TWO, "broken.wav could not be analysed: It is silent. Use another.", False),
        ("waiting", TWO, "waiting.wav is still being analysed.", True),
        ("a", Payload("clips", clips=("waiting",)), "V is not analysed with this model yet.", True),
    ],
)
def test_what_keeps_a_transfer_from_being_rendered_is_named(
    source: str | None, given: Payload | None, words: str, waits: bool
) -> None:
    setup = TransferSetup(source, voices=[] if given is None else [VoiceChip(given, "V")])
    obstacle = why_not_rendered(setup, CLIPS, MODEL)
    assert obstacle is not None
    assert words in str(obstacle)
    assert obstacle.waits == waits


def test_a_transfer_needs_a_model_and_no_more_than_one_clip_of_what_is_given() -> None:
    late = {**CLIPS, "late": clip("late", state="waiting", folder=None, model_hash=None)}
    setup = TransferSetup("b", voices=[VoiceChip(SPEAKER, "anna")])
    assert why_not_rendered(setup, late, MODEL) is None
    obstacle = why_not_rendered(setup, late, None)
    assert obstacle is not None
    assert obstacle.what == "There is no model yet."
