"""What the transfer desk makes of what was dropped on it."""

from __future__ import annotations

import pytest

from engine.api import LatentRef, ModelInfo
from studio.domain import transfer_setup
from studio.domain.clip import READY, Clip
from studio.domain.drag_payload import Payload
from studio.domain.transfer_setup import EmotionChip, VoiceChip

MODEL = ModelInfo("model", "hash", 1, {}, {}, {}, {})


@pytest.fixture
def clips() -> dict[str, Clip]:
    return {
        name: Clip(
            name, f"/{name}.wav", state=READY, folder=f"/of/{name}", model_hash="hash", labels={"speaker": "s"}
        )
        for name in "abc"
    }


def test_a_weighted_mean_reaches_the_engine_with_its_weights(clips: dict[str, Clip]) -> None:
    chip = VoiceChip(Payload("clips", ("a", "b"), weights=(3.0, 1.0)), "a place", weight=2.0)
    assert transfer_setup.latents_of(chip, clips, MODEL) == (
        LatentRef("/of/a", None, 1.5),
        LatentRef("/of/b", None, 0.5),
    )


def test_what_is_not_analysed_leaves_its_weight_to_the_others(clips: dict[str, Clip]) -> None:
    clips["a"].model_hash = "another"
    chip = EmotionChip(Payload("seconds", seconds=(("a", 0), ("b", 2), ("c", 4)), weights=(5.0, 1.0, 3.0)), "")
    assert transfer_setup.latents_of(chip, clips, MODEL) == (
        LatentRef("/of/b", 2, 0.25),
        LatentRef("/of/c", 4, 0.75),
    )


def test_weights_of_zero_alone_give_nothing(clips: dict[str, Clip]) -> None:
    chip = VoiceChip(Payload("clips", ("a",), weights=(0.0,)), "")
    assert transfer_setup.latents_of(chip, clips, MODEL) == ()


def test_seconds_dropped_as_a_voice_mean_their_recordings(clips: dict[str, Clip]) -> None:
    chip = VoiceChip(Payload("seconds", seconds=(("a", 0), ("a", 1), ("b", 2))), "")
    assert transfer_setup.latents_of(chip, clips, MODEL) == (
        LatentRef("/of/a", None, 0.5),
        LatentRef("/of/b", None, 0.5),
    )


def test_a_speaker_is_the_mean_of_all_its_clips(clips: dict[str, Clip]) -> None:
    clips["c"].labels["speaker"] = "t"
    refs = transfer_setup.latents_of(VoiceChip(Payload("speaker", speaker="s"), "s"), clips, MODEL)
    assert [ref.folder for ref in refs] == ["/of/a", "/of/b"]


def test_a_named_payload_is_called_by_its_name(clips: dict[str, Clip]) -> None:
    assert transfer_setup.title_of(Payload("clips", ("a", "b"), name="Pin on the map of h"), clips) == (
        "Pin on the map of h"
    )
