"""Giving a recording the latents of others: transfers, morphs, and the recipes that sound files carry."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

# What makes a mel audible (engine.audio.vocoders.registry has the makers). A model names its own.
VOCODERS = {
    "griffin-lim": "Griffin-Lim finds a phase that fits. It needs no training and works for any voice.",
    "refined": "A network first sharpens what the model blurs, then Griffin-Lim finds a phase that fits.",
}
OWN_VOCODER = "auto"  # asks for the one that the model names
FIRST_VOCODER = "griffin-lim"  # of models and takes that name none: there was no other

# What is rendered: the decoder's mel as a sound, or the source recording changed by what the transfer changes.
RENDERINGS = {
    "model": "What the networks make of the clip, heard through a vocoder: all that the model says, and its blur.",
    "natural": "The recording itself, with the pitch and the spectrum moved as the model says: keeps its detail.",
}
RULES = ("auto", "mean", "tile", "stretch", "nearest")  # how given seconds are laid on others (engine.transfer)


@dataclass(frozen=True)
class LatentRef:
    """A latent to give: from an analysed clip's folder, one second of it or (None) all of it, with a weight."""

    folder: str
    second: int | None = None
    weight: float = 1.0


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
    vocoder: str = OWN_VOCODER  # or one of VOCODERS
    device: str = "auto"
    strength_m: float | None = None
    rule: str = "auto"
    edits: tuple[SecondEdit, ...] = ()
    rendering: str = "model"  # one of RENDERINGS
    recipe: str = ""  # JSON for the tags of the sound files: what this was made of, in names that outlive folders


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
    vocoder: str = FIRST_VOCODER

    def request(self, model: str, out_dir: str, name: str) -> Transfer:
        """What makes the same sound once more, with the model of `model_hash`."""
        return Transfer(
            self.source,
            model,
            out_dir,
            name,
            self.voice,
            self.emotion,
            self.strength,
            self.vocoder,
            strength_m=self.strength_m,
            rule=self.emotion_rule,
            edits=self.edits,
            rendering=self.rendering,
        )


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
    vocoder: str = OWN_VOCODER  # or one of VOCODERS
    device: str = "auto"


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
class SaveSound:
    """Write a rendered sound again as WAV (16 bit) or FLAC (24 bit), by the suffix of out.

    words: a line about it for people; recipe: JSON, kept in the file's tags (see engine.audio.tags).
    """

    sound: str
    out: str
    title: str
    words: str
    recipe: str


@dataclass(frozen=True)
class SoundSaved:
    file: str
    with_recipe: bool  # whether the recipe fitted into the tags


@dataclass(frozen=True)
class ReadRecipes:
    """Find the recipes in the tags of sound files."""

    paths: tuple[str, ...]


@dataclass(frozen=True)
class RecipesRead:
    """(path, JSON) of every file that has a recipe."""

    recipes: tuple[tuple[str, str], ...]
