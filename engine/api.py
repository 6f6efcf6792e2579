"""The door between the engine and whoever uses it: values, requests and events, and nothing heavy.

A request is a frozen dataclass that says what is wanted; `engine.jobs.run` performs it and reports events.
Requests and events cross a pipe between processes, so they hold plain values and paths; arrays stay in .npy
files below the folder that the request names.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from engine.errors import (
    AudioError,
    Cancelled,
    CheckpointError,
    CorpusError,
    EngineError,
    ExportError,
    SpecError,
    TrainingError,
)
from engine.offers import OFFERS, Offer
from engine.specs import SYSTEMS, AudioSpec, ModelSpec, Preset, Spec, TrainSpec, presets

__all__ = [
    "AUDIO_SUFFIXES",
    "LABELS",
    "OFFERS",
    "PROBE_TASKS",
    "RENDERINGS",
    "RULES",
    "SYSTEMS",
    "TABLE_SUFFIXES",
    "Analyse",
    "AnalyseDone",
    "AudioError",
    "AudioSpec",
    "CacheState",
    "Cancelled",
    "CareForCache",
    "CheckpointError",
    "ClipAnalysed",
    "ClipFailed",
    "ClipRef",
    "ClipsFound",
    "Control",
    "CorpusError",
    "CorpusGot",
    "DevicesFound",
    "Done",
    "EditedEvidence",
    "EngineError",
    "Event",
    "Evidence",
    "Export",
    "ExportDone",
    "ExportError",
    "ExportProbes",
    "Failed",
    "Figure",
    "FigureDone",
    "FindDevices",
    "FindNearest",
    "FitMap",
    "GetCorpus",
    "Inspect",
    "LatentRef",
    "MapPoints",
    "ModelInfo",
    "ModelSpec",
    "Morph",
    "MorphDone",
    "Neighbours",
    "Note",
    "Offer",
    "Partial",
    "Picture",
    "PictureDone",
    "PlaceOnMap",
    "Preset",
    "PreviewTable",
    "Probe",
    "ProbeCorpus",
    "ProbeDone",
    "ProbeResult",
    "ProbeScore",
    "Progress",
    "ReadRecipes",
    "RecipesRead",
    "Reproduce",
    "ReproduceDone",
    "Request",
    "RunSpec",
    "SaveSound",
    "Scan",
    "ScanDone",
    "SecondEdit",
    "SoundSaved",
    "Spec",
    "SpecError",
    "StoredClip",
    "TableColumns",
    "TablePreview",
    "Take",
    "Train",
    "TrainDone",
    "TrainPoint",
    "TrainSpec",
    "TrainingError",
    "Transfer",
    "presets",
]

AUDIO_SUFFIXES = (
    ".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".aifc", ".au", ".snd", ".caf", ".w64",
    ".rf64", ".m4a", ".mp4", ".aac", ".webm", ".wma",
)  # fmt: skip
TABLE_SUFFIXES = (".csv", ".tsv")
LABELS = ("speaker", "gender", "emotion", "arousal", "valence", "text", "split", "session")  # that the engine reads


# ---------------------------------------------------------------------------------------------- values
@dataclass(frozen=True)
class ClipRef:
    """One recording of the user: an identifier that never changes, its file and what is known of it.

    labels: free text by name; "speaker", "gender", "emotion" are the ones the engine itself reads.
    """

    id: str
    path: str
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StoredClip:
    """What analysis left on disk for one clip, in one folder. Arrays are memory-mapped when read.

    meta.json   everything below in the dataclass ClipAnalysed
    audio.npy   float32 (samples,)        mono at the spec's rate, at the source's own level
    peaks.npy   float32 (blocks, 2)       lowest and highest sample of every 256
    mel.npy     float16 (frames, bands)   log-mel amplitude after level normalisation (natural log)
    f0.npy      float32 (frames,)         Hz, NaN where unvoiced
    h.npy       float32 (latent,)         mean of q(h|x)               only when a model was given
    m.npy       float32 (seconds, latent) mean of q(m|h,x)             only when a model was given
    arousal.npy float32 (seconds,)        read from m, 0 (calm) to 1   only when the model carries such a reading
    valence.npy float32 (seconds,)        read from m, -1 to 1         only when the model carries such a reading
    z.npy       float16 (frames, latent)  mean of q(z|h,m,x)           only when a model was given
    spectrum.npy   float16 (frames, bins) log amplitude re full scale (natural log)   only after a Picture
    spectrum4.npy, spectrum16.npy         its loudest of every 4 and 16 frames        only after a Picture
    intensity.npy  float32 (frames,)      RMS level in dBFS                           only after a Picture
    """

    folder: str

    def array(self, name: str) -> npt.NDArray[Any]:
        """Read one array, memory-mapped, read-only; pickled content is refused."""
        loaded: npt.NDArray[Any] = np.load(Path(self.folder) / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        return loaded

    def has(self, name: str) -> bool:
        return (Path(self.folder) / f"{name}.npy").is_file()

    def meta(self) -> ClipAnalysed:
        values = json.loads((Path(self.folder) / "meta.json").read_text("utf-8"))
        values["notes"] = tuple(values.get("notes", ()))
        return ClipAnalysed(**values)


@dataclass(frozen=True)
class LatentRef:
    """A latent to give: from an analysed clip's folder, one second of it or (None) all of it, with a weight."""

    folder: str
    second: int | None = None
    weight: float = 1.0


