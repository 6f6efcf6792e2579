"""What the user does to see and hear."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.api import Picture
from studio.engine_link import Job
from studio.session_state import SessionState


class ListenActions(SessionState):
    """Pictures of stored sounds."""

    def draw_picture(self, folders: Sequence[str], *, spectrum: bool) -> Job:
        """Compute intensity and, if asked for, the linear spectrum of stored sounds; what is there is kept.

        A newer request takes the place of an older one: only what is looked at counts.
        """
        name = Path(folders[0]).name
        clip = self.clips.get(name)
        return self.link.submit(
            Picture(tuple(folders), spectrum),
            title=self.tr("Draw {0}").format(clip.name if clip else name),
            latest_key="picture",
        )
