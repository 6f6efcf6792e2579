"""What to train on and how: the form that becomes a RunSpec."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from pathlib import PurePath

from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication, Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from engine.api import AudioSpec, ClipRef, ModelInfo, ModelSpec, Preset, RunSpec, SpecError, TrainSpec, presets
from studio.domain.clip import Clip
from studio.panels.training.model_size import weights_of
from studio.services import theme
from studio.services.plurals import counted
from studio.session.clips.library import Library
from studio.session.models.model import Model
from studio.widgets.spec_form import SpecForm
from studio.widgets.when_seen import WhenSeen

CUSTOM_CORPUS = ("library", "selection", "folder")
REFRESH_MS = 200  # an import reports recordings by the hundred, and each time all of them are counted
BASIC = ("minutes", "epochs", "learning_rate", "batch_size", "crop_s", "device")
MEGABYTE = 1e6
TITLES = {
    "minutes": QT_TRANSLATE_NOOP("NewRunForm", "Time budget"),
    "epochs": QT_TRANSLATE_NOOP("NewRunForm", "Epochs"),
    "learning_rate": QT_TRANSLATE_NOOP("NewRunForm", "Learning rate"),
    "batch_size": QT_TRANSLATE_NOOP("NewRunForm", "Batch size"),
    "crop_s": QT_TRANSLATE_NOOP("NewRunForm", "Length of a piece"),
    "device": QT_TRANSLATE_NOOP("NewRunForm", "Device"),
    "alpha": QT_TRANSLATE_NOOP("NewRunForm", "Weight of content (alpha)"),
    "beta": QT_TRANSLATE_NOOP("NewRunForm", "Weight of emotion (beta)"),
    "gamma": QT_TRANSLATE_NOOP("NewRunForm", "Weight of voice (gamma)"),
    "reduction": QT_TRANSLATE_NOOP("NewRunForm", "Adding up"),
    "reconstruction": QT_TRANSLATE_NOOP("NewRunForm", "Reconstruction error"),
    "schedule": QT_TRANSLATE_NOOP("NewRunForm", "Schedule"),
    "validation_share": QT_TRANSLATE_NOOP("NewRunForm", "Held out"),
    "checkpoint_minutes": QT_TRANSLATE_NOOP("NewRunForm", "Save every"),
    "seed": QT_TRANSLATE_NOOP("NewRunForm", "Seed"),
    "precision": QT_TRANSLATE_NOOP("NewRunForm", "Precision"),
    "compiled": QT_TRANSLATE_NOOP("NewRunForm", "Compile the networks"),
    "threads": QT_TRANSLATE_NOOP("NewRunForm", "CPU threads"),
    "latent": QT_TRANSLATE_NOOP("NewRunForm", "Latent dimensions (h, m, z)"),
    "global_channels": QT_TRANSLATE_NOOP("NewRunForm", "Global network"),
    "medium_channels": QT_TRANSLATE_NOOP("NewRunForm", "Medium network"),
    "local_channels": QT_TRANSLATE_NOOP("NewRunForm", "Local network"),
    "decoder_channels": QT_TRANSLATE_NOOP("NewRunForm", "Decoder"),
    "predictor_m_channels": QT_TRANSLATE_NOOP("NewRunForm", "Predictor of emotion (m)"),
    "predictor_h_channels": QT_TRANSLATE_NOOP("NewRunForm", "Predictor of voice (h)"),
    "predictors_read": QT_TRANSLATE_NOOP("NewRunForm", "Predictors read z’s"),
}


def usable(clips: list[Clip]) -> list[Clip]:
    """The clips a corpus can hold: those whose file was found and could be read."""
    return [clip for clip in clips if clip.state not in ("failed", "missing")]


class NewRunForm(QWidget):
    """Preset, corpus, fine-tuning, name and every setting.

    Signals:
        start_requested(object): a RunSpec that has passed its checks.
    """

    start_requested = Signal(object)

    def __init__(self, library: Library, model: Model, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._library, self._model = library, model
        self._presets: dict[str, Preset] = presets()
        self.setObjectName("newRun")
        titles = {name: QCoreApplication.translate("NewRunForm", str(words)) for name, words in TITLES.items()}
        first = next(iter(self._presets.values()))

        self.preset = QComboBox()
        self.preset.setObjectName("preset")
        self.preset.addItems(list(self._presets))
        self.advice = _dim_label()
        self.corpus = QComboBox()
        self.corpus.setObjectName("corpus")
        for _ in CUSTOM_CORPUS:
            self.corpus.addItem("")
        self.folder = QLineEdit()
        self.folder.setObjectName("corpusFolder")
        self.folder.setPlaceholderText(self.tr("Folder of recordings"))
        self.folder.setAccessibleName(self.tr("Folder of recordings"))
        self.browse = QPushButton(self.tr("Choose…"))
        self._folder_row = QWidget()
        row = QHBoxLayout(self._folder_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.folder, 1)
        row.addWidget(self.browse)
        self.corpus_facts = _dim_label()
        self.fine_tune = QCheckBox()
        self.fine_tune.setObjectName("fineTune")
        self.name = QLineEdit()
        self.name.setObjectName("runName")

        self.settings = SpecForm(
            first.train,
            basic=BASIC,
            titles=titles,
            suggestions={"device": ("auto", "cpu", "cuda", "mps")},
            hidden=("preset",),
        )
        self.sizes = SpecForm(first.model, titles=titles, hidden=("bands", "system", "speakers"))
        self.size_facts = _dim_label()
        self.size_facts.setObjectName("sizeFacts")
        self._sizes_toggle = QPushButton(self.tr("Model sizes…"))
        self._sizes_toggle.setCheckable(True)
        self._sizes_toggle.setObjectName("sizesToggle")
        self.sizes.setVisible(False)
        self.problem = QLabel()
        self.problem.setObjectName("newRunProblem")
        self.problem.setWordWrap(True)
        self.problem.setForegroundRole(theme.ERROR)
        self.problem.hide()
        self.start = QPushButton(self.tr("Start training"))
        self.start.setObjectName("startTraining")
        self.start.setMinimumHeight(32)
        self._lay_out()

        self.preset.currentTextChanged.connect(self._preset_chosen)
        self.corpus.currentIndexChanged.connect(self.refresh)
        self.folder.textChanged.connect(self.refresh)
        self.browse.clicked.connect(self._choose_folder)
        self.fine_tune.toggled.connect(self._fine_tune_toggled)
        self.sizes.changed.connect(self._show_sizes)
        self._sizes_toggle.toggled.connect(self.sizes.setVisible)
        self.start.clicked.connect(self.submit)
        self._soon = WhenSeen(self, REFRESH_MS)
        self._soon.due.connect(self.refresh)
        for change in (
            library.added,
            library.removed,
            library.changed,
            library.selection_changed,
        ):
            change.connect(self._soon.ask)
        model.changed.connect(self._model_changed)
        self._preset_chosen(self.preset.currentText())
        self._model_changed()
        self.propose_name()

    def run_spec(self) -> RunSpec:
        """What the form says.

        Raises:
            SpecError: a setting cannot be used, or there is nothing to train on; its field is marked.
        """
        train, model = self.settings.spec(), self.sizes.spec()
        assert isinstance(train, TrainSpec)
        assert isinstance(model, ModelSpec)
        preset = self._presets[self.preset.currentText()]
        untouched = train == preset.train and model == preset.model
        train = dataclasses.replace(train, preset=preset.name if untouched else "custom")
        parent = self._model.info if self.fine_tune.isChecked() else None
        audio = AudioSpec() if parent is None else AudioSpec.from_dict(parent.audio)
        folders, clips = self._corpus()
        return RunSpec(
            train=train,
            model=model,
            audio=audio,
            folders=folders,
            clips=clips,
            from_model=None if parent is None else parent.path,
            name=self.name.text().strip(),
        )

    def submit(self) -> None:
        """Check everything; ask for the start, or say beside the field what is wrong."""
        try:
            spec = self.run_spec()
        except SpecError as error:
            if error.name in {item.name for item in dataclasses.fields(ModelSpec)}:
                self._sizes_toggle.setChecked(True)
            marked = self.tr("A setting needs a correction; it is marked above.")
            self.show_problem(marked if error.name else f"{error.what} {error.hint}")
            return
        self.show_problem("")
        self.start_requested.emit(spec)

    def show_problem(self, problem: str) -> None:
        """Show above the button what is in the way of a start; "" when nothing is."""
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))

    def propose_name(self) -> None:
        """A fresh name for the next run."""
        self.name.setText(f"{self.preset.currentText()} {datetime.now():%Y-%m-%d %H.%M}")

    def refresh(self, *_: object) -> None:
        """Bring the counts of the corpus up to date."""
        library, selection = self._clips("library"), self._clips("selection")
        self.corpus.setItemText(
            0, counted(len(library), self.tr("Whole library (1 clip)"), self.tr("Whole library ({0} clips)"))
        )
        self.corpus.setItemText(1, self.tr("Selected clips ({0})").format(len(selection)))
        self.corpus.setItemText(2, self.tr("A folder…"))
        kind = CUSTOM_CORPUS[max(0, self.corpus.currentIndex())]
        self._folder_row.setVisible(kind == "folder")
        chosen = {"library": library, "selection": selection}.get(kind)
        self.corpus_facts.setText(
            self.tr("Searched with all its subfolders; LibriSpeech, RAVDESS and OMG layouts are recognised.")
            if chosen is None
            else self._facts(kind, chosen)
        )

    def _clips(self, kind: str) -> list[Clip]:
        clips = self._library.clips
        if kind == "selection":
            return usable([clips[i] for i in self._library.selection if i in clips])
        return usable(list(clips.values()))

    def _corpus(self) -> tuple[tuple[str, ...], tuple[ClipRef, ...]]:
        kind = CUSTOM_CORPUS[self.corpus.currentIndex()]
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

    def _facts(self, kind: str, clips: list[Clip]) -> str:
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
        folder = QFileDialog.getExistingDirectory(self, self.tr("Folder of recordings"), self.folder.text())
        if folder:
            self.folder.setText(folder)

    def _preset_chosen(self, name: str) -> None:
        preset = self._presets[name]
        self.advice.setText(preset.advice)
        self.settings.set_spec(preset.train)
        if not self.fine_tune.isChecked():
            self.sizes.set_spec(preset.model)
        self._show_sizes()

    def _fine_tune_toggled(self, on: bool) -> None:
        model = self._model.info
        if on and model is not None:
            self.sizes.set_spec(ModelSpec.from_dict(model.model))
        else:
            self.sizes.set_spec(self._presets[self.preset.currentText()].model)
        self.sizes.setEnabled(not on)  # a fine-tuned model keeps its sizes
        self._show_sizes()

    def _model_changed(self) -> None:
        model: ModelInfo | None = self._model.info
        self.fine_tune.setEnabled(model is not None)
        if model is None:
            self.fine_tune.setChecked(False)
            self.fine_tune.setText(self.tr("Fine-tune the current model"))
            self.fine_tune.setToolTip(self.tr("There is no model yet: the first run starts from nothing."))
        else:
            self.fine_tune.setText(self.tr("Fine-tune the current model ({0})").format(model_name(model)))
            self.fine_tune.setToolTip(self.tr("Go on from its weights instead of starting from nothing."))
            if self.fine_tune.isChecked():
                self._fine_tune_toggled(True)
        self.refresh()

    def _show_sizes(self) -> None:
        if not self.sizes.is_valid():
            self.size_facts.setText(self.tr("The sizes need a correction."))
            return
        spec = self.sizes.spec()
        assert isinstance(spec, ModelSpec)
        weights = weights_of(spec)
        self.size_facts.setText(
            self.tr("{0} million weights, {1} MB on disk").format(
                f"{weights / 1e6:.2f}", f"{weights * 4 / MEGABYTE:.0f}"
            )
        )

    def _lay_out(self) -> None:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE)
        column.setSpacing(theme.SPACE)
        top = QFormLayout()
        top.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        top.setRowWrapPolicy(QFormLayout.RowWrapPolicy.DontWrapRows)
        for words, field, below in (
            (self.tr("Preset"), self.preset, self.advice),
            (self.tr("Train on"), self.corpus, self._folder_row),
            ("", self.corpus_facts, None),
            ("", self.fine_tune, None),
            (self.tr("Name"), self.name, None),
        ):
            label = QLabel(words)
            label.setBuddy(field)
            if words:
                field.setAccessibleName(words)
            top.addRow(label, field)
            if below is not None:
                top.addRow("", below)
        column.addLayout(top)
        column.addWidget(_rule())
        column.addWidget(self.settings)
        column.addWidget(_rule())
        sizes = QHBoxLayout()
        sizes.addWidget(self.size_facts, 1)
        sizes.addWidget(self._sizes_toggle)
        column.addLayout(sizes)
        column.addWidget(self.sizes)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidget(page)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        foot = QVBoxLayout()
        foot.setContentsMargins(theme.SPACE, 0, theme.SPACE, theme.SPACE)
        foot.addWidget(self.problem)
        foot.addWidget(self.start)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(theme.SPACE)
        outer.addWidget(scroll, 1)
        outer.addLayout(foot)


def model_name(model: ModelInfo) -> str:
    """A model's name for people: its run's folder or its file."""
    path = PurePath(model.path)
    stem = path.name.removesuffix(".safetensors").removesuffix(".triptych")
    return f"{path.parent.name} · {stem}" if stem in ("best", "last") else stem


def _dim_label() -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    return label


def _rule() -> QFrame:
    line = QFrame()
    line.setFrameShape(QFrame.Shape.HLine)
    line.setForegroundRole(QPalette.ColorRole.Mid)
    return line
