"""What was dropped becomes recordings with labels."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.api import ClipsFound, Control, Note, Partial, Scan
from engine.api.errors import CorpusError
from engine.corpus import import_job, scanning
from engine.corpus.import_job import find
from engine.corpus.manifest import Labels
from engine.corpus.scanning import scan


def collect(*paths: Path) -> tuple[dict[str, dict[str, str]], list[object], object]:
    events: list[object] = []
    done = find(Scan(tuple(str(path) for path in paths)), events.append, lambda: Control.RUN)
    found = {}
    for event in events:
        if isinstance(event, Partial) and isinstance(event.value, ClipsFound):
            found |= {Path(path).name: labels for path, labels in event.value.clips}
    return found, events, done


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.wav", "b.wav"):
        soundfile.write(tmp_path / name, np.zeros(8000), 16_000)
    return tmp_path


def named(events: list[object]) -> list[str]:
    """Files that were told of, as often as they were."""
    chunks = [event.value for event in events if isinstance(event, Partial) and isinstance(event.value, ClipsFound)]
    return [Path(path).name for chunk in chunks for path, _ in chunk.clips]


def test_recordings_are_told_of_while_more_are_looked_for_and_their_labels_follow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_job, "CHUNK", 1)
    for number in range(3):
        (tmp_path / str(number)).mkdir()
        soundfile.write(tmp_path / str(number) / f"{number}.wav", np.zeros(8000), 16_000)
    (tmp_path / "2" / "labels.csv").write_text(f"file,speaker\n{tmp_path / '0' / '0.wav'},Ann\n", "utf-8")
    events: list[object] = []
    seen: list[list[str]] = []

    def control() -> Control:  # asked at every folder
        seen.append(named(events))
        return Control.RUN

    find(Scan((str(tmp_path),)), events.append, control)
    assert seen[:4] == [[], [], ["0.wav"], ["0.wav", "1.wav"]]
    assert collect(tmp_path)[0] == {
        "0.wav": {"speaker": "Ann"},
        "1.wav": {"speaker": "1"},
        "2.wav": {"speaker": "2"},
    }


def test_the_first_recording_is_told_of_at_once_and_the_last_before_labels_are_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        (tmp_path / str(number)).mkdir()
        soundfile.write(tmp_path / str(number) / f"{number}.wav", np.zeros(8000), 16_000)
    events: list[object] = []
    before_labels: list[str] = []
    speaker_of_each = scanning.speaker_of_each

    def look(paths: Iterable[Path]) -> dict[Path, Labels]:
        before_labels.extend(named(events))
        return speaker_of_each(paths)

    monkeypatch.setattr(scanning, "speaker_of_each", look)
    find(Scan((str(tmp_path),)), events.append, lambda: Control.RUN)
    assert before_labels == ["0.wav", "1.wav", "2.wav"]
    assert isinstance(events[0], Partial)
    assert named(events[:1]) == ["0.wav"]


def test_a_recording_without_labels_or_reached_twice_is_told_of_once(folder: Path) -> None:
    (folder / "empty.wav").write_bytes(b"")
    (folder / "c.wav").symlink_to(folder / "a.wav")
    events = collect(folder, folder)[1]
    assert sorted(named(events)) == ["a.wav", "b.wav"]


def test_nothing_is_told_of_where_one_of_the_folders_is_missing(folder: Path) -> None:
    events: list[object] = []
    with pytest.raises(CorpusError, match="is not there"):
        scan([str(folder), str(folder / "gone")], [], lambda: Control.RUN, seen=events.append)
    assert events == []


def test_a_table_labels_the_recordings_it_names(folder: Path) -> None:
    (folder / "labels.csv").write_text("File,Speaker,gender\na.wav,Ann,female\nmissing.wav,X,male\n", "utf-8")
    found, _, done = collect(folder)
    assert found == {"a.wav": {"speaker": "Ann", "gender": "female"}, "b.wav": {}}
    assert done.found == 2


def test_a_table_alone_brings_the_recordings_beside_it(folder: Path) -> None:
    table = folder / "mine.tsv"
    table.write_text("path\temotion\nb.wav\tangry\n", "utf-8")
    found, _, _ = collect(table)
    assert found["b.wav"] == {"emotion": "angry"}


def test_a_table_without_file_names_is_told_and_passed_over(folder: Path) -> None:
    (folder / "labels.csv").write_text("speaker\nAnn\n", "utf-8")
    found, events, _ = collect(folder)
    assert len(found) == 2
    assert any(isinstance(event, Note) and "no column" in event.what for event in events)


def test_an_empty_recording_is_skipped_with_its_reason(folder: Path) -> None:
    (folder / "empty.wav").write_bytes(b"")
    found, _, done = collect(folder)
    assert set(found) == {"a.wav", "b.wav"}
    assert done.skipped == ((str(folder / "empty.wav"), "The file is empty."),)


def test_a_folder_without_recordings_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no recording"):
        collect(tmp_path)


def test_librispeech_speakers_bring_their_gender(recordings: Path) -> None:
    folder = next((recordings / "LibriSpeech" / "train-clean-5").iterdir())
    found, _, _ = collect(folder)
    assert all(
        labels["speaker"] == folder.name and labels["gender"] in ("female", "male") for labels in found.values()
    )
