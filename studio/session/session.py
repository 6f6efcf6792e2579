"""The one owner of the open project's state. What the user does is one short method; panels show and ask."""

from __future__ import annotations

from studio.domain.clip import Clip
from studio.domain.run_record import RunRecord
from studio.domain.transfer_setup import EmotionChip, TransferSetup, VoiceChip
from studio.session.corpora import CorpusActions
from studio.session.exports import ExportActions
from studio.session.listening import ListenActions
from studio.session.maps import joined
from studio.session.probes import ProbeActions
from studio.session.project import ProjectActions

__all__ = ["Clip", "EmotionChip", "RunRecord", "Session", "TransferSetup", "VoiceChip", "joined"]


class Session(ProjectActions, CorpusActions, ExportActions, ListenActions, ProbeActions):
    """Everything the user can do: the project, its recordings, models, maps, transfers, runs, probes, exports.

    Args: see SessionState.
    """
