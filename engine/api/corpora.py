"""Finding and fetching recordings: folders, tables of labels, corpora on offer, the cache of what was computed."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.api.downloads import Offer

AUDIO_SUFFIXES = (
    ".wav",
    ".flac",
    ".ogg",
    ".oga",
    ".opus",
    ".mp3",
    ".aiff",
    ".aif",
    ".aifc",
    ".au",
    ".snd",
    ".caf",
    ".w64",
    ".rf64",
    ".m4a",
    ".m4b",
    ".mp4",
    ".mov",
    ".3gp",
    ".aac",
    ".webm",
    ".mka",
    ".mkv",
    ".wma",
    ".avi",
    ".amr",
    ".wv",
    ".ac3",
)
TABLE_SUFFIXES = (".csv", ".tsv")
LABELS = ("speaker", "gender", "emotion", "arousal", "valence", "text", "split", "session")  # that the engine reads


@dataclass(frozen=True)
class TableColumns:
    """What the columns of a table of labels mean: headings as they stand in the table.

    file: the column that names the recordings. labels: label -> column; see corpus.manifest.Labels for the labels
    that the engine reads.
    """

    file: str
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Scan:
    """Find the recordings in folders, tables and single files, with the labels that layouts and tables give.

    Reports Partial(ClipsFound) in chunks while it runs: what lies below folders as it is come across, bare, and
    everything that has labels once all tables are read.
    columns: (table, what its columns mean) for tables of which the user said so.
    """

    paths: tuple[str, ...]
    columns: tuple[tuple[str, TableColumns], ...] = ()


@dataclass(frozen=True)
class ClipsFound:
    """Recordings a scan came across: path and labels of each, as far as they are known by then."""

    clips: tuple[tuple[str, dict[str, str]], ...]


@dataclass(frozen=True)
class ScanDone:
    """skipped: (path, why) of every file that looked like a recording and cannot be one.

    unmatched: (table and line, why) of every row of a table that no recording answers to, or that is incomplete.
    """

    found: int
    skipped: tuple[tuple[str, str], ...]
    unmatched: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class PreviewTable:
    """Look into a table of labels: what it holds, what its columns mean, and which rows have a recording.

    columns: what the user says they mean; None: guess it from the headings.
    """

    path: str
    columns: TableColumns | None = None


@dataclass(frozen=True)
class TablePreview:
    """What a table of labels holds. columns is None, and `trouble` says why, if no column names the recordings.

    rows: the first ones, a cell for every heading. matched: rows that have a recording.
    unmatched: (table and line, why), the first ones; unmatched_rows: how many there are.
    """

    path: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    row_count: int
    columns: TableColumns | None
    matched: int = 0
    unmatched: tuple[tuple[str, str], ...] = ()
    unmatched_rows: int = 0
    trouble: str = ""


@dataclass(frozen=True)
class GetCorpus:
    """Fetch a part of a corpus into a folder: to/<corpus>/<name>. STOP and CANCEL leave nothing half-done there."""

    offer: Offer
    to: str


@dataclass(frozen=True)
class CorpusGot:
    """A corpus is in its folder. new: False if it was there already."""

    folder: str
    offer: Offer
    new: bool


@dataclass(frozen=True)
class CareForCache:
    """Say what the cache of computed spectrograms and analyses holds.

    clear: empty it first. limit_bytes: what it may take from now on.
    """

    clear: bool = False
    limit_bytes: int | None = None


@dataclass(frozen=True)
class CacheState:
    """recordings: whose spectrograms are held for training; clips: whole analyses that are held."""

    folder: str
    used_bytes: int
    limit_bytes: int
    recordings: int
    clips: int
