"""Preview of a label table before it is used."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from engine.api import ControlSignal, PreviewTable, Report, TablePreview
from engine.api.errors import CorpusError
from engine.corpus import label_table as tables
from engine.corpus.scanning import recordings_below

SHOWN_ROWS = 20
SHOWN_UNMATCHED = 200


def preview(request: PreviewTable, report: Report, control: ControlSignal) -> TablePreview:
    """What the table holds, what its columns mean and which rows have a recording.

    Raises:
        CorpusError: it cannot be read as a table.
        Cancelled: the user cancelled.
    """
    path = Path(request.path).absolute()
    table = tables.read(path)
    rows = tuple(cells for _, cells in table.rows[:SHOWN_ROWS])
    try:
        columns = request.columns or tables.guess(table)
        joined = tables.join(table, columns, partial(recordings_below, path.parent, control))
    except CorpusError as error:
        return TablePreview(str(path), table.headings, rows, len(table.rows), None, trouble=error.what)
    unmatched = tuple((row.path, row.why) for row in joined.unmatched[:SHOWN_UNMATCHED])
    return TablePreview(
        str(path),
        table.headings,
        rows,
        len(table.rows),
        columns,
        len(joined.labels),
        unmatched,
        len(joined.unmatched),
    )
