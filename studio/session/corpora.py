"""What the user does with whole corpora: fetch one, look into a table of labels before it is used."""

from __future__ import annotations

from engine.api import CorpusGot, GetCorpus, Offer, PreviewTable, TableColumns
from studio.engine_link.engine_link import Job
from studio.session.library import LibraryActions


class CorpusActions(LibraryActions):
    """Corpora from elsewhere, and tables."""

    def get_corpus(self, offer: Offer, folder: str, *, add: bool) -> Job:
        """Fetch a part of a corpus into a folder.

        Args:
            add: put it into the library as soon as it is there; else a message offers to.
        """
        name = f"{offer.corpus} {offer.name}"
        job = self.link.submit(GetCorpus(offer, folder), title=self.tr("Get {0}").format(name))

        def done(got: CorpusGot) -> None:
            words = (
                self.tr("{0} is in {1}.") if got.new else self.tr("{0} was in {1} already; nothing was fetched.")
            ).format(name, got.folder)
            if add:
                self.messages.say(words)
                self.add_files([got.folder])
                return
            action = (self.tr("Add it to the library"), lambda: self.add_files([got.folder]))
            self.messages.say(words, self.tr("It can be trained on as a folder."), action=action)

        job.done.connect(done)
        self._tell_failures(job)
        return job

    def preview_table(self, path: str, columns: TableColumns | None = None) -> Job:
        """Look into a table of labels; the job's result is a TablePreview."""
        return self.link.submit(
            PreviewTable(path, columns), title=self.tr("Look into a table"), latest_key=f"table {path}"
        )
