"""What the user does with a recipe: save, render again, put it on the desk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from stage import Idle, analysed, some_take

from engine.api import (
    Done,
    LatentRef,
    ModelInfo,
    ReadRecipes,
    RecipesRead,
    SaveSound,
    ScanDone,
    SecondEdit,
    SoundSaved,
    Take,
    Transfer,
)
from studio.domain import recipes
from studio.domain.drag_payload import Payload
from studio.domain.recipes import Named
from studio.services.messages import Message
from studio.session.session import Session


def full_take(session: Session, *ids: str) -> Take:
    """A take of the first recording with the voice of the others, seconds of them, and an edit."""
    source, b, c = (str(session.library.clips[i].folder) for i in ids)
    return replace(
        some_take("a-1", "/t/a-1/a-1.wav", source),
        voice=(LatentRef(b, None, 0.75), LatentRef(c, None, 0.25)),
        emotion=(LatentRef(c, 2, 0.5), LatentRef(c, 3, 0.5)),
        strength=0.8,
        strength_m=1.2,
        emotion_rule="tile",
        edits=(SecondEdit((1, 2), (LatentRef(b, 0),), 0.5, fade_in_s=1.0),),
        rendering="natural",
        vocoder="refined",
    )


def test_a_saved_take_carries_its_recipe(session: Session, link: Idle, said: list[Message]) -> None:
    session.takes.add(full_take(session, *analysed(session, "a", "b", "c")))
    job = session.recipes.save_take(0, "/home/me/mine.flac")
    (asked,) = (j.request for j in link.asked(SaveSound))
    assert (asked.sound, asked.out, asked.title) == ("/t/a-1/a-1.wav", "/home/me/mine.flac", "a-1")
    assert recipes.from_text(asked.recipe) == session.recipes.of(session.takes.items[0])
    job.take(Done(SoundSaved("/home/me/mine.flac", True)))
    assert said[-1].what == "Saved /home/me/mine.flac with its recipe"
    session.recipes.save_take(0, "/home/me/plain")
    assert link.asked(SaveSound)[-1].request.out == "/home/me/plain.wav"


def test_a_rendering_is_told_its_recipe_so_that_the_file_dragged_out_has_it(session: Session, link: Idle) -> None:
    a, b = analysed(session, "a", "b")
    session.transfer.set_source(a)
    session.transfer.add_voice(Payload("clips", clips=(b,)))
    session.rendering.render()
    (asked,) = (j.request for j in link.asked(Transfer))
    recipe = recipes.from_text(asked.recipe)
    assert recipe is not None
    assert (recipe.source.name, [g.clip.name for g in recipe.voice]) == ("a.wav", ["b.wav"])


def test_a_recipe_names_the_vocoder_that_was_meant_whoever_chose_it(session: Session, link: Idle) -> None:
    a, b = analysed(session, "a", "b")
    session.transfer.set_source(a)
    session.transfer.add_voice(Payload("clips", clips=(b,)))

    def asked() -> tuple[str, str]:
        session.rendering.render()
        request = link.asked(Transfer)[-1].request
        recipe = recipes.from_text(request.recipe)
        assert recipe is not None
        return request.vocoder, recipe.vocoder

    assert asked() == ("auto", "griffin-lim"), "the model says so"
    assert session.model.info is not None
    session.model.info = replace(session.model.info, vocoder="refined")
    assert asked() == ("auto", "refined")
    session.transfer.set_vocoder("griffin-lim")
    assert asked() == ("griffin-lim", "griffin-lim"), "the preferences say so"
    session.transfer.set_rendering("model", "refined")
    assert asked() == ("refined", "refined"), "the desk says so"


def test_a_take_is_rendered_again_from_its_recipe_beside_the_old_one(session: Session, link: Idle) -> None:
    take = full_take(session, *analysed(session, "a", "b", "c"))
    session.takes.add(take)
    session.recipes.render_again(0)
    (asked,) = (j.request for j in link.asked(Transfer))
    assert asked.name != take.name
    kept = ("source", "voice", "emotion", "strength", "strength_m", "edits", "rendering", "vocoder")
    assert [getattr(asked, n) for n in kept] == [getattr(take, n) for n in kept]
    assert asked.rule == take.emotion_rule


def test_a_take_of_another_model_is_not_rendered_with_this_one_unasked(
    session: Session, link: Idle, said: list[Message]
) -> None:
    session.takes.add(full_take(session, *analysed(session, "a", "b", "c")))
    session.model.use(ModelInfo("/m/other", "cd" * 32, 1, {}, {}, {}, {}))
    assert session.recipes.render_again(0) is None
    assert "another model" in said[-1].what


def test_a_dropped_take_puts_its_recipe_on_the_desk_in_one_step(session: Session, link: Idle) -> None:
    a, b, c = analysed(session, "a", "b", "c")
    recipe = session.recipes.of(full_take(session, a, b, c))
    job = session.imports.add_files(["/home/me/mine.wav"])
    assert job is not None
    job.take(Done(ScanDone(1, ())))
    (look,) = link.asked(ReadRecipes)
    assert look.request.paths == ("/home/me/mine.wav",)
    look.take(Done(RecipesRead((("/home/me/mine.wav", recipes.to_text(recipe)),))))
    desk = session.transfer.setup
    assert desk.source == a
    assert [(v.payload.clips, v.payload.weights) for v in desk.voices] == [((b, c), (0.75, 0.25))]
    assert [e.payload.seconds for e in desk.emotions] == [((c, 2), (c, 3))]
    assert (desk.strength, desk.strength_m, desk.rule) == (0.8, 1.2, "tile")
    assert (desk.rendering, desk.vocoder) == ("natural", "refined")
    (edit,) = desk.edits_of_source()
    assert (edit.target, edit.payload.seconds, edit.weight, edit.fade_in_s) == ((1, 2), ((b, 0),), 0.5, 1.0)
    session.undo.stack.undo()
    assert session.transfer.setup.source is None
    assert session.transfer.setup.voices == []


def test_a_take_still_names_what_left_the_library_also_after_a_restart(session: Session, tmp_path: Path) -> None:
    a, b, c = analysed(session, "a", "b", "c")
    take = full_take(session, a, b, c)
    session.takes.add(take)
    session.library.remove([a, b])
    assert session.recipes.of(take).source == Named(a[:8], "a.wav", "r")
    session.project.close()
    link = Idle(tmp_path / "logs2")
    again = Session(link, tmp_path / "data")
    again.project.restore()
    recipe = again.recipes.of(again.takes.items[0])
    assert recipe.source == Named(a[:8], "a.wav", "r")
    assert [reference.clip.name for reference in recipe.voice] == ["b.wav", "c.wav"]
    again.project.close()
    link.shutdown()


def test_a_recipe_whose_recordings_are_missing_says_which(session: Session, said: list[Message]) -> None:
    a, b, c = analysed(session, "a", "b", "c")
    recipe = session.recipes.of(full_take(session, a, b, c))
    session.library.remove([c])
    before = session.undo.stack.count()
    assert not session.recipes.put_on_desk(recipe)
    assert "c.wav" in said[-1].what
    assert session.undo.stack.count() == before
