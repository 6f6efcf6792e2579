"""The dashboard: what is measured of what, what it says when it cannot, and whose numbers it shows."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot
from stage import HASH, analysed

from engine.api import PROBE_TASKS, ExportProbes, Probe, ProbeDone, ProbeResult, ProbeScore, Progress
from studio.engine_link.job import Job
from studio.panels.dashboard.panel import DashboardPanel
from studio.panels.dashboard.probes_model import BEST, PENDING
from studio.services import theme
from studio.services.messages import Messages
from studio.services.preferences import Preferences
from studio.session.session import Session

NAN = float("nan")


@pytest.fixture
def panel(session: Session, qtbot: QtBot, tmp_path: Path) -> DashboardPanel:
    made = DashboardPanel(session, Messages(), Preferences(tmp_path / "settings.ini"))
    qtbot.addWidget(made)
    made.resize(520, 560)
    made.show()
    return made


def give_clips(panel: DashboardPanel, session: Session, count: int = 12) -> list[str]:
    ids = analysed(session, *(f"{'abc'[i % 3]}{i}" for i in range(count)))
    panel.refresh()  # which would come by itself a fifth of a second later
    return ids


def score(value: float, **also: float) -> ProbeScore:
    return ProbeScore(40, value, value - 0.05, value + 0.02, 0.5, (value,), also)


def result(task: str = "gender", **scores: float) -> ProbeResult:
    return ProbeResult(task, "accuracy", "speaker-disjoint", {n: score(v) for n, v in scores.items()}, ("A note.",))


def empty_words(panel: DashboardPanel) -> str:
    label = panel.findChild(QLabel, "dashboardEmpty")
    assert label is not None
    return label.text() if label.isVisible() else ""


def running(session: Session) -> Job:
    job = session.probes.board.job
    assert job is not None
    return job


def end(job: Job, *results: ProbeResult, model: str = HASH) -> None:
    job.begin()
    job.done.emit(ProbeDone(results, model, 12, 1.0))


def test_without_recordings_it_says_where_to_begin(panel: DashboardPanel) -> None:
    assert "Drop recordings" in empty_words(panel)
    assert not panel.run_button.isEnabled()


def test_a_few_recordings_are_too_few(panel: DashboardPanel, session: Session) -> None:
    give_clips(panel, session, 3)
    assert "at least 10" in empty_words(panel)
    assert not panel.run_button.isEnabled()
    session.probes.run()
    assert session.probes.board.job is None


def test_with_recordings_it_offers_to_run(panel: DashboardPanel, session: Session) -> None:
    give_clips(panel, session)
    assert "12 recordings are ready" in empty_words(panel)
    panel.run_button.click()
    request = running(session).request
    assert isinstance(request, Probe)
    assert request.tasks == PROBE_TASKS
    assert len(request.corpus.clips) == 12
    assert request.corpus.clips[0][0].labels["speaker"] == "a"
    assert request.test is None


def test_the_selection_or_a_folder_can_be_probed_and_another_folder_tested(
    panel: DashboardPanel, session: Session, tmp_path: Path
) -> None:
    ids = give_clips(panel, session, 24)
    session.library.select(ids[:11])
    panel.refresh()
    panel.corpus.setCurrentIndex(panel.corpus.findData("selected"))
    assert panel.corpus.currentText() == "11 selected"
    panel.run()
    assert len(running(session).request.corpus.clips) == 11
    end(running(session), result(h=0.9))

    panel.choose_folder("corpus", str(tmp_path / "speech"))
    panel.choose_folder("test", str(tmp_path / "others"))
    assert panel.corpus.currentText() == "Folder speech"
    panel.run()
    request = running(session).request
    assert request.corpus.folders == (str(tmp_path / "speech"),)
    assert request.test is not None
    assert request.test.folders == (str(tmp_path / "others"),)
    panel.choose_folder("corpus", "")
    assert panel.corpus.currentData() == "all"


def test_scores_appear_as_they_come_and_the_rest_is_pending(panel: DashboardPanel, session: Session) -> None:
    give_clips(panel, session)
    panel.run()
    job = running(session)
    job.begin()
    job.partial.emit(result("speaker", h=0.97, m=0.9))
    table = panel.table
    assert table.index(0, 0).data() == "97.0 %"
    assert table.index(0, 1).data() == "90.0 %"
    assert table.index(0, 2).data() == "–"
    assert table.index(0, 2).data(PENDING)
    assert table.index(3, 0).data(PENDING)
    job.take(Progress(0.5, "Probing z for speaker"))
    assert panel.progress.value() == 500
    assert panel.status.text() == "Probing z for speaker"
    assert panel.stop_button.isVisible()
    assert not panel.run_button.isVisible()


def test_stop_asks_to_keep_what_is_measured(panel: DashboardPanel, session: Session) -> None:
    give_clips(panel, session)
    panel.run()
    job = running(session)
    job.begin()
    job.partial.emit(result("speaker", h=0.97, m=0.9, z=0.8))
    panel.stop_button.click()
    assert job.wish.value == "stop"
    assert panel.table.index(0, 0).data() == "97.0 %"
    assert panel.run_button.isVisible()


def test_a_failed_job_leaves_what_was_measured_and_says_it_is_not_all(
    panel: DashboardPanel, session: Session
) -> None:
    give_clips(panel, session)
    panel.run()
    job = running(session)
    job.begin()
    job.partial.emit(result("speaker", h=0.97))
    job.failed.emit("The memory ran out.", "Close other programs.", "")
    assert panel.table.index(0, 0).data() == "97.0 %"
    assert "Stopped before all tasks" in panel.status.text()
    assert not panel.table.index(1, 0).data(PENDING)


def test_a_cell_says_everything_in_sentences(panel: DashboardPanel, session: Session, qtbot: QtBot) -> None:
    give_clips(panel, session)
    panel.run()
    full = ProbeResult(
        "gender",
        "accuracy",
        "speaker-disjoint",
        {"h": score(0.939, **{"accuracy by 4 s piece": 0.91})},
        ("A note.",),
    )
    failed = ProbeResult("valence", "CCC", "", {}, (), "No clip has a valence.")
    end(running(session), full, failed)
    panel.view.setCurrentIndex(panel.table.index(2, 0))
    words = panel.details.text()
    for part in (
        "Gender, voice (h)",
        "93.9 %",
        "88.9 % to 95.9 %",
        "40 clips",
        "not trained on",
        "shuffled labels: 50.0 %",
        "accuracy by 4 s piece 91.0 %",
        "A note.",
    ):
        assert part in words
    assert panel.table.index(2, 0).data(Qt.ItemDataRole.AccessibleTextRole) == words
    panel.view.setFocus()
    panel.commands["copy"].trigger()
    assert QGuiApplication.clipboard().text() == words
    qtbot.keyClick(panel.view, Qt.Key.Key_Down)
    qtbot.keyClick(panel.view, Qt.Key.Key_Down)
    qtbot.keyClick(panel.view, Qt.Key.Key_Down)
    assert "Valence, voice (h), the clip: not run. No clip has a valence." in panel.details.text()


def test_the_best_latent_is_the_one_with_the_lowest_error_or_the_highest_score(
    panel: DashboardPanel, session: Session
) -> None:
    give_clips(panel, session)
    panel.run()
    end(
        running(session),
        result("verify", h=0.02, m=0.2, z=0.1, mel=0.01),
        result("emotion", h=0.3, m=0.5, z=0.4, mel=0.6),
    )
    best = {
        task: [column for column in range(5) if panel.table.index(row, column).data(BEST)]
        for row, task in ((1, "verify"), (3, "emotion"))
    }
    assert best == {"verify": [0], "emotion": [1]}


def test_another_model_begins_an_empty_board_and_a_late_answer_is_dropped(
    panel: DashboardPanel, session: Session
) -> None:
    give_clips(panel, session)
    panel.run()
    late = running(session)
    late.begin()
    assert session.model.info is not None
    session.model.use(dataclasses.replace(session.model.info, hash="cd" * 32))
    assert session.probes.board.results == {}
    late.partial.emit(result(h=0.9))
    end(late, result(h=0.9))
    assert session.probes.board.results == {}
    assert panel.table.index(2, 0).data() == "–"


def test_changed_labels_make_the_numbers_stale_in_words(panel: DashboardPanel, session: Session) -> None:
    ids = give_clips(panel, session)
    panel.run()
    end(running(session), result(h=0.9))
    assert "have changed since" not in panel.status.text()
    session.library.clips[ids[0]].labels["speaker"] = "somebody else"
    panel.refresh()
    assert "have changed since" in panel.status.text()


def test_nothing_is_exported_before_something_is_measured(panel: DashboardPanel, session: Session) -> None:
    give_clips(panel, session)
    assert not panel.commands["export_csv"].isEnabled()
    assert session.probes.export("m.csv") is None
    panel.run()
    end(running(session), result(h=0.9, m=NAN))
    assert panel.commands["export_csv"].isEnabled()
    job = session.probes.export("/r/m.tex")
    assert job is not None
    assert isinstance(job.request, ExportProbes)
    assert job.request.results[0].scores["h"].score == 0.9
    assert "12 recordings" in job.request.about


@pytest.mark.parametrize("dark", [False, True])
def test_it_draws_scores_intervals_and_controls_in_light_and_dark(
    panel: DashboardPanel, session: Session, dark: bool, qapp: object
) -> None:
    from PySide6.QtWidgets import QApplication

    app = QApplication.instance()
    assert isinstance(app, QApplication)
    theme.restyle(app, dark=dark)
    give_clips(panel, session)
    panel.run()
    end(running(session), result("speaker", h=0.9, m=NAN), result("arousal", h=-0.4, m=0.5, mfcc=1.0))
    cell = panel.view.visualRect(panel.table.index(0, 0))
    image = panel.view.viewport().grab(cell).toImage()
    accent = theme.colours().accent
    middle = round(cell.height() * 0.66 + (cell.height() * 0.34 - 8) / 2)
    found = [
        x
        for x in range(image.width())
        if _near(image.pixelColor(QPoint(x, round(middle * image.height() / cell.height()))), accent)
    ]
    assert found  # the dot and its interval
    assert min(found) / image.width() > 0.6  # at 0.85 to 0.92 of the scale
    theme.restyle(app, dark=False)


def _near(a: object, b: object) -> bool:
    return all(abs(x - y) < 40 for x, y in zip(a.getRgb()[:3], b.getRgb()[:3], strict=True))  # type: ignore[attr-defined]
