"""Live takes: one take follows the sliders, undo leads back through all that it was, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytestqt.qtbot import QtBot
from stage import Idle, analysed, rendered

from engine.api import Control, Done, Failed, LatentRef, SecondEdit, Take, Transfer
from studio.domain.drag_payload import Payload
from studio.domain.live_takes import sound_of, without_amounts
from studio.engine_link.engine_link import Job
from studio.session.session import Session


def voice_of(*clip_ids: str) -> Payload:
    return Payload("clips", clips=clip_ids)


def live(session: Session) -> Job | None:
    """What the desk does when the setup rests."""
    return session.rendering.render(live=True)


def answer(job: Job | None) -> Take:
    """Let the engine be done with a rendering."""
    assert job is not None
    assert isinstance(job.request, Transfer)
    take = rendered(job.request)
    Path(take.transformed).parent.mkdir(parents=True)
    Path(take.transformed).write_bytes(b"RIFF")
    job.take(Done(take))
    return take


def slide(session: Session, percent: int) -> Take:
    """Move the slider there, let it rest, and hear it."""
    session.transfer.set_strength(percent / 100)
    return answer(live(session))


def strengths(session: Session) -> list[int]:
    return [round(100 * take.strength) for take in session.takes.items]


@pytest.fixture
def ids(session: Session) -> list[str]:
    """Three recordings; the first is given the voice of the second."""
    found = analysed(session, "anna", "emil", "mira")
    session.transfer.set_source(found[0])
    session.transfer.add_voice(voice_of(found[1]))
    return found


@pytest.fixture
def heard(session: Session) -> list[tuple[int, bool]]:
    """Strengths of the takes that were to be heard, and whether they took another's place."""
    told: list[tuple[int, bool]] = []
    session.takes.ready.connect(lambda take, follows: told.append((round(100 * take.strength), follows)))
    return told


def test_one_take_follows_the_slider_under_one_name(
    session: Session, ids: list[str], heard: list[tuple[int, bool]]
) -> None:
    made = [answer(live(session)), slide(session, 80), slide(session, 60)]
    assert session.takes.items == made[2:]
    assert {take.name for take in made} == {"anna-1"}
    assert len({Path(take.transformed).parent for take in made}) == 3, "no sound is written over another"
    assert heard == [(100, False), (80, True), (60, True)]


def test_undo_leads_back_through_every_value_that_was_heard_and_renders_nothing(
    session: Session, ids: list[str], link: Idle, heard: list[tuple[int, bool]]
) -> None:
    made = [answer(live(session)), slide(session, 80), slide(session, 60)]
    heard.clear()
    words = []
    for take in made[1::-1]:
        words.append(session.undo.stack.undoText())
        session.undo.stack.undo()
        assert session.takes.items == [take]
        assert live(session) is None, "what is there already is not rendered once more"
    assert words == ["Strength of the voice: 60 %", "Strength of the voice: 80 %"]
    for take in made[1:]:
        session.undo.stack.redo()
        assert session.takes.items == [take]
    assert heard == [(80, True), (100, True), (80, True), (60, True)]
    assert link.asked(Transfer) == []


def test_a_pull_through_many_values_is_one_step_as_long_as_it_does_not_rest(
    session: Session, ids: list[str]
) -> None:
    answer(live(session))
    before = session.undo.stack.count()
    for percent in (95, 90, 85):
        session.transfer.set_strength(percent / 100)
    assert session.undo.stack.count() == before + 1
    assert session.undo.stack.undoText() == "Strength of the voice: 85 %"
    answer(live(session))
    session.transfer.set_strength(0.8)
    assert session.undo.stack.count() == before + 2


def test_a_slider_that_comes_back_finds_what_was_rendered_there(session: Session, ids: list[str]) -> None:
    made = [answer(live(session)), slide(session, 80)]
    session.transfer.set_strength(1.0)
    assert session.takes.items == made[:1]
    assert live(session) is None


