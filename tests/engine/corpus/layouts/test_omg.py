"""OMG-Emotion: its tables joined with recordings in any of the three ways they are kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.api import Control
from engine.api.errors import CorpusError
from engine.corpus.manifest import Labels, Manifest
from engine.corpus.scanning import scan

HEADER = "link,start,end,video,utterance,arousal,valence,EmotionMaxVote\n"
TRAIN = "omg_TrainVideos.csv"
TEST = "omg_TestVideos_WithLabels.csv"


def row(video: str, utterance: str, arousal: str = "0.25", valence: str = "-0.5", emotion: str = "0") -> str:
    return f"https://www.youtube.com/watch?v=L{video},1.0,5.5,{video},{utterance},{arousal},{valence},{emotion}\n"


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"RIFF")
    return path


def found(root: Path) -> tuple[dict[str, Labels], Manifest]:
    manifest = scan([str(root)], [], lambda: Control.RUN)
    return {u.name: u.labels for u in manifest.utterances}, manifest


@pytest.mark.parametrize("name", ["utterance_3.mp4", "utterance_3.wav", "utterance_3.mp4/audio.wav"])
def test_every_way_of_keeping_the_recordings_is_recognised(tmp_path: Path, name: str) -> None:
    (tmp_path / TRAIN).write_text(HEADER + row("abc", "utterance_3.mp4"))
    touch(tmp_path / "Train_Set" / "abc" / name)
    labels, manifest = found(tmp_path)
    assert labels[f"Train_Set/abc/{name}"] == Labels(
        emotion="angry", session="https://www.youtube.com/watch?v=Labc", arousal=0.25, valence=-0.5, split="train"
    )
    assert manifest.utterances[0].more == {"video": "abc"}
    assert manifest.unmatched == ()


def test_the_votes_stand_for_emotions_in_the_words_of_the_other_corpora(tmp_path: Path) -> None:
    words = ("angry", "disgust", "fearful", "happy", "neutral", "sad", "surprised")
    rows = [row("v", f"utterance_{n}.mp4", emotion=str(n)) for n in range(7)]
    (tmp_path / TRAIN).write_text(HEADER + "".join(rows))
    for n in range(7):
        touch(tmp_path / "v" / f"utterance_{n}.wav")
    labels, _ = found(tmp_path)
    assert tuple(labels[f"v/utterance_{n}.wav"].emotion for n in range(7)) == words


def test_incomplete_rows_are_reported_with_their_lines_and_label_nothing(tmp_path: Path) -> None:
    (tmp_path / TRAIN).write_text(
        HEADER
        + row("v", "utterance_1.mp4")
        + ",,,,,0.3,0.2,\n"
        + row("v", "utterance_2.mp4", arousal="")
        + row("v", "utterance_3.mp4", valence="-3")
    )
    for n in (1, 2, 3):
        touch(tmp_path / "v" / f"utterance_{n}.wav")
    labels, manifest = found(tmp_path)
    why = {item.path.removeprefix(f"{tmp_path}/"): item.why for item in manifest.unmatched}
    assert why == {
        f"{TRAIN}, line 3": "It has no link, no video, no utterance, no EmotionMaxVote.",
        f"{TRAIN}, line 4": "It has no arousal.",
        f"{TRAIN}, line 5": "Its numbers are off their scales.",
    }
    assert labels["v/utterance_1.wav"].arousal == 0.25
    assert labels["v/utterance_2.wav"] == labels["v/utterance_3.wav"] == Labels()


def test_a_video_in_two_splits_is_told_apart_by_its_folders_and_shares_its_session(tmp_path: Path) -> None:
    (tmp_path / TRAIN).write_text(HEADER + row("v", "utterance_1.mp4", arousal="0.1"))
    (tmp_path / TEST).write_text(HEADER + row("v", "utterance_1.mp4", arousal="0.9"))
    touch(tmp_path / "train" / "v" / "utterance_1.wav")
    touch(tmp_path / "test" / "v" / "utterance_1.wav")
    touch(tmp_path / "other" / "v" / "utterance_1.wav")
    labels, _ = found(tmp_path)
    assert labels["train/v/utterance_1.wav"].arousal == 0.1
    assert labels["test/v/utterance_1.wav"].arousal == 0.9
    assert labels["train/v/utterance_1.wav"].session == labels["test/v/utterance_1.wav"].session
    assert labels["other/v/utterance_1.wav"].arousal is None  # nobody can know which


def test_the_tables_above_a_splits_folder_are_found(tmp_path: Path) -> None:
    (tmp_path / TRAIN).write_text(HEADER + row("v", "utterance_1.mp4"))
    touch(tmp_path / "audio" / "train" / "v" / "utterance_1.wav")
    labels, _ = found(tmp_path / "audio" / "train")
    assert labels["v/utterance_1.wav"].arousal == 0.25


def test_recordings_that_are_not_there_are_listed_and_a_whole_missing_split_in_one_line(tmp_path: Path) -> None:
    (tmp_path / TRAIN).write_text(HEADER + row("v", "utterance_1.mp4") + row("v", "utterance_2.mp4"))
    (tmp_path / TEST).write_text(HEADER + row("w", "utterance_1.mp4") + row("w", "utterance_2.mp4"))
    touch(tmp_path / "train" / "v" / "utterance_2.wav")
    _, manifest = found(tmp_path)
    assert [(Path(item.path).name, item.why) for item in manifest.unmatched] == [
        (TEST, "None of its 2 recordings is here."),
        (f"{TRAIN}, line 2", "v/utterance_1 is not here."),
    ]


def test_a_table_of_that_name_with_other_columns_is_told_and_passed_over(tmp_path: Path) -> None:
    (tmp_path / TRAIN).write_text("a,b\n1,2\n")
    touch(tmp_path / "anna" / "1.wav")
    touch(tmp_path / "bert" / "1.wav")
    labels, manifest = found(tmp_path)
    assert labels["anna/1.wav"].speaker == "anna"
    assert "other columns" in manifest.troubles[0][0]


def test_a_folder_with_nothing_but_such_a_table_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    (tmp_path / TRAIN).write_text("a,b\n1,2\n")
    with pytest.raises(CorpusError, match="other columns"):
        found(tmp_path)
