"""Tables of labels: what their columns mean, which recording a row names, and what is told of the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.api import Control, Event, PreviewTable, TableColumns
from engine.api.errors import CorpusError
from engine.corpus import label_table as tables
from engine.corpus.manifest import Labels
from engine.corpus.scanning import scan
from engine.corpus.table_preview import preview


def ignore(event: Event) -> None:
    """Nothing is reported of a preview."""


def run() -> Control:
    return Control.RUN


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    for name in ("anna/1.wav", "anna/2.wav", "bert/1.wav", "bert/3.flac"):
        path = tmp_path / "corpus" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"RIFF")
    return tmp_path / "corpus"


def written(corpus: Path, text: str, name: str = "list.csv") -> Path:
    path = corpus / name
    path.write_text(text, "utf-8")
    return path


def test_a_table_is_a_corpus_of_the_recordings_it_names(corpus: Path) -> None:
    table = written(
        corpus, "path,Speaker,Sex,subset,activation\nanna/1.wav,Ann,F,train,0.7\nbert/3.flac,Bert,m,test,0.2\n"
    )
    manifest = scan([str(table)], [], run)
    assert [(u.name, u.labels) for u in manifest.utterances] == [
        ("anna/1.wav", Labels("Ann", "female", arousal=0.7, split="train")),
        ("bert/3.flac", Labels("Bert", "male", arousal=0.2, split="test")),
    ]


@pytest.mark.parametrize(
    ("name", "separator"), [("list.csv", ","), ("list.csv", ";"), ("list.tsv", "\t"), ("list.csv", "\t")]
)
def test_commas_semicolons_and_tabs_part_the_cells(corpus: Path, name: str, separator: str) -> None:
    table = written(corpus, f"file{separator}emotion\nanna/2.wav{separator}happy\n", name)
    assert scan([str(table)], [], run).utterances[0].labels.emotion == "happy"


def test_names_without_folder_or_suffix_find_their_recording(corpus: Path) -> None:
    table = written(corpus, "id,emotion\n2,happy\n3.flac,sad\n")
    assert {u.name: u.labels.emotion for u in scan([str(table)], [], run).utterances} == {
        "anna/2.wav": "happy",
        "bert/3.flac": "sad",
    }


def test_folders_in_a_name_tell_recordings_of_the_same_name_apart(corpus: Path) -> None:
    table = written(corpus, "file,emotion\nold/place/anna/1,happy\nbert\\1,sad\n1,angry\n")
    manifest = scan([str(table)], [], run)
    assert {u.name: u.labels.emotion for u in manifest.utterances} == {"bert/1.wav": "sad"}
    assert [(item.path.rsplit(", ")[-1], item.why) for item in manifest.unmatched] == [
        ("line 2", "old/place/anna/1: No such recording."),
        ("line 4", "1: Several recordings are called so."),
    ]


def test_rows_without_a_recording_are_listed_with_their_lines(corpus: Path) -> None:
    table = written(corpus, 'file,text\nanna/1.wav,"two\nlines"\nnone.wav,x\n,y\nanna/1.wav,z\n/etc/hostname,w\n')
    manifest = scan([str(table)], [], run)
    assert [(item.path.rsplit(", ")[-1], item.why) for item in manifest.unmatched] == [
        ("line 4", "none.wav: No such recording."),
        ("line 5", "It names no recording."),
        ("line 6", "anna/1.wav: An earlier row names the same recording."),
        ("line 7", "/etc/hostname: No such recording."),
    ]
    assert manifest.utterances[0].labels.text == "two\nlines"


def test_a_number_off_its_scale_is_told_and_left_out(corpus: Path) -> None:
    table = written(corpus, "file,valence,emotion\nanna/1.wav,7,happy\n")
    manifest = scan([str(table)], [], run)
    assert manifest.utterances[0].labels == Labels(emotion="happy")
    assert "valence 7 is not on the scale of -1 to 1" in manifest.unmatched[0].why


def test_columns_of_the_users_own_come_along_under_their_headings(corpus: Path) -> None:
    table = written(corpus, "file,Dialect\nanna/1.wav,north\nanna/2.wav,\n")
    more = {u.name: u.more for u in scan([str(table)], [], run).utterances}
    assert more == {"anna/1.wav": {"dialect": "north"}, "anna/2.wav": {}}


def test_the_user_says_what_columns_mean(corpus: Path) -> None:
    table = written(corpus, "file,a,b\nx,anna/1.wav,Ann\n")
    meant = TableColumns("a", {"speaker": "b"})
    manifest = scan([str(table)], [], run, {str(table): meant})
    assert manifest.utterances[0].labels == Labels("Ann")
    assert manifest.utterances[0].more == {}


def test_a_folders_own_table_labels_its_recordings_and_goes_before_the_layout(corpus: Path) -> None:
    written(corpus, "file,speaker\nanna/1.wav,Ann\n", "labels.csv")
    speakers = {u.name: u.labels.speaker for u in scan([str(corpus)], [], run).utterances}
    assert speakers == {"anna/1.wav": "Ann", "anna/2.wav": "anna", "bert/1.wav": "bert", "bert/3.flac": "bert"}


def test_a_table_in_a_folder_below_names_what_lies_beside_it(corpus: Path) -> None:
    written(corpus / "bert", "file,emotion\n1,sad\n", "labels.csv")
    emotions = {u.name: u.labels.emotion for u in scan([str(corpus)], [], run).utterances}
    assert emotions == {"anna/1.wav": None, "anna/2.wav": None, "bert/1.wav": "sad", "bert/3.flac": None}


@pytest.mark.parametrize(
    ("text", "why"),
    [("", "is empty"), ("speaker\nAnn\n", "no column that names"), ("\udcff", "cannot be read")],
)
def test_what_is_no_table_of_labels_is_refused_in_words(corpus: Path, text: str, why: str) -> None:
    table = corpus / "list.csv"
    table.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(CorpusError, match=why):
        scan([str(table)], [], run)


def test_a_preview_shows_rows_and_guess_and_counts_what_matches(corpus: Path) -> None:
    rows = "".join(f"none{i}.wav,x\n" for i in range(300))
    table = written(corpus, f"file,emotion\nanna/1.wav,happy\n{rows}")
    seen = preview(PreviewTable(str(table)), ignore, run)
    assert seen.headings == ("file", "emotion")
    assert seen.rows[0] == ("anna/1.wav", "happy")
    assert (len(seen.rows), seen.row_count) == (20, 301)
    assert seen.columns == TableColumns("file", {"emotion": "emotion"})
    assert (seen.matched, seen.unmatched_rows) == (1, 300)
    assert len(seen.unmatched) == 200


def test_a_preview_of_a_table_without_file_names_says_so_and_still_shows_it(corpus: Path) -> None:
    table = written(corpus, "what,emotion\nanna/1.wav,happy\n")
    seen = preview(PreviewTable(str(table)), ignore, run)
    assert seen.columns is None
    assert "no column that names" in seen.trouble
    chosen = preview(PreviewTable(str(table), TableColumns("what", {"emotion": "emotion"})), ignore, run)
    assert (chosen.matched, chosen.trouble) == (1, "")


def test_a_column_that_is_not_there_is_refused(corpus: Path) -> None:
    table = tables.read(written(corpus, "file\nanna/1.wav\n"))
    with pytest.raises(CorpusError, match="no column 'mood'"):
        tables.join(table, TableColumns("file", {"emotion": "mood"}), list)