# What is rendered: the decoder's mel as a sound, or the source recording changed by what the transfer changes.
RENDERINGS = {
    "model": "What the networks make of the clip, heard through a vocoder: all that the model says, and its blur.",
    "natural": "The recording itself, with the pitch and the spectrum moved as the model says: keeps its detail.",
}
RULES = ("auto", "mean", "tile", "stretch", "nearest")  # how given seconds are laid on others: see engine.seconds


@dataclass(frozen=True)
class SecondEdit:
    """Some seconds of the source take the m of others.

    target: seconds of the source, each once, rising.
    givers: in their order; one that names no second stands for all seconds of its clip.
    weight: 0 = what was there stays, 1 = the given m takes its place, up to 1.5.
    fade_in_s, fade_out_s: the weight rises and falls over so many seconds at the ends of each run of neighbours.
    rule: one of RULES, for givers of another number than the targets.
    """

    target: tuple[int, ...]
    givers: tuple[LatentRef, ...]
    weight: float = 1.0
    fade_in_s: float = 0.0
    fade_out_s: float = 0.0
    rule: str = "stretch"

    def weights(self) -> npt.NDArray[np.float32]:
        """(targets,) how much of the given m each target takes: the weight, less towards faded ends of a run.

        A fade of n seconds is a straight line over n seconds; a second takes its value in the middle of it.
        """
        target = np.asarray(self.target)
        place = np.arange(len(target))
        starts = np.flatnonzero(np.diff(target, prepend=target[0] - 2) != 1)  # of runs of neighbours
        run = np.searchsorted(starts, place, side="right") - 1
        ends = np.append(starts[1:], len(target))
        share = np.ones(len(target))
        if self.fade_in_s:
            share = np.minimum(share, (place - starts[run] + 0.5) / self.fade_in_s)
        if self.fade_out_s:
            share = np.minimum(share, (ends[run] - place - 0.5) / self.fade_out_s)
        return np.asarray(self.weight * share, np.float32)


