"""What crosses the pipe to a worker and back: requests, results, the events on the way, and what steers a job."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from engine.api.auditions import Audition, AuditionDone, AuditionSound, CheckpointProbes, KeptCheckpoint
from engine.api.clips import Analyse, AnalyseDone, ClipAnalysed, ClipFailed, Picture, PictureDone
from engine.api.corpora import (
    CacheState,
    CareForCache,
    ClipsFound,
    CorpusGot,
    GetCorpus,
    PreviewTable,
    Scan,
    ScanDone,
    TablePreview,
)
from engine.api.exports import Export, ExportDone, Figure, FigureDone
from engine.api.maps import FindNearest, FitMap, MapPoints, Neighbours, PlaceOnMap
from engine.api.probing import ExportProbes, Probe, ProbeDone, ProbeResult, Reproduce, ReproduceDone
from engine.api.runs import DevicesFound, FindDevices, Inspect, ModelInfo, Train, TrainDone, TrainPoint
from engine.api.transfers import Morph, MorphDone, ReadRecipes, RecipesRead, SaveSound, SoundSaved, Take, Transfer

Request = (
    Analyse
    | Scan
    | PreviewTable
    | GetCorpus
    | CareForCache
    | Inspect
    | FitMap
    | PlaceOnMap
    | Transfer
    | Train
    | Export
    | Figure
    | Picture
    | Probe
    | SaveSound
    | ReadRecipes
    | ExportProbes
    | Reproduce
    | FindNearest
    | Morph
    | FindDevices
    | Audition
)
Result = (
    AnalyseDone
    | ScanDone
    | TablePreview
    | CorpusGot
    | CacheState
    | ModelInfo
    | MapPoints
    | Take
    | TrainDone
    | ExportDone
    | FigureDone
    | PictureDone
    | ProbeDone
    | SoundSaved
    | RecipesRead
    | ReproduceDone
    | Neighbours
    | MorphDone
    | DevicesFound
    | AuditionDone
)


@dataclass(frozen=True)
class Progress:
    """How far a job is. fraction in 0..1, or None when it cannot be known."""

    fraction: float | None
    message: str
    eta_s: float | None = None


@dataclass(frozen=True)
class Note:
    """A sentence the user should read while the job goes on (a skipped file, a halved batch)."""

    what: str
    hint: str = ""


@dataclass(frozen=True)
class Partial:
    value: (
        ClipAnalysed
        | ClipFailed
        | ClipsFound
        | MapPoints
        | TrainPoint
        | ProbeResult
        | KeptCheckpoint
        | AuditionSound
        | CheckpointProbes
    )


@dataclass(frozen=True)
class Done:
    value: Result


@dataclass(frozen=True)
class Failed:
    what: str
    hint: str
    details: str = ""  # traceback or the tail of a log, for "Details"
    cancelled: bool = False


Event = Progress | Note | Partial | Done | Failed


class Control(Enum):
    """What the user wants of a running job. Jobs look between batches."""

    RUN = "run"
    PAUSE = "pause"  # hold still; training frees the GPU meanwhile
    STOP = "stop"  # end early and keep what there is
    CANCEL = "cancel"  # end and raise Cancelled


class Report(Protocol):
    def __call__(self, event: Event) -> None: ...


class ControlSignal(Protocol):
    """Returns at once what the user wants now."""

    def __call__(self) -> Control: ...
