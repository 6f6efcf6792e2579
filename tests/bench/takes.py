"""What the benchmarks of transfer share: clips analysed with a model, and takes of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.analysis import analyse
from engine.api import Analyse, ClipRef, Control, LatentRef, StoredClip, Take, Transfer
from engine.transfer import transfer_job


def analysed(files: Mapping[str, Path], model: str, folder: Path) -> dict[str, StoredClip]:
    """Recordings by name, analysed into folders of these names."""
    refs = tuple(ClipRef(name, str(path)) for name, path in files.items())
    analyse.analyse(Analyse(refs, str(folder), model, "cpu"), lambda event: None, lambda: Control.RUN)
    return {name: StoredClip(str(folder / name)) for name in files}


def latents(*clips: StoredClip) -> tuple[LatentRef, ...]:
    """The mean of these clips' h or m, as a transfer takes it."""
    return tuple(LatentRef(clip.folder) for clip in clips)


def take_of(source: StoredClip, model: str, folder: Path, **what: Any) -> Take:
    """A transfer onto a clip; `what` as in engine.api.Transfer. The one before in this folder is written over."""
    request = Transfer(source.folder, model, str(folder), "take", **what)
    return transfer_job.render(request, lambda event: None, lambda: Control.RUN)