@dataclass(frozen=True)
class TableColumns:
    """What the columns of a table of labels mean: headings as they stand in the table.

    file: the column that names the recordings. labels: label -> column; see corpus.manifest.Labels for the labels
    that the engine reads.
    """

    file: str
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RunSpec:
    """The truth about a training run: what run_dir/spec.json holds.

    folders: folders (their layout is recognised) and tables of labels; clips: single recordings (with labels).
    from_model: a checkpoint to fine-tune from; model's sizes must then be the checkpoint's own.
    """

    train: TrainSpec
    model: ModelSpec
    audio: AudioSpec = field(default_factory=AudioSpec)
    folders: tuple[str, ...] = ()
    clips: tuple[ClipRef, ...] = ()
    from_model: str | None = None
    name: str = ""

    def write(self, run_dir: str | os.PathLike[str]) -> None:
        """Make run_dir and write spec.json (temporary name, then replace).

        Raises:
            TrainingError: the folder holds a run already, or cannot be written.
        """
        folder = Path(run_dir)
        target = folder / "spec.json"
        if target.exists():
            raise TrainingError(
                f"{folder} holds a training run already.", "Resume that run, or choose an empty folder."
            )
        values = {
            "format": "triptych-run",
            "version": 1,
            "name": self.name or folder.name,
            "train": self.train.to_dict(),
            "model": self.model.to_dict(),
            "audio": self.audio.to_dict(),
            "folders": list(self.folders),
            "clips": [{"id": c.id, "path": c.path, "labels": c.labels} for c in self.clips],
            "from_model": self.from_model,
        }
        try:
            folder.mkdir(parents=True, exist_ok=True)
            temporary = target.with_suffix(".json.tmp")
            temporary.write_text(json.dumps(values, indent=1, ensure_ascii=False), "utf-8")
            os.replace(temporary, target)
        except OSError as error:
            raise TrainingError(
                f"The run folder {folder} cannot be written: {error.strerror or error}.",
                "Choose another folder.",
            ) from error

    @staticmethod
    def read(run_dir: str | os.PathLike[str]) -> RunSpec:
        """Read run_dir/spec.json.

        Raises:
            TrainingError: missing, damaged or from a newer version.
            SpecError: a setting is out of range.
        """
        path = Path(run_dir) / "spec.json"
        try:
            values = json.loads(path.read_text("utf-8"))
            if values["format"] != "triptych-run":
                raise ValueError("not a run")
            if values["version"] > 1:
                raise TrainingError(f"{path} was written by a newer Triptych.", "Update Triptych to resume it.")
            return RunSpec(
                train=TrainSpec.from_dict(values["train"]),
                model=ModelSpec.from_dict(values["model"]),
                audio=AudioSpec.from_dict(values["audio"]),
                folders=tuple(str(f) for f in values["folders"]),
                clips=tuple(
                    ClipRef(str(c["id"]), str(c["path"]), {str(k): str(v) for k, v in c["labels"].items()})
                    for c in values["clips"]
                ),
                from_model=None if values["from_model"] is None else str(values["from_model"]),
                name=str(values["name"]),
            )
        except OSError as error:
            raise TrainingError(
                f"{run_dir} holds no training run.", "Choose a run folder, or start a new run."
            ) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise TrainingError(
                f"{path} is damaged.", "Start a new run; its checkpoints can still be opened."
            ) from error


# ---------------------------------------------------------------------------------------------- requests
@dataclass(frozen=True)
class Analyse:
    """Read clips, compute mel and F0 and, with a model, h, m and z, each into out_dir/<id>.

    Reports a Partial(ClipAnalysed | ClipFailed) per clip; one bad clip never stops the others.
    """

    clips: tuple[ClipRef, ...]
    out_dir: str
    model: str | None = None
    device: str = "auto"


@dataclass(frozen=True)
class Scan:
    """Find the recordings in folders, tables and single files, with the labels that layouts and tables give.

    Reports Partial(ClipsFound) in chunks, so that rows appear while it runs.
    columns: (table, what its columns mean) for tables of which the user said so.
    """

    paths: tuple[str, ...]
    columns: tuple[tuple[str, TableColumns], ...] = ()


@dataclass(frozen=True)
class PreviewTable:
    """Look into a table of labels: what it holds, what its columns mean, and which rows have a recording.

    columns: what the user says they mean; None: guess it from the headings.
    """

    path: str
    columns: TableColumns | None = None


@dataclass(frozen=True)
class GetCorpus:
    """Fetch a part of a corpus into a folder: to/<corpus>/<name>. STOP and CANCEL leave nothing half-done there."""

    offer: Offer
    to: str


