"""Single seconds edited in the window and a batch begun in the library, rendered by the real worker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot
from small_model import save_small_model

from engine.api import StoredClip
from studio.app import Studio
from studio.domain.drag_payload import Payload, to_mime
from studio.selftest.synthetic_input import drop

JOB_MS = 100_000


@pytest.fixture
def studio(qtbot: QtBot, triptych_home: Path, speech: list[Path], tmp_path: Path) -> Iterator[Studio]:
    """A window with four clips of two speakers, analysed with a small model."""
    studio = Studio()
    studio.window.show()
    session = studio.session
    session.project.restore()
    session.model.open(save_small_model(tmp_path))
    session.imports.add_files(speech)
    qtbot.waitUntil(lambda: len(session.model.encoded()) == len(speech), timeout=JOB_MS)
    studio.window.desk.play_when_ready.setChecked(False)
    yield studio
    studio.window.close()
    studio.close()
    studio.window.deleteLater()


def test_one_second_is_given_another_s_m_and_the_others_keep_theirs(
    qtbot: QtBot, studio: Studio, speech: list[Path]
) -> None:
    session, window = studio.session, studio.window
    by_path = {clip.path: clip.id for clip in session.library.clips.values()}
    source, reference = by_path[str(speech[0])], by_path[str(speech[2])]
    session.library.set_current(source)
    lane = window.lane.lane
    drop(
        window, lane, to_mime(Payload("seconds", seconds=((reference, 0),)), session.context.uuid)
    )  # let go in the middle
    (edit,) = session.transfer.setup.edits[source]
    assert edit.target == (lane.second_at(lane.width() / 2),)
    qtbot.waitUntil(lambda: len(session.takes.items) == 1, timeout=JOB_MS)
    take = session.takes.items[0]
    assert take.edits[0].target == edit.target
    assert f"{edit.target[0]}-{edit.target[0] + 1} s" in take.rule
    control, result = (
        np.array(StoredClip(f).array("mel"), np.float32) for f in (take.control_folder, take.transformed_folder)
    )
    changed = np.abs(result - control).mean(axis=1)
    rate = 64
    near = np.zeros(len(changed), bool)
    near[max(0, (edit.target[0] - 1) * rate) : (edit.target[0] + 2) * rate] = True
    assert changed[near].mean() > changed[~near].mean()
    session.undo.stack.undo()
    assert session.transfer.setup.edits == {}
    assert session.takes.items == [take], "what was rendered stays"


def test_a_voice_dropped_on_selected_clips_makes_a_take_of_each(
    qtbot: QtBot, studio: Studio, speech: list[Path]
) -> None:
    session, window = studio.session, studio.window
    by_path = {clip.path: clip.id for clip in session.library.clips.values()}
    selected = [by_path[str(path)] for path in speech[:2]]
    session.library.select(selected)
    view, table = window.library.view, window.library.table
    row = table.row_of(selected[0])
    assert row is not None
    at = view.visualRect(table.index(row, 0)).center().toPointF()
    drops = window.library.drops
    drops.give(drops.targets(at), "voice", Payload("clips", clips=(by_path[str(speech[3])],)))
    qtbot.waitUntil(lambda: [item.state for item in session.batch.items] == ["done", "done"], timeout=JOB_MS)
    assert {take.source for take in session.takes.items} == {session.library.clips[i].folder for i in selected}
    assert all(Path(take.transformed).is_file() for take in session.takes.items)
