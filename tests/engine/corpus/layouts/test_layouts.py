"""Layouts of known corpora: what a file's name and place tell of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.corpus.layouts.affect import coordinates
from engine.corpus.layouts.emodb import EmoDb
from engine.corpus.layouts.folders import speaker_of_each
from engine.corpus.layouts.librispeech import LibriSpeech
from engine.corpus.layouts.ravdess import Ravdess
from engine.corpus.manifest import Labels


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"RIFF")
    return path


def test_librispeech_tells_speaker_gender_text_and_chapter(tmp_path: Path) -> None:
    (tmp_path / "SPEAKERS.TXT").write_text(
        "; a comment | F |\n14   | F | train-clean-360  | 25.03 | Kristin LeMoine\n"
        "60   | M | train-clean-100  | 20.18 | |CBW|Simon\n"
    )
    path = touch(tmp_path / "LibriSpeech" / "some-split" / "60" / "121082" / "60-121082-0003.flac")
    (path.parent / "60-121082.trans.txt").write_text("60-121082-0002 NO\n60-121082-0003 HE SAID  SO\n")
    layout = LibriSpeech()
    assert layout.labels(path) == Labels("60", "male", text="HE SAID  SO", session="60-121082")
    unknown = touch(tmp_path / "LibriSpeech" / "some-split" / "99" / "1" / "99-1-0000.flac")
    assert layout.labels(unknown) == Labels("99", session="99-1")


@pytest.mark.parametrize("name", ["60/121082/61-121082-0003.flac", "60-121082-0003.flac", "60/121082/hello.flac"])
def test_what_only_resembles_librispeech_is_not_taken_for_it(tmp_path: Path, name: str) -> None:
    assert LibriSpeech().labels(tmp_path / name) is None


def test_ravdess_names_tell_actor_gender_emotion_and_sentence() -> None:
    labels = Ravdess().labels(Path("anywhere/03-01-08-02-01-01-05.flac"))
    assert labels is not None
    assert (labels.speaker, labels.gender, labels.emotion) == ("actor 05", "male", "surprised")
    assert (labels.text, labels.session) == ("Kids are talking by the door", "actor 05")
    even = Ravdess().labels(Path("03-01-02-01-02-01-06.wav"))
    assert even is not None
    assert (even.gender, even.emotion) == ("female", "calm")
    assert Ravdess().labels(Path("03-01-09-01-02-01-06.wav")) is None


def test_a_folder_per_speaker_and_loose_files() -> None:
    nested = [Path("/c/wavs/anna/1.wav"), Path("/c/wavs/anna/day2/2.wav"), Path("/c/wavs/bert/1.wav")]
    assert [labels.speaker for labels in speaker_of_each(nested).values()] == ["anna", "anna", "bert"]
    loose = [Path("/c/1.wav"), Path("/c/2.wav"), Path("/c/anna/3.wav")]
    assert [labels.speaker for labels in speaker_of_each(loose).values()] == [None, None, "anna"]


@pytest.mark.parametrize("split", ["dev-clean", "test-other", "train-other-500", "train-clean-5"])
def test_librispeech_tells_the_split_of_any_part(tmp_path: Path, split: str) -> None:
    labels = LibriSpeech().labels(tmp_path / split / "60" / "1" / "60-1-0003.flac")
    assert labels is not None
    assert labels.split == split


def test_an_acted_emotion_has_its_place_on_the_scales_of_arousal_and_valence() -> None:
    angry = Ravdess().labels(Path("03-01-05-01-01-01-05.flac"))
    sad = Ravdess().labels(Path("03-01-04-02-01-01-05.flac"))
    assert angry is not None
    assert sad is not None
    # As rated by Russell and Mehrabian's readers: pleasure -0.51, arousal 0.59 on scales of -1 to 1.
    assert (angry.arousal, angry.valence) == (pytest.approx(0.795), pytest.approx(-0.51))
    assert angry.arousal > 0.5 > (sad.arousal or 1.0)
    assert coordinates("neutral") == (0.5, 0.0)


def test_emodb_names_tell_speaker_gender_emotion_and_sentence() -> None:
    labels = EmoDb().labels(Path("wav/03a01Wa.wav"))
    assert labels is not None
    assert (labels.speaker, labels.gender, labels.emotion) == ("emodb 03", "male", "angry")
    assert labels.text == "Der Lappen liegt auf dem Eisschrank."
    for letter, emotion in zip("LEAFTN", ("bored", "disgust", "fearful", "happy", "sad", "neutral"), strict=True):
        other = EmoDb().labels(Path(f"16b10{letter}b.wav"))
        assert other is not None
        assert (other.gender, other.emotion, other.valence) == ("female", emotion, coordinates(emotion)[1])


@pytest.mark.parametrize("name", ["04a01Wa.wav", "03a01Xa.wav", "03a03Wa.wav", "03a01W.wav", "13a01Wa2.wav"])
def test_what_only_resembles_emodb_is_not_taken_for_it(name: str) -> None:
    assert EmoDb().labels(Path(name)) is None


def test_labels_become_words_and_come_back() -> None:
    labels = Labels("anna", emotion="happy", arousal=0.755, valence=-0.25, split="dev-clean")
    assert labels.words() == {
        "speaker": "anna",
        "emotion": "happy",
        "arousal": "0.755",
        "valence": "-0.25",
        "split": "dev-clean",
    }
    assert Labels.of(labels.words()) == labels


@pytest.mark.parametrize("word", ["high", "nan", "inf", "7", "-0.5"])
def test_an_arousal_off_its_scale_is_no_label(word: str) -> None:
    assert Labels.of({"arousal": word, "speaker": " anna ", "colour": "red"}) == Labels("anna")
