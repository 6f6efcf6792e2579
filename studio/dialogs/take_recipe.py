"""What a take was made of: its recipe in words, where it comes from, and the command that makes it again."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase, QGuiApplication, QPalette
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

from engine.api import Take
from studio.domain import evidence
from studio.domain.recipes import Edit, references_words, strength_words
from studio.services import theme
from studio.services.messages import Messages
from studio.session.transfers.take_recipes import TakeRecipes


class TakeRecipe(QDialog):
    """Not modal: another take can be looked at beside it."""

    def __init__(self, recipes: TakeRecipes, messages: Messages, take: Take, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._recipes, self._messages = recipes, messages
        self._take = take
        self.setObjectName("takeRecipe")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Recipe of {0}").format(take.name))
        recipe = self.recipe = recipes.of(take)
        dash = evidence.DASH
        model = recipe.model or self.tr("another model than the one in use")
        sound = f"{take.rendering} · {take.vocoder}" if take.rendering == "model" else take.rendering
        edits = "\n".join(self._edit_words(edit) for edit in recipe.edits)
        form = QFormLayout()
        form.setHorizontalSpacing(theme.LARGE)
        form.setVerticalSpacing(theme.SPACE)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for title, words in (
            (self.tr("Source"), recipe.source.name),
            (self.tr("Voice (h)"), references_words(recipe.voice, most=6) or dash),
            (self.tr("Emotion (m)"), references_words(recipe.emotion, most=6) or dash),
            (self.tr("Single seconds"), edits or dash),
            (self.tr("Strength"), strength_words(recipe)),
            (self.tr("Rule for emotion (m)"), take.rule or dash),
            (self.tr("Sound"), sound),
            (self.tr("Model"), f"{model} · {take.model_hash[:12]}"),
            (self.tr("Lineage"), "\n".join(recipes.lineage_of(take))),
            (self.tr("Result"), evidence.sentence(take)),
        ):
            value = QLabel(words)
            value.setWordWrap(True)
            value.setTextFormat(Qt.TextFormat.PlainText)
            value.setTextInteractionFlags(
                Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
            )
            value.setAccessibleName(f"{title}: {words}")
            name = QLabel(title)
            name.setForegroundRole(QPalette.ColorRole.PlaceholderText)
            name.setAlignment(Qt.AlignmentFlag.AlignTop)
            form.addRow(name, value)
        self.command = QPlainTextEdit()
        self.command.setObjectName("takeCommand")
        self.command.setReadOnly(True)
        self.command.setTabChangesFocus(True)
        self.command.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.command.setAccessibleName(self.tr("The command that makes this take in a terminal"))
        self.command.setFixedHeight(self.fontMetrics().lineSpacing() * 6 + 12)
        line = recipes.command_of(take, say=False)
        self.command.setPlainText(
            line or self.tr("There is none: its model is not in use, or a recording of it is not in the library.")
        )
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        for words, slot, possible in (
            (self.tr("&Copy as command line"), self._copy, line is not None),
            (self.tr("&Render again"), self._again, recipes.model_of(take) is not None),
            (self.tr("&Put on the desk"), self._put, True),
        ):
            button = buttons.addButton(words, QDialogButtonBox.ButtonRole.ActionRole)
            button.clicked.connect(slot)
            button.setEnabled(possible)
        buttons.rejected.connect(self.close)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.LARGE, theme.LARGE, theme.LARGE, theme.SPACE)
        column.setSpacing(theme.SPACE)
        column.addLayout(form)
        column.addWidget(self.command)
        column.addStretch(1)
        column.addWidget(buttons)
        self.setMinimumWidth(640)

    def _edit_words(self, edit: Edit) -> str:
        seconds = ", ".join(str(second) for second in edit.target[:8]) + (" …" if len(edit.target) > 8 else "")
        return self.tr("{0}: from {1}, {2} %, {3}").format(
            seconds, references_words(edit.givers), round(100 * edit.weight), edit.rule
        )

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.command.toPlainText())
        self._messages.say(self.tr("Copied the command that makes “{0}”.").format(self._take.name))

    def _again(self) -> None:
        self._recipes.render_take_again(self._take)

    def _put(self) -> None:
        self._recipes.put_on_desk(self.recipe)
