"""Takes side by side: hear each, and see what differs in their recipes and in what was measured."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QScrollArea, QVBoxLayout, QWidget

from engine.api import Take
from studio.domain import evidence
from studio.domain.recipes import Reference, references_words, strength_words
from studio.services import theme
from studio.session.transfers.take_recipes import TakeRecipes
from studio.session.transfers.takes import Takes
from studio.widgets.comparison_table import ComparisonTable


class CompareTakes(QDialog):
    """Not modal: the clip view shows and plays what is asked for here."""

    def __init__(
        self, takes: Takes, recipes: TakeRecipes, compared: Sequence[Take], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._takes, self._recipes = takes, recipes
        self._compared = {take.transformed: take for take in compared}
        self.setObjectName("compareTakes")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Compare takes"))
        star = {True: "★ ", False: ""}
        self.table = ComparisonTable(
            [
                (
                    take.transformed,
                    star[take.transformed in takes.starred] + take.name,
                    self.tr("Play “{0}”").format(take.name),
                )
                for take in compared
            ],
            result_last=False,
            wrapped=True,
        )
        made = [recipes.of(take) for take in compared]
        rows: list[tuple[str, str, list[str]]] = [
            (self.tr("Source"), self.tr("The recording that was changed"), [r.source.name for r in made]),
            (
                self.tr("Voice (h)"),
                self.tr("Whose voice, and how much"),
                [_or_dash(r.voice) for r in made],
            ),
            (
                self.tr("Emotion (m)"),
                self.tr("Whose emotion, and how much"),
                [_or_dash(r.emotion) for r in made],
            ),
            (self.tr("Strength"), self.tr("0 % = its own latents"), [strength_words(r) for r in made]),
        ]
        measured = [evidence.rows(take) for take in compared]
        rows += [
            (row.name, row.why, values)
            for i, row in enumerate(measured[0])
            if set(values := [column[i].transformed for column in measured]) != {evidence.DASH}
        ]
        self.table.set_rows(rows)
        self.table.play_requested.connect(self._play)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setWidget(self.table)
        scroll.setAccessibleName(self.tr("What the takes were made of, and what was measured on them"))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.LARGE, theme.LARGE, theme.LARGE, theme.SPACE)
        column.addWidget(scroll, 1)
        column.addWidget(buttons)
        self.resize(min(1100, 180 + 190 * len(compared)), 480)

    def _play(self, key: str) -> None:
        self._takes.play(self._compared[key], "transformed")


def _or_dash(references: tuple[Reference, ...]) -> str:
    return references_words(references, most=1) or evidence.DASH