@dataclass(frozen=True)
class CareForCache:
    """Say what the cache of computed spectrograms and analyses holds.

    clear: empty it first. limit_bytes: what it may take from now on.
    """

    clear: bool = False
    limit_bytes: int | None = None


@dataclass(frozen=True)
class Inspect:
    """Say what a model file is."""

    model: str


@dataclass(frozen=True)
class FitMap:
    """Lay latents of analysed clips out in the plane: PCA, then t-SNE. Reports Partial(MapPoints) layouts.

    h: one point a clip; m: one a second; z: one a frame, thinned evenly to at most `most_points`.
    go_on: start from the layout last fitted in this worker (stopped, say) if it is of the same clips and settings.
    """

    clips: tuple[tuple[str, str], ...]  # (clip id, analysis folder)
    latent: str = "h"
    perplexity: float = 30.0
    pca: int = 50
    metric: str = "euclidean"
    seed: int = 0
    iterations: int = 500
    most_points: int = 50_000
    go_on: bool = False


@dataclass(frozen=True)
class PlaceOnMap:
    """Place more clips on a map, without moving its points. The result holds the new points only.

    onto: the map; None means the one last fitted in this worker.
    of: (clip id, analysis folder) of the clips on it, so that a worker that did not fit it can place on it too.
    """

    clips: tuple[tuple[str, str], ...]
    latent: str = "h"
    onto: MapPoints | None = None
    of: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class FindNearest:
    """Which latents are nearest to one, or to the weighted mean of several.

    query: in a LatentRef of z, `second` is a frame. It is not among its own neighbours if it is a single latent.
    metric: "euclidean", "cosine" or "manhattan", between the latents themselves.
    z: of all frames at most `most_points` are looked at, evenly chosen.
    """

    clips: tuple[tuple[str, str], ...]  # (clip id, analysis folder)
    query: tuple[LatentRef, ...]
    latent: str = "h"
    count: int = 30
    metric: str = "euclidean"
    most_points: int = 50_000


@dataclass(frozen=True)
class Morph:
    """Give the source one latent after the other, and join the results to one sound: out_dir/{name}.wav.

    steps: for each the latents whose mean is given, as the voice (latent "h") or the manner of speaking ("m").
    """

    source: str  # analysis folder
    model: str
    out_dir: str
    name: str
    steps: tuple[tuple[LatentRef, ...], ...]
    latent: str = "h"
    vocoder: str = "griffin-lim"
    device: str = "auto"


@dataclass(frozen=True)
class Transfer:
    """Give the source clip the h of `voice` and/or the m of `emotion`, and render it beside its control.

    Several LatentRefs are averaged by weight. strength 0 = the source's own latents, 1 = the given ones;
    strength_m is that of `emotion`, None = the same. rule: how the seconds of `emotion` are laid on the source's.
    edits are made after that, one upon the other.
    Writes out_dir/{name}.wav (transformed) and out_dir/{name}.control.wav (reconstruction only).
    """

    source: str  # analysis folder
    model: str
    out_dir: str
    name: str
    voice: tuple[LatentRef, ...] = ()
    emotion: tuple[LatentRef, ...] = ()
    strength: float = 1.0
    vocoder: str = "griffin-lim"
    device: str = "auto"
    strength_m: float | None = None
    rule: str = "auto"
    edits: tuple[SecondEdit, ...] = ()
    rendering: str = "model"  # one of RENDERINGS
    recipe: str = ""  # JSON for the tags of the sound files: what this was made of, in names that outlive folders


@dataclass(frozen=True)
class SaveSound:
    """Write a rendered sound again as WAV (16 bit) or FLAC (24 bit), by the suffix of out.

    words: a line about it for people; recipe: JSON, kept in the file's tags (see engine.recipe_tag).
    """

    sound: str
    out: str
    title: str
    words: str
    recipe: str


@dataclass(frozen=True)
class ReadRecipes:
    """Find the recipes in the tags of sound files."""

    paths: tuple[str, ...]


