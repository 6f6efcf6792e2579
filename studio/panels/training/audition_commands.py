"""What can be done with the auditions of a run, as data: for the buttons, the menu and the keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from studio.services.actions import Action

if TYPE_CHECKING:
    from studio.panels.training.auditions import AuditionSection


def audition_commands(section: AuditionSection) -> tuple[Action, ...]:
    """The commands of a section."""
    return (
        Action(
            "add_clips",
            _tr("Audition the selected &clips"),
            section.add_clips,
            short=_tr("Add clips"),
            tip=_tr("Hear the clips selected in the library as every checkpoint reconstructs them"),
            icon="add",
        ),
        Action(
            "add_desk",
            _tr("Audition the transfer on the &desk"),
            section.add_desk,
            short=_tr("Add transfer"),
            tip=_tr("Hear the transfer that is set up on the desk at every checkpoint"),
            icon="add",
        ),
        Action(
            "remove",
            _tr("Take the chosen a&udition away"),
            section.remove,
            short=_tr("Remove"),
            tip=_tr("Take it off the set; what was rendered of it stays with its run"),
        ),
        Action(
            "render",
            _tr("&Render what the run's checkpoints lack"),
            section.render_missing,
            short=_tr("Render"),
            tip=_tr("Render the audition set with every checkpoint on the list, and probe them"),
        ),
        Action(
            "stop",
            _tr("&Stop rendering auditions"),
            section.stop,
            short=_tr("Stop"),
            tip=_tr("Render no more; what is done stays, and training goes on"),
            icon="stop",
        ),
        Action(
            "play",
            _tr("&Hear the chosen checkpoint"),
            section.play,
            short=_tr("Hear"),
            tip=_tr("Play the chosen audition with the chosen checkpoint"),
            icon="play",
        ),
        Action(
            "before",
            _tr("Checkpoint &before"),
            section.before,
            ",",
            short=_tr("‹ Before"),
            tip=_tr("Go on at the same place with the checkpoint before (,)"),
        ),
        Action(
            "after",
            _tr("Checkpoint &after"),
            section.after,
            ".",
            short=_tr("After ›"),
            tip=_tr("Go on at the same place with the next checkpoint (.)"),
        ),
        Action(
            "use",
            _tr("Use the chosen chec&kpoint"),
            section.use,
            short=_tr("Use this checkpoint"),
            tip=_tr("Make this checkpoint the project's model"),
        ),
    )


def _tr(words: str) -> str:
    return QCoreApplication.translate("AuditionSection", words)