def test_weights_of_a_mixture_and_of_edits_are_sliders_too(session: Session, ids: list[str]) -> None:
    session.transfer.add_voice(voice_of(ids[2]))
    session.second_edits.give(ids[0], [0], Payload("seconds", seconds=((ids[1], 1),)), rule="mean")
    answer(live(session))
    session.transfer.weigh_voices([0.25, 0.75])
    assert session.undo.stack.undoText() == "Mix the voices: 25 %, 75 %"
    answer(live(session))
    session.second_edits.change(ids[0], 0, weight=0.5)
    last = answer(live(session))
    assert session.takes.items == [last]


def test_other_references_another_source_or_another_sound_begin_a_take_of_their_own(
    session: Session, ids: list[str]
) -> None:
    answer(live(session))
    session.transfer.add_emotion(voice_of(ids[2]))
    answer(live(session))
    session.transfer.set_rendering("natural")
    answer(live(session))
    session.transfer.give(ids[2], voice_of(ids[1]), "voice")
    answer(live(session))
    assert [take.name for take in session.takes.items] == ["anna-1", "anna-2", "anna-3", "mira-1"]
    slide(session, 50)
    assert strengths(session) == [100, 100, 100, 50]


def test_undo_leads_back_into_the_take_before(session: Session, ids: list[str]) -> None:
    answer(live(session))
    slide(session, 80)
    session.transfer.add_emotion(voice_of(ids[2]))
    other = answer(live(session))
    session.undo.stack.undo()  # the emotion
    session.undo.stack.undo()  # the strength
    assert strengths(session) == [100, 80]
    assert session.takes.items[1] == other, "what the engine made of other references stays"


def test_what_is_asked_for_by_the_button_stands_by_itself(session: Session, ids: list[str]) -> None:
    answer(live(session))
    slide(session, 80)
    answer(session.rendering.render())
    slide(session, 60)
    slide(session, 50)
    assert strengths(session) == [80, 80, 50]


KEEPERS: dict[str, Callable[[Session], object]] = {
    "starred": lambda session: session.takes.star(0, True),
    "renamed": lambda session: session.takes.rename(0, "the good one"),
    "saved": lambda session: session.recipes.save_take(0, session.context.folder / "out.wav"),
    "compared": lambda session: session.takes.keep(session.takes.items[0]),
    "dragged out": lambda session: session.recipes.carry_out([0]),
}


@pytest.mark.parametrize("keep", KEEPERS.values(), ids=KEEPERS.keys())
def test_a_take_with_which_something_was_done_stays(
    session: Session, ids: list[str], keep: Callable[[Session], object]
) -> None:
    answer(live(session))
    keep(session)
    slide(session, 80)
    slide(session, 60)
    assert strengths(session) == [100, 60]
    assert session.takes.items[1].name == "anna-2"


def test_one_that_is_kept_while_the_next_is_rendered_stays_too_under_its_own_name(
    session: Session, ids: list[str]
) -> None:
    answer(live(session))
    session.transfer.set_strength(0.8)
    job = live(session)
    session.takes.star(0, True)
    answer(job)
    assert [take.name for take in session.takes.items] == ["anna-1", "anna-2"]


def test_undo_never_takes_a_kept_sound_off_the_list(session: Session, ids: list[str]) -> None:
    first, second = answer(live(session)), slide(session, 80)
    session.takes.keep(second)
    session.undo.stack.undo()
    assert session.takes.items == [second, first]
    session.undo.stack.redo()
    assert session.takes.items == [second]


def test_what_stands_on_the_list_is_not_rendered_once_more(
    session: Session, ids: list[str], heard: list[tuple[int, bool]]
) -> None:
    """As after a project was opened, or beside a take of one's own."""
    answer(session.rendering.render())
    session.takes.live.clear()
    heard.clear()
    assert live(session) is None
    assert heard == []
    slide(session, 80)
    session.transfer.set_strength(1.0)
    assert heard == [(80, False), (100, False)]
    assert strengths(session) == [100, 80]
    slide(session, 60)
    assert strengths(session) == [100, 60]


