"""The session: everything the user can do, as parts of one subject each."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject

from studio.engine_link.engine_link import EngineLink
from studio.services.messages import Messages
from studio.session.clips.imports import Imports
from studio.session.clips.library import Library
from studio.session.clips.listening import Listening
from studio.session.clips.missing import MissingFiles
from studio.session.context import Context
from studio.session.models.exports import Exports
from studio.session.models.maps import Maps
from studio.session.models.model import Model
from studio.session.models.probes import Probes
from studio.session.project import OpenProject
from studio.session.storage import ProjectStorage
from studio.session.training.auditions import Auditions
from studio.session.training.checkpoint_listening import CheckpointListening
from studio.session.training.training_runs import Runs
from studio.session.transfers.batch import Batch
from studio.session.transfers.morphs import Morphs
from studio.session.transfers.rendering import Rendering
from studio.session.transfers.second_edits import SecondEdits
from studio.session.transfers.take_recipes import TakeRecipes
from studio.session.transfers.takes import Takes
from studio.session.transfers.transfer import TransferDesk


class Session(QObject):
    """The one owner of the open project's state; panels show it and ask its parts.

    A part is given what it needs of those built before it, so they are built in this order.

    Args: see Context.
    """

    def __init__(
        self, link: EngineLink, data_dir: Path, messages: Messages | None = None, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.context = context = Context(link, data_dir, messages, self)
        self.link = link
        self.messages = context.messages
        self.undo = context.undo
        self.library = Library(context)
        self.imports = Imports(context, self.library)
        self.missing = MissingFiles(context, self.library)
        self.listening = Listening(context, self.library)
        self.model = Model(context, self.library)
        self.maps = Maps(context, self.library, self.model)
        self.probes = Probes(context, self.library, self.model)
        self.exports = Exports(context, self.library, self.model, self.maps)
        self.takes = Takes(context, self.library)
        self.transfer = TransferDesk(context, self.library)
        self.second_edits = SecondEdits(context, self.library, self.transfer)
        self.morphs = Morphs(context, self.library, self.model, self.transfer)
        self.rendering = Rendering(context, self.library, self.model, self.takes, self.transfer)
        self.batch = Batch(context, self.library, self.model, self.takes, self.transfer, self.rendering)
        self.recipes = TakeRecipes(
            context, self.library, self.imports, self.model, self.takes, self.transfer, self.rendering
        )
        self.runs = Runs(context, self.model)
        self.auditions = Auditions(context, self.library, self.takes, self.rendering, self.recipes, self.runs)
        self.checkpoints = CheckpointListening(context, self.library, self.runs, self.auditions)
        self.storage = ProjectStorage(context, self.takes)
        kept = (
            self.library,
            self.takes,
            self.transfer,
            self.second_edits,
            self.rendering,
            self.batch,
            self.recipes,
            self.runs,
            self.auditions,
            self.checkpoints,
            self.probes,
            self.maps,
            self.model,
            self.missing,
        )
        self.project = OpenProject(context, kept, self.library, self.takes, self.runs, self.auditions)
