"""Recipes: what a take was made of, found again in this library or another, and said in words and as a command."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stage import HASH, analysed, some_take

from engine.api import (
    LatentRef,
    SecondEdit,
    Take,
)
from studio.domain import recipes
from studio.domain.clip import Clip
from studio.domain.recipes import Named, Recipe, Reference
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


def test_a_recipe_reads_back_as_it_was_written(session: Session) -> None:
    recipe = recipes.of_take(
        full_take(session, *analysed(session, "a", "b", "c")), session.library.clips.values(), "/m/x.st"
    )
    assert recipes.from_text(recipes.to_text(recipe)) == recipe
    assert recipe.source == Named(next(iter(session.library.clips))[:8], "a.wav", "r")
    assert (recipe.model, recipe.model_hash) == ("x.st", HASH)


def test_a_recipe_tells_nobody_where_things_lie(session: Session, tmp_path: Path) -> None:
    text = recipes.to_text(session.recipes.of(full_take(session, *analysed(session, "a", "b", "c"))))
    assert "/r/" not in text
    assert str(tmp_path) not in text


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=4),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
        max_leaves=6,
    ),
    st.sampled_from(
        ["format", "version", "take", "source", "model", "voice", "emotion", "strength", "rule", "edits"]
    ),
)
def test_a_recipe_by_somebody_else_is_understood_or_refused(value: object, where: str) -> None:
    good = recipes.to_text(Recipe("t", Named("1", "a.wav"), "m", HASH, (Reference(Named("2", "b.wav")),)))
    assert isinstance(recipes.from_text(json.dumps(json.loads(good) | {where: value})), Recipe | None)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"strength": 9},
        {"rule": "guess"},
        {"strength": "nan"},
        {"vocoder": "magic"},
        {"vocoder": []},
    ],
)
def test_a_newer_or_impossible_recipe_is_refused(change: dict[str, object]) -> None:
    good = json.loads(recipes.to_text(Recipe("t", Named("1", "a.wav"), "m", HASH)))
    assert recipes.from_text(json.dumps(good)) is not None
    assert recipes.from_text(json.dumps(good | change)) is None


def library(*paths: str) -> dict[str, Clip]:
    return {f"{n:032x}": Clip(f"{n:032x}", path) for n, path in enumerate(paths)}


@pytest.mark.parametrize(
    ("named", "where"),
    [
        (Named("0" * 8, "a.wav", "x"), "/x/a.wav"),  # the id is that of all; name and folder decide
        (Named("f" * 8, "a.wav", "y"), "/y/a.wav"),
        (Named("f" * 8, "b.wav", "elsewhere"), "/x/b.wav"),  # there is but one
        (Named("f" * 8, "a.wav", "elsewhere"), None),  # there are two: nobody guesses
        (Named("f" * 8, "c.wav", "x"), None),
    ],
)
def test_recordings_are_found_by_name_where_ids_are_strange(named: Named, where: str | None) -> None:
    clips = library("/x/a.wav", "/y/a.wav", "/x/b.wav")
    clips = {f"{n}{i}": replace(c, id=f"{n}{i}") for n, (i, c) in enumerate(clips.items())}
    found = recipes.find(Recipe("t", named, "m", HASH), clips)
    assert (clips[found.source].path if found.source else None) == where
    assert found.missing == (() if where else (named.name,))


def test_words_name_the_references_by_weight(session: Session) -> None:
    recipe = session.recipes.of(full_take(session, *analysed(session, "a", "b", "c")))
    assert recipes.references_words(recipe.voice) == "b.wav 75 %, c.wav 25 %"
    assert recipes.strength_words(recipe) == "80 % (h), 120 % (m)"
    assert recipes.summary(recipe).startswith("a.wav with voice (h) of b.wav 75 %")


def test_the_command_says_everything_and_survives_spaces(session: Session) -> None:
    a, b, c = analysed(session, "a", "b", "c")
    session.library.clips[b].path = "/r/my voices/b.wav"
    line = session.recipes.command_of(full_take(session, a, b, c))
    assert line is not None
    words = shlex.split(line)
    assert words[:5] == ["triptych", "transfer", "/r/a.wav", "--out", "a-1.wav"]
    assert words[words.index("--voice") + 1 :][:2] == ["/r/my voices/b.wav=0.75", "/r/c.wav=0.25"]
    assert words[words.index("--emotion") + 1] == "/r/c.wav@2-4"
    assert words[words.index("--strength-m") + 1] == "1.2"
    assert words[words.index("--edit") + 1 :] == ["1-3", "/r/my voices/b.wav@0-1", "weight=0.5", "fade-in=1"]


def test_a_take_of_a_removed_recording_or_another_model_has_no_command(
    session: Session, said: list[Message]
) -> None:
    a, b, c = analysed(session, "a", "b", "c")
    take = full_take(session, a, b, c)
    session.library.remove([b])
    assert session.recipes.command_of(take) is None
    assert "not in the library" in said[-1].hint
    session.undo.stack.undo()
    assert session.recipes.command_of(replace(take, model_hash="cd" * 32)) is None
    assert "model" in said[-1].hint


def test_an_old_recipe_and_take_mean_griffin_lim() -> None:
    old = json.loads(recipes.to_text(Recipe("t", Named("1", "a.wav"), "m", HASH, vocoder="refined")))
    del old["vocoder"]
    recipe = recipes.from_text(json.dumps(old))
    assert recipe is not None
    assert recipe.vocoder == some_take("t", "/t.wav").vocoder == "griffin-lim"


def test_the_command_names_the_vocoder_where_it_is_not_the_models_own(session: Session) -> None:
    take = replace(full_take(session, *analysed(session, "a", "b", "c")), rendering="model", edits=())
    line = session.recipes.command_of(take)
    assert line is not None
    words = shlex.split(line)
    assert words[words.index("--vocoder") + 1] == "refined"
    assert "--vocoder" not in (session.recipes.command_of(replace(take, vocoder="griffin-lim")) or "--vocoder")