@dataclass(frozen=True)
class FindDevices:
    """Say which devices can compute here."""


@dataclass(frozen=True)
class Train:
    """Train, or resume if the folder holds a started run. The run folder is the truth."""

    run_dir: str


@dataclass(frozen=True)
class Export:
    """Write latents of analysed clips as CSV, NPZ or Parquet (by suffix), with a .json sidecar.

    latent: h (a row a clip), m (a row a second), z (a row a frame) or all (three files: -h, -m, -z).
    """

    clips: tuple[tuple[ClipRef, str], ...]  # (clip, analysis folder)
    out: str
    latent: str = "h"
    model: str | None = None


@dataclass(frozen=True)
class Figure:
    """Draw a map (points coloured by a label) or a clip's mel spectrogram with matplotlib: PNG, SVG or PDF."""

    out: str
    points: MapPoints | None = None
    colours: tuple[str, ...] = ()  # one label a point
    colour_name: str = ""
    folders: tuple[str, ...] = ()  # analysis folders: one mel panel each
    titles: tuple[str, ...] = ()
    width_cm: float = 16.0
    height_cm: float | None = None  # None = as fits what is drawn
    font: str = ""  # a family of this machine's; "" = the one that comes with matplotlib
    font_pt: float = 8.0


@dataclass(frozen=True)
class Picture:
    """Compute what the folders of stored sounds lack of intensity and, if asked for, of the linear spectrogram."""

    folders: tuple[str, ...]
    spectrum: bool = False


@dataclass(frozen=True)
class ExportProbes:
    """Write what was probed as CSV, LaTeX (.tex) or a figure (PNG, SVG, PDF), by the suffix."""

    results: tuple[ProbeResult, ...]
    out: str
    about: str = ""  # the model and the corpus, in words


@dataclass(frozen=True)
class Reproduce:
    """Run the paper's experiments into the folder out; started again, it goes on where it stopped.

    corpus: folders and tables. size: "small" (under twenty minutes on two cores) or "paper" (its schedule, for a
    graphics card). model: one to take instead of training the first row's. hold_out: speakers never trained on;
    empty: by lot.
    """

    corpus: tuple[str, ...]
    out: str
    size: str = "small"
    model: str | None = None
    hold_out: tuple[str, ...] = ()
    seed: int = 0
    device: str = "auto"


PROBE_TASKS = ("speaker", "verify", "gender", "emotion", "arousal", "valence")


@dataclass(frozen=True)
class ProbeCorpus:
    """Recordings to probe: folders (their layout is recognised), and clips that are analysed already."""

    folders: tuple[str, ...] = ()
    clips: tuple[tuple[ClipRef, str], ...] = ()  # (clip, analysis folder)


@dataclass(frozen=True)
class Probe:
    """Measure what h, m and z tell of speaker, gender and emotion, beside two floors and a shuffled control.

    Reports Partial(ProbeResult) of a task with every further score. STOP keeps the tasks that are done.
    test: another corpus to test on; None: folds of the one, with no speaker on both sides (but for task speaker).
    pieces: classify 4-second pieces as well.
    cache_dir: where the spectrograms of folders are kept; None: in the cache of the program.
    """

    tasks: tuple[str, ...]
    corpus: ProbeCorpus
    model: str
    test: ProbeCorpus | None = None
    latents: tuple[str, ...] = ("h", "m", "z")
    seeds: int = 3
    pieces: bool = True
    cache_dir: str | None = None
    device: str = "auto"


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
)


# ---------------------------------------------------------------------------------------------- events
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
class ClipAnalysed:
    """One clip is analysed; the arrays are in `folder` (see StoredClip)."""

    clip_id: str
    folder: str
    duration_s: float
    source_rate_hz: int
    channels: int
    gain_db: float  # added by level normalisation; subtract it to return to the source's level
    frames: int
    seconds: int  # windows of m
    f0_median_hz: float | None
    model_hash: str | None
    notes: tuple[str, ...] = ()
    audio: dict[str, Any] = field(default_factory=dict)  # AudioSpec.to_dict() of the front end that made mel and f0
    source_key: str = ""  # of the file and the front end: equal keys, equal audio, mel and f0