def test_a_take_that_was_removed_is_not_followed(session: Session, ids: list[str]) -> None:
    answer(live(session))
    session.takes.remove(0)
    slide(session, 80)
    assert strengths(session) == [80]
    session.transfer.set_strength(1.0)
    assert strengths(session) == [80], "it was removed; only undo has it back"
    again = live(session)
    assert again is not None
    answer(again)
    assert strengths(session) == [100]


def test_a_rendering_that_comes_too_late_is_dropped(session: Session, ids: list[str]) -> None:
    first = answer(live(session))
    session.transfer.set_strength(0.8)
    job = live(session)
    assert job is not None
    job.begin()  # a worker has it, and may be done before it hears of the cancel
    session.undo.stack.undo()
    assert job.wish is Control.CANCEL
    answer(job)
    assert session.takes.items == [first]


def test_one_that_comes_while_the_slider_moves_on_is_heard(session: Session, ids: list[str]) -> None:
    answer(live(session))
    session.transfer.set_strength(0.8)
    job = live(session)
    session.transfer.set_strength(0.7)
    answer(job)
    assert strengths(session) == [80]
    answer(live(session))
    assert strengths(session) == [70]
    session.undo.stack.undo()
    assert strengths(session) == [80]


def test_a_failed_rendering_changes_nothing(session: Session, ids: list[str]) -> None:
    first = answer(live(session))
    session.transfer.set_strength(0.8)
    job = live(session)
    assert job is not None
    job.take(Failed("The disk is full.", "Free some space."))
    assert session.takes.items == [first]


def test_renderings_under_way_never_share_a_place(session: Session, ids: list[str]) -> None:
    job = session.rendering.render()
    session.batch.give([ids[0]], voice_of(ids[2]), "voice")
    assert job is not None
    assert isinstance(job.request, Transfer)
    (other,) = [
        one.request for one in session.link.active() if isinstance(one.request, Transfer) and one is not job
    ]
    assert {job.request.name, other.name} == {"anna-1", "anna-2"}


def test_after_unlisted_sounds_are_deleted_nothing_leads_to_them(session: Session, ids: list[str]) -> None:
    answer(live(session))
    second = slide(session, 80)
    session.storage.delete_unlisted_takes()
    session.transfer.set_strength(1.0)
    assert session.takes.items == [second]
    assert live(session) is not None


def test_a_rendering_under_way_is_not_deleted_with_unlisted_sounds(
    qtbot: QtBot, session: Session, ids: list[str]
) -> None:
    job = live(session)
    assert job is not None
    assert isinstance(job.request, Transfer)
    begun, unlisted = Path(job.request.out_dir), session.context.takes_dir / "gone"
    for folder in (begun, unlisted):
        folder.mkdir(parents=True)
    with qtbot.waitSignal(session.storage.measured):
        session.storage.delete_unlisted_takes()
    assert (begun.is_dir(), unlisted.is_dir()) == (True, False)


def test_another_project_knows_nothing_of_them(session: Session, ids: list[str]) -> None:
    answer(live(session))
    session.project.new()
    assert session.takes.live.current is None
    session.transfer.set_source(ids[0])
    assert session.takes.items == []


amounts = st.floats(0.0, 1.5)


@given(amounts, amounts, amounts, amounts)
def test_amounts_are_what_sliders_change_and_nothing_else(h: float, m: float, weight: float, fade_s: float) -> None:
    def sound(reference: str = "/b", **more: object) -> Transfer:
        edit = SecondEdit((0, 1), (LatentRef(reference, 3, weight),), weight, fade_s, fade_s)
        request = Transfer("/a", "/m", "/out", "a-1", (LatentRef(reference, None, weight),), (), h, strength_m=m)
        return sound_of(replace(request, edits=(edit,), **more), "hash")  # type: ignore[arg-type]

    plain = without_amounts(sound())
    assert plain == without_amounts(without_amounts(sound()))
    assert without_amounts(sound(strength=1.0, strength_m=None)) == plain
    for other in (sound("/c"), sound(rule="mean"), sound(rendering="natural"), sound(vocoder="other")):
        assert without_amounts(other) != plain
