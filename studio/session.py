"""The one owner of the open project's state. What the user does is one short method; panels show and ask."""

from __future__ import annotations

from studio.corpus_actions import CorpusActions
from studio.domain.clip import Clip
from studio.domain.run_record import RunRecord
from studio.domain.transfer_setup import EmotionChip, TransferSetup, VoiceChip
from studio.export_actions import ExportActions
from studio.listen_actions import ListenActions
from studio.map_actions import joined
from studio.probe_actions import ProbeActions
from studio.project_actions import ProjectActions

__all__ = ["Clip", "EmotionChip", "RunRecord", "Session", "TransferSetup", "VoiceChip", "joined"]


class Session(ProjectActions, CorpusActions, ExportActions, ListenActions, ProbeActions):
    """Everything the user can do: the project, its recordings, models, maps, transfers, runs, probes, exports.

    Args: see SessionState.
    """
