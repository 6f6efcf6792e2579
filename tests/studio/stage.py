"""What tests of the session share: a link that never works, recordings as if analysed, takes as if rendered."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from engine.api import FIRST_VOCODER, OWN_VOCODER, AudioSpec, ClipsFound, Evidence, ModelInfo, Take, Transfer
from studio.engine_link.engine_link import EngineLink
from studio.session.session import Session

HASH = "ab" * 32


class Idle(EngineLink):
    """A link whose workers never start: what would be asked of them is kept."""

    def __init__(self, log_dir: Path) -> None:
        super().__init__(log_dir)
        self.idle = True

    def asked(self, kind: type) -> list[Any]:
        return [job for job in self.jobs() if isinstance(job.request, kind) and not job.ended]


def analysed(session: Session, *names: str) -> list[str]:
    """Recordings that were found, analysed and encoded; their folders are there, with nothing in them."""
    session.model.use(ModelInfo("/m/model.safetensors", HASH, 1, AudioSpec().to_dict(), {}, {}, {}))
    before = set(session.library.clips)
    session.library.insert_found([(f"/r/{name}.wav", {"speaker": name[0]}) for name in names])
    ids = [clip_id for clip_id in session.library.clips if clip_id not in before]
    for clip_id in ids:
        clip = session.library.clips[clip_id]
        folder = Path(session.context.analysis_dir) / clip_id
        folder.mkdir(parents=True)
        clip.state, clip.folder, clip.model_hash, clip.duration_s = "ready", str(folder), HASH, 2.0
    return ids


def give(session: Session, *names: str, **values: Any) -> list[str]:
    """Recordings as if they had been found, with these values."""
    before = set(session.library.clips)
    session.library.insert_found([(f"/r/{name}.wav", {"speaker": name[0]}) for name in names])
    ids = [clip_id for clip_id in session.library.clips if clip_id not in before]
    for clip_id in ids:
        for name, value in values.items():
            setattr(session.library.clips[clip_id], name, value)
    return ids


def model_info(hash_: str = HASH) -> ModelInfo:
    """A model as if it had been opened."""
    return ModelInfo("/m/model.safetensors", hash_, 1, AudioSpec().to_dict(), {}, {}, {})


def encoded(session: Session, *names: str) -> list[str]:
    """Recordings as if encoded with it, all in a folder that is not there."""
    session.model.use(model_info())
    return give(session, *names, state="ready", folder="/nowhere", model_hash=HASH)


def found(session: Session, *clips: tuple[str, dict[str, str]]) -> None:
    """What the engine says of files that it came across in a folder the user added."""
    job = session.imports.add_files(["/somewhere"])
    assert job is not None
    job.partial.emit(ClipsFound(clips))


def rendered(request: Transfer, model_hash: str = HASH) -> Take:
    """What the engine would answer to a request of a session with `analysed` recordings; no file is written."""
    sound = f"{request.out_dir}/{request.name}.wav"
    return dataclasses.replace(
        some_take(request.name, sound, request.source),
        voice=request.voice,
        emotion=request.emotion,
        strength=request.strength,
        strength_m=request.strength_m,
        emotion_rule=request.rule,
        edits=request.edits,
        rendering=request.rendering,
        model_hash=model_hash,
        vocoder=FIRST_VOCODER if request.vocoder == OWN_VOCODER else request.vocoder,
    )


def some_take(name: str, transformed: str, source: str = "/nowhere") -> Take:
    none = Evidence(None, None, None, None, None, None, -26.0)
    stem = transformed.removesuffix(".wav")
    return Take(
        name,
        source,
        f"{stem}.original.wav",
        f"{stem}.control.wav",
        transformed,
        1.0,
        (),
        (),
        "",
        None,
        None,
        none,
        none,
        HASH,
        1.0,
        f"{stem}.transformed",
        f"{stem}.control",
    )
