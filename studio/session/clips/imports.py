"""How recordings come into the library: files, folders, tables of labels, whole corpora."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from engine.api import (
    AUDIO_SUFFIXES,
    ClipsFound,
    CorpusGot,
    GetCorpus,
    Offer,
    PreviewTable,
    Scan,
    ScanDone,
    TableColumns,
)
from studio.engine_link.engine_link import Job
from studio.services import paths
from studio.services.plurals import counted
from studio.session.clips.library import Arrivals, Library
from studio.session.context import Context

NAMED_SKIPS = 40  # named one by one in the details


class Imports(QObject):
    """Looks through what the user adds; what it finds goes into the library as it is found.

    Signals:
        looked_through(files): everything that one import named is in the library.
    """

    looked_through = Signal(list)

    def __init__(self, context: Context, library: Library) -> None:
        super().__init__(context)
        self._context, self._library = context, library

    def add_files(
        self, files: Iterable[str | Path], columns: Sequence[tuple[str, TableColumns]] = ()
    ) -> Job | None:
        """Add files, folders and tables of labels; what they hold comes in as it is found.

        Single recordings have their row at once, those in folders when they are come across; their labels follow.
        Returns the job that looks, None for nothing.

        Args:
            columns: what the columns of tables mean; of other tables it is guessed.
        """
        given = [str(Path(file).absolute()) for file in files]
        if not given:
            return None
        title = (
            Path(given[0]).name if len(given) == 1 else counted(len(given), self.tr("1 item"), self.tr("{0} items"))
        )
        came, library, current_only = Arrivals(), self._library, self._context.current_only
        job = self._context.link.submit(
            Scan(tuple(given), tuple(columns)), title=self.tr("Look through {0}").format(title)
        )
        job.partial.connect(current_only(lambda chunk: self._found(chunk, came)))
        job.done.connect(current_only(lambda result: self._scanned(result, len(came.clips))))
        job.note.connect(lambda what, hint: self._context.messages.say(what, hint, level="warning"))
        self._context.report_failures(job)

        def do() -> None:
            if not came.undone:
                library.insert_found([(path, {}) for path in given if path.lower().endswith(AUDIO_SUFFIXES)], came)
                return
            came.undone = False
            library.put_labels({i: after for i, (_before, after) in came.labels.items()})
            library.put_back(list(came.clips.values()))

        def undo() -> None:
            came.undone = True
            job.cancel()
            library.put_labels({i: before for i, (before, _after) in came.labels.items()})
            library.take_out(came.clips)

        self._context.undo.undoable(self.tr("Add {0}").format(title), do, undo)
        job.done.connect(current_only(lambda _result: self.looked_through.emit(given)))
        return job

    def load_example(self) -> None:
        """Bring in the synthetic voices that come with the program."""
        self.add_files([paths.example_dir()])

    def get_corpus(self, offer: Offer, folder: str, *, add: bool) -> Job:
        """Fetch a part of a corpus into a folder.

        Args:
            add: put it into the library as soon as it is there; else a message offers to.
        """
        name = f"{offer.corpus} {offer.name}"
        job = self._context.link.submit(GetCorpus(offer, folder), title=self.tr("Get {0}").format(name))

        def done(got: CorpusGot) -> None:
            words = (
                self.tr("{0} is in {1}.") if got.new else self.tr("{0} was in {1} already; nothing was fetched.")
            ).format(name, got.folder)
            if add:
                self._context.messages.say(words)
                self.add_files([got.folder])
                return
            action = (self.tr("Add it to the library"), lambda: self.add_files([got.folder]))
            self._context.messages.say(words, self.tr("It can be trained on as a folder."), action=action)

        job.done.connect(done)
        self._context.report_failures(job)
        return job

    def preview_table(self, path: str, columns: TableColumns | None = None) -> Job:
        """Look into a table of labels; the job's result is a TablePreview."""
        return self._context.link.submit(
            PreviewTable(path, columns), title=self.tr("Look into a table"), latest_key=f"table {path}"
        )

    def _found(self, chunk: ClipsFound, came: Arrivals) -> None:
        if not came.undone:
            self._library.insert_found(chunk.clips, came)
            self._library.analysis.pump()

    def _scanned(self, result: ScanDone, new: int) -> None:
        known = result.found - new
        self._library.analysis.go_on()
        if not result.skipped and not result.unmatched:
            if known > 0 and new == 0:
                self._context.messages.say(
                    counted(
                        known,
                        self.tr("One recording was in the library already."),
                        self.tr("{0} recordings were in the library already."),
                    )
                )
            return
        what = []
        if result.skipped:
            what.append(counted(len(result.skipped), self.tr("1 file skipped."), self.tr("{0} files skipped.")))
        if result.unmatched:
            what.append(
                counted(
                    len(result.unmatched),
                    self.tr("1 row of a table could not be used."),
                    self.tr("{0} rows of tables could not be used."),
                )
            )
        left_out = (*result.skipped, *result.unmatched)
        listed = "\n".join(f"{path}: {why}" for path, why in left_out[:NAMED_SKIPS])
        more = len(left_out) - NAMED_SKIPS
        self._context.messages.say(
            " ".join(what),
            f"{Path(left_out[0][0]).name}: {left_out[0][1]}",
            details=listed + (self.tr("\n… and {0} more").format(more) if more > 0 else ""),
            level="warning",
        )
