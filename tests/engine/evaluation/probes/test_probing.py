"""Probes of vectors whose content is known: they find what is there, and nothing where nothing is."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import pytest
import torch

from engine.api import Control, ProbeScore
from engine.api.errors import EngineError, SpecError
from engine.evaluation.probes import linear, regressor
from engine.evaluation.probes.examples import Example, Table
from engine.evaluation.probes.probing import Material, Sides, probe
from engine.evaluation.probes.scores import ccc
from engine.evaluation.probes.splits import LeakError

SPEAKERS, CLIPS = 12, 8
Score = Callable[[str, str], ProbeScore]


def run() -> Control:
    return Control.RUN


@pytest.fixture(scope="module")
def corpus() -> Table:
    """Twelve voices in two sittings each. h knows the voice, m the emotion and arousal, z nothing at all."""
    rng = np.random.default_rng(3)
    voices = rng.standard_normal((SPEAKERS, 10)) * 2.0
    moods = rng.standard_normal((3, 10)) * 3.0
    examples, h, m = [], [], []
    for s in range(SPEAKERS):
        gender = "female" if s % 2 else "male"
        voices[s, :5] += 6.0 if s % 2 else -6.0
        for c in range(CLIPS):
            mood = c % 3
            labels = {
                "speaker": f"p{s}",
                "gender": gender,
                "emotion": ("calm", "glad", "angry")[mood],
                "arousal": f"{(-0.5, 0.2, 0.7)[mood]}",
            }
            examples.append(Example(f"p{s}-{c}", f"x{s}-{c}", f"p{s}", f"p{s}-{c % 2}", labels))
            h.append(voices[s] + 0.6 * rng.standard_normal(10))
            m.append(moods[mood] + rng.standard_normal(10))
    z = rng.standard_normal((len(examples), 10))
    values = {name: np.array(v, np.float32) for name, v in (("h", h), ("m", m), ("z", z))}
    return Table(tuple(examples), values)


@pytest.fixture(scope="module")
def score(corpus: Table) -> Score:
    """score(task, name): each is measured once."""

    @functools.cache
    def measured(task: str, name: str) -> ProbeScore:
        return probe(Material(corpus), task, (name,), run, seeds=1).scores[name]

    return measured


def test_h_knows_the_speaker_in_one_sitting_and_across_two(score: Score) -> None:
    found = score("speaker", "h")
    assert found.n == SPEAKERS * CLIPS
    assert found.score > 0.95
    assert found.also["accuracy cross-chapter"] > 0.9
    assert found.also["clips cross-chapter"] == SPEAKERS * CLIPS / 2
    assert found.low <= found.score <= found.high


def test_the_shuffled_control_is_at_chance(score: Score) -> None:
    assert score("speaker", "h").shuffled < 3.0 / SPEAKERS
    assert 0.3 < score("gender", "h").shuffled < 0.7
    assert 0.4 < score("verify", "h").shuffled < 0.6
    assert abs(score("arousal", "m").shuffled) < 0.35


def test_gender_and_emotion_are_read_from_speakers_never_met(score: Score) -> None:
    assert score("gender", "h").score > 0.95
    assert score("emotion", "m").score > 0.95
    assert score("arousal", "m").score > 0.8


def test_where_nothing_is_nothing_is_found(score: Score) -> None:
    assert score("speaker", "z").score < 3.0 / SPEAKERS
    assert 0.3 < score("gender", "z").score < 0.7
    assert score("emotion", "z").score < 0.5
    assert score("arousal", "z").score < 0.35
    assert 0.4 < score("verify", "z").score < 0.6


def test_speaker_identity_hidden_behind_gender_does_not_pass_for_gender() -> None:
    """Vectors that name the speaker and nothing else: a split with speakers on both sides would look perfect."""
    rng = np.random.default_rng(0)
    names = np.repeat(np.arange(30), 6)
    voices = rng.standard_normal((30, 40)) * 4.0
    examples = tuple(
        Example(f"c{i}", f"c{i}", f"p{s}", f"p{s}", {"speaker": f"p{s}", "gender": "f" if s % 2 else "m"})
        for i, s in enumerate(names)
    )
    table = Table(examples, {"h": (voices[names] + 0.1 * rng.standard_normal((180, 40))).astype(np.float32)})
    assert probe(Material(table), "gender", ("h",), run).scores["h"].score < 0.75
    assert probe(Material(table), "speaker", ("h",), run, seeds=1).scores["h"].score == 1.0


def test_a_second_corpus_is_tested_on_and_shared_speakers_are_left_out_of_training(corpus: Table) -> None:
    half = np.array([int(e.speaker[1:]) < 6 for e in corpus.examples])
    shared = np.array([e.speaker == "p6" for e in corpus.examples])
    material = Material(corpus.only(half | shared), corpus.only(~half))
    found = probe(material, "gender", ("h",), run)
    assert found.scores["h"].n == 6 * CLIPS
    assert found.scores["h"].score > 0.9
    assert "8 training clips" in found.notes[0]


def test_verification_is_scaled_as_suits_the_training_side(corpus: Table) -> None:
    """The test side would be told apart best as it is; what is chosen by is the training side alone."""
    rng = np.random.default_rng(5)
    trains = np.array([int(e.speaker[1:]) < 6 for e in corpus.examples])
    noise = np.where(trains, 40.0, 0.0)[:, None] * rng.standard_normal((len(trains), 5))
    table = Table(corpus.examples, {"h": np.concatenate((corpus.values["h"], noise.astype(np.float32)), axis=1)})
    found = probe(Material(table.only(trains), table.only(~trains)), "verify", ("h",), run)
    assert any("h: vectors standardised" in note or "h: vectors whitened" in note for note in found.notes)
    also = found.scores["h"].also
    chosen = next(name for name in ("standardised", "whitened") if f"h: vectors {name}" in " ".join(found.notes))
    assert found.scores["h"].score == also[f"equal error rate, {chosen}"]


def test_models_of_two_sides_are_each_tested_on_the_other_side_alone(corpus: Table) -> None:
    """Two encodings of one corpus, of which each tells the emotion in its own way: mixed, they would tell less."""
    first = np.array([int(e.speaker[1:]) < 6 for e in corpus.examples])
    turned = {name: -values[:, ::-1] for name, values in corpus.values.items()}
    both = Table(
        corpus.examples * 2, {name: np.concatenate((corpus.values[name], turned[name])) for name in turned}
    )
    group = np.repeat([0, 1], len(first))
    sides = Sides(group, np.concatenate((first, ~first)))
    splits = sides.splits(both.examples, "speaker")
    assert len(splits) == 2
    for number, split in enumerate(splits):
        assert set(group[split.train]) == set(group[split.test]) == {number}
        names = [{both.examples[i].speaker for i in side} for side in (split.train, split.test)]
        assert not set.intersection(*names)
    found = probe(Material(both, sides=sides), "emotion", ("m", "z"), run, seeds=1)
    assert found.scores["m"].n == SPEAKERS * CLIPS
    assert found.scores["m"].score > 0.95
    assert found.scores["z"].score < 0.5
    everyone = Sides(np.zeros(len(first), np.int64), first)
    some = probe(Material(corpus, sides=everyone), "arousal", ("m",), run, seeds=1).scores["m"]
    assert some.n == int((~first).sum())


def test_sides_that_share_a_speaker_are_a_fault(corpus: Table) -> None:
    mixed = np.arange(len(corpus.examples)) % 2 == 0
    with pytest.raises(LeakError):
        probe(Material(corpus, sides=Sides(np.zeros(len(mixed), np.int64), mixed)), "emotion", ("m",), run)


def test_pieces_are_classified_beside_the_utterances(corpus: Table) -> None:
    twice = Table(corpus.examples * 2, {n: np.concatenate((v, v)) for n, v in corpus.values.items()})
    found = probe(Material(corpus, pieces=twice), "gender", ("h",), run, seeds=1).scores["h"]
    assert found.also["accuracy by 4 s piece"] > 0.95


def test_a_voice_with_one_clip_of_many_pieces_does_not_stop_the_others(corpus: Table) -> None:
    alone = Example("last-0", "last-x", "last", "last-0", {"speaker": "last", "gender": "female"})
    more = {name: np.concatenate((v, v[:3])) for name, v in corpus.values.items()}
    pieces = Table((*corpus.examples, *[alone] * 3), more)
    clips = Table((*corpus.examples, alone), {name: v[:-2] for name, v in more.items()})
    found = probe(Material(clips, pieces=pieces), "speaker", ("h",), run, seeds=1)
    assert found.scores["h"].n == SPEAKERS * CLIPS
    assert found.scores["h"].also["accuracy by 4 s piece"] > 0.95
    assert "1 speakers with a single clip were left out." in found.notes


def test_regressions_name_both_losses_and_both_ways_of_counting(score: Score) -> None:
    also = score("arousal", "m").also
    assert set(also) == {
        "CCC, pooled, MSE training",
        "CCC, pooled, CCC training",
        "CCC, mean of the sessions', MSE training",
        "CCC, mean of the sessions', CCC training",
    }


def test_copies_of_a_clip_are_no_easy_pairs(corpus: Table) -> None:
    twice = Table(corpus.examples * 2, {n: np.concatenate((v, v)) for n, v in corpus.values.items()})
    once, again = (probe(Material(t), "verify", ("z",), run) for t in (corpus, twice))
    assert again.scores["z"].score == once.scores["z"].score
    assert "copies" in again.notes[0]


def test_clips_without_the_label_are_left_out_and_counted(corpus: Table) -> None:
    bare = tuple(
        Example(e.clip, e.content, e.speaker, e.session, {"speaker": e.speaker}) if i < 5 else e
        for i, e in enumerate(corpus.examples)
    )
    found = probe(Material(Table(bare, corpus.values)), "emotion", ("m",), run, seeds=1)
    assert found.scores["m"].n == SPEAKERS * CLIPS - 5
    assert found.notes[0].startswith("5 clips without a label for emotion")


def test_a_corpus_without_the_labels_says_so(corpus: Table) -> None:
    with pytest.raises(EngineError, match="does not say enough to probe valence"):
        probe(Material(corpus), "valence", ("h",), run)
    with pytest.raises(SpecError, match="no probe called"):
        probe(Material(corpus), "shoe size", ("h",), run)


def test_the_linear_probe_is_the_same_for_raw_and_standardised_vectors() -> None:
    rng = np.random.default_rng(0)
    labels = np.array(["a", "b"] * 50)
    vectors = rng.standard_normal((100, 4)) + (labels == "b")[:, None] * 2.0
    found = linear.fit(vectors * [1, 100, 0.01, 5] + 7.0, labels)
    again = linear.fit(vectors, labels)
    predicted = found.predicted(vectors * [1, 100, 0.01, 5] + 7.0)
    assert (predicted == again.predicted(vectors)).all()
    assert (predicted == labels).mean() > 0.9


def test_the_regressor_learns_a_curve_no_line_can_follow() -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(-2, 2, (400, 3))
    y = x[:, 0] ** 2
    for loss in ("MSE", "CCC"):
        predicted = regressor.fit_and_predict(x[:300], y[:300], x[300:], loss, 0)
        assert ccc(y[300:], predicted) > 0.8


def test_a_number_that_training_hardly_ever_saw_move_does_not_drown_the_others() -> None:
    """As of a network that ends in a rectifier: a dimension is zero but in one clip in a hundred."""
    rng = np.random.default_rng(4)
    x = rng.standard_normal((300, 6))
    rare = np.zeros((300, 2))
    rare[0, 0], rare[250:, :] = 1e-7, 0.3
    vectors, y = np.concatenate((x, rare), axis=1), x[:, 0]
    predicted = regressor.fit_and_predict(vectors[:250], y[:250], vectors[250:], "CCC", 0)
    assert ccc(y[250:], predicted) > 0.8


def test_dropout_drops_a_fifth_and_keeps_the_mean() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        found = regressor._dropped(torch.ones(999, 101))
    assert found.unique().shape == (2,)
    assert (found == 0.0).float().mean().item() == pytest.approx(regressor.DROPOUT, abs=0.01)
    assert found.mean().item() == pytest.approx(1.0, abs=0.01)


def test_a_latent_s_large_dimensions_are_not_drowned_by_its_many_small_ones() -> None:
    """Few speakers, one dimension that tells the class, two hundred that hold each speaker's own little noise."""
    rng = np.random.default_rng(0)
    speakers = np.repeat(np.arange(40), 6)
    labels = np.where(speakers % 2, "female", "male")
    own = 0.2 * rng.standard_normal((40, 200))
    vectors = np.column_stack((np.where(speakers % 2, 2.0, -2.0) + rng.standard_normal(240), own[speakers]))
    train = speakers < 20
    predicted = linear.fit(vectors[train], labels[train], speakers[train].astype(str)).predicted(vectors[~train])
    blind = linear.fit(vectors[train], labels[train]).predicted(vectors[~train])
    assert np.mean(predicted == labels[~train]) > 0.95 > np.mean(blind == labels[~train])