@dataclass(frozen=True)
class ClipFailed:
    clip_id: str
    path: str
    what: str
    hint: str


@dataclass(frozen=True)
class ClipsFound:
    """Recordings a scan came across: path and labels of each."""

    clips: tuple[tuple[str, dict[str, str]], ...]


@dataclass(frozen=True)
class ScanDone:
    """skipped: (path, why) of every file that looked like a recording and cannot be one.

    unmatched: (table and line, why) of every row of a table that no recording answers to, or that is incomplete.
    """

    found: int
    skipped: tuple[tuple[str, str], ...]
    unmatched: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class CorpusGot:
    """A corpus is in its folder. new: False if it was there already."""

    folder: str
    offer: Offer
    new: bool


@dataclass(frozen=True)
class CacheState:
    """recordings: whose spectrograms are held for training; clips: whole analyses that are held."""

    folder: str
    used_bytes: int
    limit_bytes: int
    recordings: int
    clips: int


@dataclass(frozen=True)
class TablePreview:
    """What a table of labels holds. columns is None, and `trouble` says why, if no column names the recordings.

    rows: the first ones, a cell for every heading. matched: rows that have a recording.
    unmatched: (table and line, why), the first ones; unmatched_rows: how many there are.
    """

    path: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    row_count: int
    columns: TableColumns | None
    matched: int = 0
    unmatched: tuple[tuple[str, str], ...] = ()
    unmatched_rows: int = 0
    trouble: str = ""


@dataclass(frozen=True)
class AnalyseDone:
    clips: int
    failed: int
    audio_s: float
    seconds: float
    device: str


@dataclass(frozen=True)
class MapPoints:
    """A layout. ids[i] and index[i] name point i: index is the second (m) or frame (z), 0 for h."""

    latent: str
    ids: tuple[str, ...]
    index: npt.NDArray[np.int32]  # (points,)
    xy: npt.NDArray[np.float32]  # (points, 2)
    settings: dict[str, Any]  # perplexity, pca, metric, seed, iterations done, model hash
    final: bool = True


@dataclass(frozen=True)
class Neighbours:
    """The nearest first: ids[i] and index[i] name a latent as in MapPoints, distances[i] is how far it is."""

    latent: str
    ids: tuple[str, ...]
    index: tuple[int, ...]
    distances: tuple[float, ...]


@dataclass(frozen=True)
class MorphDone:
    """One sound of several steps.

    starts_s, ends_s: where each step lies in it. f0_hz: its median pitch, None where none is heard.
    """

    name: str
    path: str
    latent: str
    starts_s: tuple[float, ...]
    ends_s: tuple[float, ...]
    f0_hz: tuple[float | None, ...]


@dataclass(frozen=True)
class Evidence:
    """Numbers of one rendering: every one is a measurement of the sound or of the model's reading of it.

    f0_share: (median F0 of this - of source) / (of target - of source), in log frequency; None without a target.
    h_cosine_source/target: cosine of this sound's h to the source's and the target's.
    """

    f0_median_hz: float | None
    f0_shift_semitones: float | None
    f0_share: float | None
    h_cosine_source: float | None
    h_cosine_target: float | None
    content_distance_db: float | None
    level_dbfs: float
    f0_range_semitones: float | None = None  # from the 5th to the 95th percentile of the voiced frames
    tilt_db_per_octave: float | None = None  # slope of the voiced frames' mean spectrum; flatter = more effort
    gender: float | None = None  # posterior of "female", by the model's gender probe on h; None without one
    emotion: dict[str, float] | None = None  # posterior of each emotion, by its probe on m


@dataclass(frozen=True)
class EditedEvidence:
    """What is measured in the edited seconds alone, of which a whole clip's median says little.

    control_shift_semitones, shift_semitones: median F0 there against the source's, over frames voiced in both.
    difference_db: see Take.
    """

    seconds: tuple[int, ...]
    control_shift_semitones: float | None
    shift_semitones: float | None
    difference_db: float | None


