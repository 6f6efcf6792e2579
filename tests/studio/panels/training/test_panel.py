"""The training panel: what a run is made of, how it is watched and steered, and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QMessageBox
from pytestqt.qtbot import QtBot

from engine.api import AudioSpec, ModelInfo, ModelSpec, RunSpec, Train, TrainPoint, presets
from engine.model.aux_vae import AuxVAE
from studio.domain.clip import Clip
from studio.domain.run_record import BEST, RunRecord
from studio.engine_link.engine_link import EngineLink
from studio.engine_link.job import Job
from studio.panels.training import runs_model
from studio.panels.training.new_run_form import weights_of
from studio.panels.training.panel import NEW, RUNS, TrainingPanel
from studio.services.preferences import Preferences
from studio.session.session import Session


@pytest.fixture
def jobs() -> list[Job]:
    """Every job that would have gone to a training process."""
    return []


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path, jobs: list[Job], monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    link = EngineLink(tmp_path / "log")

    def submit(request: Train, *, title: str, **_: object) -> Job:
        jobs.append(Job(len(jobs), request, title))
        jobs[-1].begin()
        return jobs[-1]

    monkeypatch.setattr(link, "submit", submit)
    made = Session(link, tmp_path / "data")
    for i in range(6):
        labels = {"speaker": f"s{i % 2}"}
        made.library.clips[f"c{i}"] = Clip(f"c{i}", f"/r/c{i}.wav", labels=labels, state="ready", duration_s=30.0)
    made.library.clips["c5"].state = "failed"
    yield made
    made.project.close()
    link.shutdown()


@pytest.fixture
def preferences(tmp_path: Path) -> Preferences:
    return Preferences(tmp_path / "settings.ini")


@pytest.fixture
def panel(session: Session, qtbot: QtBot, preferences: Preferences) -> TrainingPanel:
    made = TrainingPanel(session, session.messages, preferences)
    qtbot.addWidget(made)
    made.resize(460, 800)
    made.show()
    return made


def point(step: int, total: float, split: str = "train") -> TrainPoint:
    return TrainPoint(step, step / 10, split, {"total": total, "reconstruction": total + 1, "error": 0.5}, step / 5)


def line(panel: TrainingPanel, name: str) -> QLineEdit:
    found = panel.findChild(QLineEdit, name)
    assert found is not None
    return found


def words(panel: TrainingPanel, name: str) -> str:
    found = panel.findChild(QLabel, name)
    assert found is not None
    return str(found.text())


def give_model(session: Session, path: str = "/models/anna.triptych.safetensors") -> ModelSpec:
    spec = ModelSpec(latent=32, global_channels=(16,), medium_channels=(16,))
    session.model.info = ModelInfo(path, "abc", 1, AudioSpec(level_dbfs=-24.0).to_dict(), spec.to_dict(), {}, {})
    session.model.changed.emit()
    return spec


def test_without_runs_the_panel_opens_on_the_form_and_says_where_runs_will_be(panel: TrainingPanel) -> None:
    assert panel.pages.currentIndex() == NEW
    assert panel.empty.text().startswith("No training run yet")


@pytest.mark.parametrize("name", list(presets()))
def test_a_preset_fills_the_form_and_gives_its_advice(panel: TrainingPanel, name: str) -> None:
    panel.form.preset.setCurrentText(name)
    spec = panel.form.run_spec()
    assert spec.train == presets()[name].train
    assert spec.model == presets()[name].model
    assert panel.form.advice.text() == presets()[name].advice


def test_a_changed_setting_makes_the_preset_custom(panel: TrainingPanel) -> None:
    line(panel, "field_learning_rate").setText("0.002")
    train = panel.form.run_spec().train
    assert (train.learning_rate, train.preset) == (0.002, "custom")


@pytest.mark.parametrize("name", list(presets()))
def test_the_number_of_weights_shown_is_the_models_own(name: str) -> None:
    spec = presets()[name].model
    model = AuxVAE(spec)
    assert weights_of(spec) == pytest.approx(sum(p.numel() for p in model.parameters()), rel=0.01)


def test_sizes_are_shown_and_follow_the_form(panel: TrainingPanel) -> None:
    before = words(panel, "sizeFacts")
    assert "million weights" in before
    panel.form.preset.setCurrentText("paper")
    assert words(panel, "sizeFacts") != before
    line(panel, "field_global_channels").setText("64, many")
    assert words(panel, "sizeFacts") == "The sizes need a correction."


def test_the_whole_library_is_the_corpus_less_what_cannot_be_read(panel: TrainingPanel) -> None:
    spec = panel.form.run_spec()
    assert [clip.id for clip in spec.clips] == ["c0", "c1", "c2", "c3", "c4"]
    assert spec.clips[1].labels == {"speaker": "s1"}
    assert "2.5 min of speech" in panel.form.corpus_facts.text()


def test_recordings_that_come_by_the_hundred_are_counted_together(
    panel: TrainingPanel, session: Session, qtbot: QtBot
) -> None:
    corpus, counts = panel.form.corpus, []
    corpus.model().dataChanged.connect(lambda *_: counts.append(corpus.itemText(0)))
    for number in range(20):
        session.library.insert_found([(f"/more/{number}.wav", {})])
    qtbot.waitUntil(lambda: bool(counts))
    assert counts == ["Whole library (25 clips)"]


def test_a_selection_or_a_folder_can_be_the_corpus(panel: TrainingPanel, session: Session) -> None:
    corpus = panel.findChild(QComboBox, "corpus")
    assert corpus is not None
    session.library.select(["c1", "c4"])
    corpus.setCurrentIndex(1)
    assert [clip.id for clip in panel.form.run_spec().clips] == ["c1", "c4"]
    corpus.setCurrentIndex(2)
    line(panel, "corpusFolder").setText("/data/LibriSpeech")
    spec = panel.form.run_spec()
    assert (spec.folders, spec.clips) == (("/data/LibriSpeech",), ())


@pytest.mark.parametrize(("corpus", "problem"), [(1, "No clip is selected."), (2, "No folder is chosen.")])
def test_nothing_to_train_on_is_said_above_the_button(
    panel: TrainingPanel, jobs: list[Job], corpus: int, problem: str
) -> None:
    panel.form.corpus.setCurrentIndex(corpus)
    panel.form.start.click()
    assert words(panel, "newRunProblem").startswith(problem)
    assert jobs == []


def test_a_bad_setting_is_marked_and_nothing_starts(panel: TrainingPanel, jobs: list[Job]) -> None:
    line(panel, "field_learning_rate").setText("fast")
    panel.form.start.click()
    assert "not a number" in panel.form.settings.problem("learning_rate")
    assert "marked above" in words(panel, "newRunProblem")
    assert jobs == []


def test_a_bad_size_unfolds_the_sizes(panel: TrainingPanel) -> None:
    line(panel, "field_global_channels").setText("none")
    panel.form.start.click()
    assert panel.form.sizes.isVisible()


def test_fine_tuning_keeps_the_models_sizes_and_front_end(panel: TrainingPanel, session: Session) -> None:
    assert not panel.form.fine_tune.isEnabled()
    sizes = give_model(session)
    panel.form.fine_tune.setChecked(True)
    assert not panel.form.sizes.isEnabled()
    panel.form.preset.setCurrentText("paper")
    spec = panel.form.run_spec()
    assert spec.model == sizes
    assert spec.from_model == "/models/anna.triptych.safetensors"
    assert spec.audio.level_dbfs == -24.0
    panel.form.fine_tune.setChecked(False)
    assert panel.form.run_spec().model == presets()["paper"].model


@pytest.fixture
def running(panel: TrainingPanel) -> TrainingPanel:
    panel.form.name.setText("my run")
    panel.form.start.click()
    return panel


def test_start_writes_the_run_and_shows_it(running: TrainingPanel, session: Session, jobs: list[Job]) -> None:
    assert len(jobs) == 1
    assert RunSpec.read(session.runs.records[0].run_dir).name == "my run"
    assert running.pages.currentIndex() == RUNS
    assert running.current() is session.runs.records[0]
    assert running.progress.bar.isVisible()
    assert not running.resume_button.isEnabled()
    assert not running.delete_button.isEnabled()


def test_progress_shows_percent_and_time_left(running: TrainingPanel, jobs: list[Job]) -> None:
    jobs[0].fraction, jobs[0].message, jobs[0].eta_s = 0.425, "Epoch 3, step 120", 95.0
    jobs[0].changed.emit()
    assert running.progress.bar.format() == "42.5 %"
    assert words(running, "trainingState").startswith("Epoch 3, step 120 · ")
    assert words(running, "trainingState").endswith(" left")


def test_points_become_curves_of_every_term(
    qtbot: QtBot, running: TrainingPanel, session: Session, jobs: list[Job]
) -> None:
    for step in (1, 2, 3):
        jobs[0].partial.emit(point(step, -100.0 + step))
    jobs[0].partial.emit(point(3, -95.0, "validation"))
    qtbot.waitUntil(lambda: running.curves.objective.values("total", "validation") == ((3.0,), (-95.0,)))
    assert running.curves.objective.values("total", "train") == ((1.0, 2.0, 3.0), (-99.0, -98.0, -97.0))
    assert running.curves.objective.series() == ["total", "reconstruction", "error"]
    table = running.runs
    assert table.data(table.index(0, runs_model.BEST)) == "−95.00"
    assert table.data(table.index(0, runs_model.STEPS)) == "3"


def test_pause_and_resume_take_turns_on_one_button(running: TrainingPanel, jobs: list[Job]) -> None:
    running.progress.pause_button.click()
    assert jobs[0].state == "paused"
    assert running.progress.pause_button.text() == "Resume"
    assert words(running, "trainingState").startswith("Paused")
    running.progress.pause_button.click()
    assert jobs[0].state == "running"
    assert running.progress.pause_button.text() == "Pause"


def test_stop_keeps_and_cancel_asks(
    running: TrainingPanel, jobs: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([QMessageBox.StandardButton.No, QMessageBox.StandardButton.Yes])
    monkeypatch.setattr(QMessageBox, "question", lambda *_words: next(answers))
    running.progress.cancel_button.click()
    assert jobs[0].wish.value == "run"
    running.progress.stop_button.click()
    assert jobs[0].wish.value == "stop"
    running.progress.cancel_button.click()
    assert jobs[0].wish.value == "cancel"


def test_a_run_that_cannot_start_says_why_in_both_places(
    qtbot: QtBot, running: TrainingPanel, session: Session, jobs: list[Job]
) -> None:
    jobs[0].failed.emit("The corpus holds one clip.", "Add more recordings.", "")
    assert words(running, "newRunProblem") == "The corpus holds one clip. Add more recordings."
    qtbot.waitUntil(lambda: words(running, "trainingState") == "The corpus holds one clip. Add more recordings.")
    assert running.resume_button.isEnabled()


@pytest.fixture
def listed(session: Session, panel: TrainingPanel, qtbot: QtBot, tmp_path: Path) -> TrainingPanel:
    folder = session.context.runs_dir / "old"
    folder.mkdir(parents=True)
    (folder / BEST).write_bytes(b"weights")
    session.runs.records.append(RunRecord(str(folder), "old", "stopped", [point(1, -5.0)], started_at=1.0))
    session.runs.records.append(
        RunRecord("/r/new", "new", "done", [point(1, -4.0), point(2, -3.0)], started_at=2.0)
    )
    session.runs.changed.emit()
    qtbot.waitUntil(lambda: panel.runs.rowCount() == 2)
    panel.choose(1)
    return panel


def test_choosing_a_run_shows_its_curves(listed: TrainingPanel) -> None:
    assert listed.curves.objective.values("total", "train")[1] == (-5.0,)
    listed.choose(0)
    assert listed.curves.objective.values("total", "train")[1] == (-4.0, -3.0)
    assert not listed.progress.bar.isVisible()


def test_a_stopped_run_can_be_resumed_and_a_finished_one_cannot(listed: TrainingPanel, jobs: list[Job]) -> None:
    listed.resume_button.click()
    request = jobs[0].request
    assert isinstance(request, Train)
    assert request.run_dir.endswith("old")
    listed.choose(0)
    assert not listed.resume_button.isEnabled()


def test_the_best_model_of_a_run_can_be_used(
    listed: TrainingPanel, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[str] = []
    monkeypatch.setattr(session.model, "open", lambda path: used.append(str(path)))
    listed.use_button.click()
    assert used == [str(session.context.runs_dir / "old" / BEST)]
    give_model(session, used[0])
    assert not listed.use_button.isEnabled()
    assert listed.use_button.text() == "In use"
    listed.choose(0)
    assert not listed.use_button.isEnabled(), "it has no model"


def test_deleting_a_run_asks_first(
    qtbot: QtBot, listed: TrainingPanel, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([QMessageBox.StandardButton.No, QMessageBox.StandardButton.Yes])
    monkeypatch.setattr(QMessageBox, "question", lambda *_words: next(answers))
    listed.delete_button.click()
    assert len(session.runs.records) == 2
    listed.delete_button.click()
    assert [run.name for run in session.runs.records] == ["new"]
    qtbot.waitUntil(lambda: listed.runs.rowCount() == 1)


def test_a_resumed_run_redraws_what_it_trains_again(qtbot: QtBot, listed: TrainingPanel, session: Session) -> None:
    record = session.runs.records[0]
    record.points = [point(1, -5.0), point(2, -4.0)]
    listed.refresh()
    record.points[1] = point(2, -4.5)
    listed.refresh()
    assert listed.curves.objective.values("total", "train")[1] == (-5.0, -4.5)


def test_the_logarithmic_scale_is_remembered(panel: TrainingPanel, preferences: Preferences) -> None:
    panel.curves.objective.logarithmic.setChecked(True)
    assert preferences.get("training/logarithmic", False) is True
