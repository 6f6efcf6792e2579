"""What a new run trains on: the whole library, the selected clips, or a folder of recordings."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QLabel, QLineEdit, QPushButton, QWidget

from engine.api import ClipRef, SpecError
from studio.domain.clip import Clip
from studio.services.plurals import counted
from studio.session.clips.library import Library
from studio.widgets.when_seen import WhenSeen

KINDS = ("library", "selection", "folder")
REFRESH_MS = 200  # an import reports recordings by the hundred, and each time all of them are counted


def usable(clips: list[Clip]) -> list[Clip]:
    """The clips a corpus can hold: those whose file was found and could be read."""
    return [clip for clip in clips if clip.state not in ("failed", "missing")]


class CorpusChoice(QObject):
    """The controls that choose a corpus: a form places `kind`, `folder_row` and `facts` on rows of its own.

    Args:
        facts: the label that shows how much speech there is, or what is missing.
    """

    def __init__(self, library: Library, facts: QLabel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._library = library
        self.facts = facts
        self.kind = QComboBox()
        self.kind.setObjectName("corpus")
        for _ in KINDS:
            self.kind.addItem("")
        self.folder = QLineEdit()
        self.folder.setObjectName("corpusFolder")
        self.folder.setPlaceholderText(self.tr("Folder of recordings"))
        self.folder.setAccessibleName(self.tr("Folder of recordings"))
        browse = QPushButton(self.tr("Choose…"))
        self.folder_row = QWidget()
        row = QHBoxLayout(self.folder_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.folder, 1)
        row.addWidget(browse)

        self.kind.currentIndexChanged.connect(self.refresh)
        self.folder.textChanged.connect(self.refresh)
        browse.clicked.connect(self._choose_folder)
        self._soon = WhenSeen(self.kind, REFRESH_MS)
        self._soon.due.connect(self.refresh)
        for change in (library.added, library.removed, library.changed, library.selection_changed):
            change.connect(self._soon.ask)

    def corpus(self) -> tuple[tuple[str, ...], tuple[ClipRef, ...]]:
        """The folders and the clips that are chosen; one of the two is empty.

        Raises:
            SpecError: there is nothing to train on.
        """
        kind = KINDS[self.kind.currentIndex()]
        if kind == "folder":
            folder = self.folder.text().strip()
            if not folder:
                raise SpecError(self.tr("No folder is chosen."), self.tr("Choose a folder of recordings."))
            return (folder,), ()
        clips = self._clips(kind)
        if not clips:
            what = self.tr("No clip is selected.") if kind == "selection" else self.tr("The library is empty.")
            raise SpecError(what, self.tr("Drop recordings into the window, or train on a folder."))
        return (), tuple(ClipRef(clip.id, clip.path, dict(clip.labels)) for clip in clips)

    def refresh(self, *_: object) -> None:
        """Bring the counts up to date."""
        library, selection = self._clips("library"), self._clips("selection")
        self.kind.setItemText(
            0, counted(len(library), self.tr("Whole library (1 clip)"), self.tr("Whole library ({0} clips)"))
        )
        self.kind.setItemText(1, self.tr("Selected clips ({0})").format(len(selection)))
        self.kind.setItemText(2, self.tr("A folder…"))
        kind = KINDS[max(0, self.kind.currentIndex())]
        self.folder_row.setVisible(kind == "folder")
        chosen = {"library": library, "selection": selection}.get(kind)
        self.facts.setText(
            self.tr("Searched with all its subfolders; LibriSpeech, RAVDESS and OMG layouts are recognised.")
            if chosen is None
            else self._facts_of(kind, chosen)
        )

    def _clips(self, kind: str) -> list[Clip]:
        clips = self._library.clips
        if kind == "selection":
            return usable([clips[i] for i in self._library.selection if i in clips])
        return usable(list(clips.values()))

    def _facts_of(self, kind: str, clips: list[Clip]) -> str:
        if not clips:
            return (
                self.tr("Select clips in the library or on the map.")
                if kind == "selection"
                else self.tr("Drop recordings anywhere in this window first.")
            )
        minutes = sum(clip.duration_s or 0.0 for clip in clips) / 60.0
        speakers = len({clip.labels.get("speaker", "") for clip in clips} - {""})
        facts = [self.tr("{0} min of speech").format(f"{minutes:.1f}")] if minutes else []
        facts.append(
            counted(speakers, self.tr("1 speaker"), self.tr("{0} speakers"))
            if speakers
            else self.tr("no speaker labels needed")
        )
        return " · ".join(facts)

    def _choose_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self.kind, self.tr("Folder of recordings"), self.folder.text())
        if folder:
            self.folder.setText(folder)