@dataclass(frozen=True)
class Take:
    """A finished transfer: three sounds and what can be said of them."""

    name: str
    source: str  # analysis folder
    original: str  # wav
    control: str  # wav: reconstruction only
    transformed: str  # wav
    strength: float
    voice: tuple[LatentRef, ...]
    emotion: tuple[LatentRef, ...]
    rule: str  # how m's seconds were matched where lengths differ
    source_f0_hz: float | None
    target_f0_hz: float | None
    control_evidence: Evidence
    evidence: Evidence
    model_hash: str
    seconds: float
    transformed_folder: str  # of the transformed sound, as in StoredClip: audio, peaks, mel, f0
    control_folder: str
    loudness_lufs: dict[str, float] = field(
        default_factory=dict
    )  # of original, control, transformed; not of silence
    strength_m: float | None = None  # None: strength counts for both
    emotion_rule: str = "auto"  # as it was asked for
    edits: tuple[SecondEdit, ...] = ()
    difference_db: float | None = None  # of the transformed sound's smooth spectrum from the control's
    edited: EditedEvidence | None = None
    rendering: str = "model"


@dataclass(frozen=True)
class TrainPoint:
    """One point of the training curves: split is "train" or "validation", terms by name (see objective)."""

    step: int
    epoch: float
    split: str
    terms: dict[str, float]
    seconds: float  # trained so far


@dataclass(frozen=True)
class TrainDone:
    run_dir: str
    model: str  # the best checkpoint
    last: str
    steps: int
    epochs: float
    seconds: float
    device: str
    terms: dict[str, float]  # the last mean over training batches
    validation: dict[str, float]  # at the best checkpoint
    stopped: bool  # the user stopped it before its planned end


@dataclass(frozen=True)
class ModelInfo:
    path: str
    hash: str
    weights: int
    audio: dict[str, Any]
    model: dict[str, Any]
    train: dict[str, Any]
    provenance: dict[str, Any]


@dataclass(frozen=True)
class ExportDone:
    files: tuple[str, ...]
    rows: int


@dataclass(frozen=True)
class FigureDone:
    file: str


@dataclass(frozen=True)
class SoundSaved:
    file: str
    with_recipe: bool  # whether the recipe fitted into the tags


@dataclass(frozen=True)
class RecipesRead:
    """(path, JSON) of every file that has a recipe."""

    recipes: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class DevicesFound:
    """auto: what "auto" means here, in words; devices: (name, words) of each that can be chosen."""

    auto: str
    devices: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class PictureDone:
    folders: tuple[str, ...]


@dataclass(frozen=True)
class ProbeScore:
    """What one probe told. All but n are shares (0 to 1) or a CCC (-1 to 1); the task's measure says which.

    n: clips tested. low, high: 95 % bootstrap interval (NaN if there is none). shuffled: the same with the training
    labels shuffled: what chance gives. seeds: the score of each. also: other measures by their full name.
    """

    n: int
    score: float
    low: float
    high: float
    shuffled: float
    seeds: tuple[float, ...] = ()
    also: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ProbeResult:
    """One task: scores by what was probed (h, m, z, and the floors mel and mfcc), or why there are none."""

    task: str
    measure: str
    protocol: str
    scores: dict[str, ProbeScore]
    notes: tuple[str, ...] = ()
    failed: str = ""


@dataclass(frozen=True)
class ReproduceDone:
    """page: the report. missing: cells that could not be run, and why."""

    page: str
    files: tuple[str, ...]
    missing: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class ProbeDone:
    results: tuple[ProbeResult, ...]
    model_hash: str
    clips: int
    seconds: float


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
)


@dataclass(frozen=True)
class Partial:
    value: ClipAnalysed | ClipFailed | ClipsFound | MapPoints | TrainPoint | ProbeResult


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


class Steer(Protocol):
    """Returns at once what the user wants now."""

    def __call__(self) -> Control: ...
