"""The transport bar: play, loop, place, version, volume."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QSlider, QToolButton, QWidget

from studio.audio.device_menu import DeviceMenu
from studio.audio.player import Player
from studio.plots.timeline import clock_text
from studio.services import theme
from studio.services.actions import Action, Actions
from studio.widgets.choice_button import ChoiceButton

VERSIONS = ("original", "reconstruction", "transformed")


class TransportBar(QWidget):
    """Buttons for a Player. `commands` holds the same actions for a menu.

    The three versions of a take have a button each; whatever else is loaded is named where it is heard.

    Signals:
        volume_changed(float), loop_changed(bool): by the user, to be remembered.
    """

    volume_changed = Signal(float)
    loop_changed = Signal(bool)

    def __init__(self, player: Player, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._player = player
        self._heard_now = self._heard_before = ""
        self.commands = Actions(self, self._commands()).by_id
        self.addActions(list(self.commands.values()))

        self.place = QLabel()
        self.place.setObjectName("place")
        self.place.setAccessibleName(self.tr("Playhead and duration"))
        self.volume = QSlider(Qt.Orientation.Horizontal)
        self.volume.setObjectName("volume")
        self.volume.setRange(0, 100)
        self.volume.setValue(100)
        self.volume.setMinimumWidth(36)
        self.volume.setMaximumWidth(96)
        self.volume.setAccessibleName(self.tr("Volume"))
        self.volume.setToolTip(self.tr("Volume"))
        self.device = QLabel()
        self.device.setObjectName("deviceNote")
        self.device.setVisible(False)

        row = self._row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self._button("play", icon_only=True))
        row.addWidget(self._button("loop", icon_only=True))
        row.addWidget(self.place)
        row.addSpacing(8)
        self._version_buttons = [self._button(name, icon_only=False) for name in VERSIONS]
        for button in self._version_buttons:
            row.addWidget(button)
        self.other = QLabel()
        self.other.setObjectName("otherVersion")
        row.addWidget(self.other)
        row.addStretch(1)
        row.addWidget(self.device)
        self.devices = DeviceMenu(player.output, self)
        self.speaker = QToolButton()
        self.speaker.setObjectName("outputDevice")
        self.speaker.setAutoRaise(True)
        self.speaker.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.speaker.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.speaker.setMenu(self.devices)
        self.speaker.setIcon(theme.icon("volume"))
        self.speaker.setAccessibleName(self.tr("Output device"))
        row.addWidget(self.speaker)
        row.addWidget(self.volume, 1)  # up to its full width, before the gap
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

        player.state_changed.connect(self._show_state)
        player.position_changed.connect(self._show_place)
        player.sound_changed.connect(self._show_sound)
        player.output.note.connect(self._show_note)
        player.output.changed.connect(self._show_output)
        self.volume.valueChanged.connect(self._turn_volume)
        self._show_place(player.position_s)
        self._show_sound(player.sound)
        self._show_state(player.state)
        self._show_output(player.output.name)

    def add_tool(self, action: QAction) -> None:
        """A button for a command of someone else's that belongs beside these, at the right end."""
        button = ChoiceButton(action)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        button.setObjectName(f"{action.objectName()}Button")
        self._row.addWidget(button)

    def next_version(self) -> None:
        """X: original, reconstruction, transformed, and round again."""
        names = self._player.sounds
        if len(names) > 1:
            self._player.switch(names[(names.index(self._player.sound) + 1) % len(names)])

    def last_version(self) -> None:
        """Shift+X: to and fro between the last two."""
        if self._heard_before in self._player.sounds:
            self._player.switch(self._heard_before)

    def set_volume(self, volume: float) -> None:
        self.volume.setValue(round(100 * volume))

    def set_loop(self, loop: bool) -> None:
        self.commands["loop"].setChecked(loop)
        self._player.set_loop(loop)

    def _commands(self) -> tuple[Action, ...]:
        switch = self._player.switch
        on = self.tr("X goes on to the next version, Shift+X back to the last.")
        return (
            Action(
                "play",
                self.tr("&Play or pause"),
                self._player.toggle,
                # Everywhere but where one types: text fields keep the keys they need for themselves.
                Qt.Key.Key_Space,
                tip=self.tr("Play or pause (Space); only the selection, if there is one"),
            ),
            Action(
                "loop",
                self.tr("&Loop"),
                self._toggle_loop,
                "L",
                tip=self.tr("Play again and again (L)"),
                icon="loop",
                checked=False,
            ),
            Action(
                "original",
                self.tr("&Original"),
                partial(switch, "original"),
                "1",
                tip=self.tr("Hear the recording itself (1). {0}").format(on),
                choice="version",
                checked=False,
            ),
            Action(
                "reconstruction",
                self.tr("&Reconstruction only"),
                partial(switch, "reconstruction"),
                "2",
                short=self.tr("Reconstruction"),
                tip=self.tr(
                    "Hear the model's copy with its own voice and emotion (2): the honest control. {0}"
                ).format(on),
                choice="version",
                checked=False,
            ),
            Action(
                "transformed",
                self.tr("&Transformed"),
                partial(switch, "transformed"),
                "3",
                tip=self.tr("Hear the clip with the given voice or emotion (3). {0}").format(on),
                choice="version",
                checked=False,
            ),
            Action("next_version", self.tr("&Next version"), self.next_version, "X"),
            Action("last_version", self.tr("&Version played before"), self.last_version, "Shift+X"),
        )

    def _button(self, name: str, *, icon_only: bool) -> QToolButton:
        button = ChoiceButton(self.commands[name])
        button.setObjectName(name)
        style = Qt.ToolButtonStyle.ToolButtonIconOnly if icon_only else Qt.ToolButtonStyle.ToolButtonTextOnly
        button.setToolButtonStyle(style)
        return button

    def _toggle_loop(self) -> None:
        looping = self.commands["loop"].isChecked()
        self._player.set_loop(looping)
        self.loop_changed.emit(looping)

    def _turn_volume(self, percent: int) -> None:
        # Ears hear ratios: a square law makes the slider feel even.
        self._player.set_volume((percent / 100) ** 2)
        self.volume_changed.emit(percent / 100)

    def _show_state(self, state: str) -> None:
        self.commands["play"].setIcon(theme.icon("pause" if state == "playing" else "play"))

    def _show_place(self, seconds: float) -> None:
        total = self._player.duration_s
        self.place.setText(f"{clock_text(seconds)} / {clock_text(total)}")
        widest = self.fontMetrics().horizontalAdvance(f"{clock_text(total)} / {clock_text(total)}")
        self.place.setMinimumWidth(widest + 4)

    def _show_sound(self, name: str) -> None:
        there = self._player.sounds
        self.commands["play"].setEnabled(bool(there))
        self.commands["loop"].setEnabled(bool(there))
        for command in ("next_version", "last_version"):
            self.commands[command].setEnabled(len(there) > 1)
        if name != self._heard_now:
            self._heard_before, self._heard_now = self._heard_now, name
        others = sum(one not in VERSIONS for one in there)
        self.other.setText("" if name in VERSIONS else name)
        self.other.setVisible(others > 0)
        for version, button in zip(VERSIONS, self._version_buttons, strict=True):
            action = self.commands[version]
            action.setEnabled(version in there)
            button.setVisible(len(there) > 1 and (version in there or others == 0))
            with QSignalBlocker(action):
                action.setChecked(version == name)
            button.setChecked(version == name)
        self._show_place(self._player.position_s)

    def _show_note(self, note: str) -> None:
        silent = self._player.output.is_silent
        self.device.setText(self.tr("No sound") if silent else "")
        self.device.setToolTip(note)
        self.device.setAccessibleDescription(note)
        self.device.setVisible(silent)
        self.volume.setVisible(not silent)  # there is nothing to turn

    def _show_output(self, name: str) -> None:
        self.speaker.setToolTip(
            self.tr("Playing on “{0}”. Click to choose another device.").format(name)
            if name
            else self.tr("Choose the device that plays")
        )
