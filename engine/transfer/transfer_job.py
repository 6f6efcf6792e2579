"""Give a clip the h or m of others, hear it, and measure it beside the honest control.

The local network reads the source again with the given h and m, and the decoder rebuilds the mel from that z
(the paper's figure 3). The control is the same road with the source's own h and m, so that what the model and
the vocoder do to any sound is not mistaken for an effect of the transfer. One thing differs: the control keeps
the pitch level and mean spectrum measured on the source, while given latents must tell theirs, not without error;
tests.bench.transfer_quality measures that error by giving a source its own latents.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from engine.analysis.analyse import load_model
from engine.analysis.clip_writer import store_sound
from engine.api import (
    OWN_VOCODER,
    RENDERINGS,
    ClipAnalysed,
    ControlSignal,
    Evidence,
    LatentRef,
    Progress,
    Report,
    StoredClip,
    Take,
    Transfer,
)
from engine.api.atomic_files import cannot_write
from engine.api.errors import EngineError, SpecError
from engine.audio import f0_tracker, loudness, sound_files, tags
from engine.audio.vocoders import registry
from engine.model import linear_heads
from engine.model.checkpoint import Checkpoint
from engine.runtime import devices
from engine.runtime.control import check_control
from engine.runtime.threads import one_thread
from engine.transfer import edit_evidence, second_edits, take_evidence
from engine.transfer.renderer import Renderer, Rendering
from engine.transfer.synthesis import Mode

STRONGEST = 1.5
FULL_SCALE = 0.99
RENDERERS = 3  # sources whose views, control and parts are kept at hand: a moved slider computes nothing twice

Floats = npt.NDArray[np.float32]


@one_thread()
def render(request: Transfer, report: Report, control: ControlSignal) -> Take:
    """Perform a transfer and write original, control and transformed beside each other.

    Raises:
        SpecError: nothing is given, or the strength or vocoder is impossible.
        EngineError: a clip was not analysed with this model. ExportError: the disk refuses.
        Cancelled: the user cancelled, or a newer request took its place.
    """
    began = time.monotonic()
    _check(request)
    device = devices.resolve(request.device)
    model = load_model(request.model, device)
    request = dataclasses.replace(request, vocoder=model.vocoder_for(request.vocoder))
    source = StoredClip(request.source)
    clip = source.meta()
    givers = (*request.voice, *request.emotion, *(ref for edit in request.edits for ref in edit.givers))
    for folder in {request.source, *(ref.folder for ref in givers)}:
        _same_model(StoredClip(folder), model)

    own_h = _array(source, "h")
    h = _towards(own_h, _mean_h(request.voice), request.strength) if request.voice else own_h
    strength_m = request.strength if request.strength_m is None else request.strength_m
    given = second_edits.given_m(
        source, request.emotion, strength_m, request.rule, request.edits, model.model.spec.window_frames
    )
    report(Progress(0.1, "Reading the source"))
    renderer = renderer_of(request.source, _age(source), request.model, model.hash, device)
    mode = Mode(request.rendering, request.vocoder)
    reconstructed = renderer.reconstruction(mode, control)
    report(Progress(0.5, "Rendering the transfer"))
    check_control(control)
    kept_h = max(0.0, 1.0 - request.strength) if request.voice else 1.0
    before = given.unedited if given.edited else None
    result = renderer.render(h, given.m, kept_h, given.kept, mode, control, before)
    report(Progress(0.9, "Measuring"))
    check_control(control)

    target_h = _mean_h(request.voice) if request.voice else None
    target_hz = _mean_pitch(request.voice or request.emotion)
    judge = _Judge(renderer, own_h, target_h, clip.f0_median_hz, target_hz)
    out = Path(request.out_dir)
    rate = model.audio.rate_hz
    original = np.array(source.array("audio"), np.float32)
    files = {
        "original": (out / f"{request.name}.original.wav", original),
        "control": (out / f"{request.name}.control.wav", reconstructed.samples),
        "transformed": (out / f"{request.name}.wav", result.samples),
    }
    sounds = {name: within_scale(samples) for name, (_, samples) in files.items()}
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, (path, _) in files.items():
            sound_files.write(path, sounds[name], rate, tags.tags(_recipe(request, model), request.recipe, ".wav"))
        folders = {name: out / f"{request.name}.{name}" for name in ("control", "transformed")}
        for name, rendering in (("control", reconstructed), ("transformed", result)):
            store(folders[name], rendering, sounds[name], dataclasses.replace(clip, clip_id=folders[name].name))
    except OSError as error:
        raise cannot_write(out, error) from error
    return Take(
        name=request.name,
        source=request.source,
        original=str(files["original"][0]),
        control=str(files["control"][0]),
        transformed=str(files["transformed"][0]),
        strength=request.strength,
        voice=request.voice,
        emotion=request.emotion,
        rule=given.rule,
        source_f0_hz=clip.f0_median_hz,
        target_f0_hz=target_hz,
        control_evidence=judge.evidence(reconstructed),
        evidence=judge.evidence(result),
        model_hash=model.hash,
        seconds=time.monotonic() - began,
        transformed_folder=str(folders["transformed"]),
        control_folder=str(folders["control"]),
        loudness_lufs=loudness.loudnesses(sounds, rate),
        strength_m=request.strength_m,
        emotion_rule=request.rule,
        edits=request.edits,
        difference_db=edit_evidence.difference_db(result.mel.numpy(), reconstructed.mel.numpy()),
        edited=edit_evidence.of_edited(
            given.edited,
            model.model.spec.window_frames,
            np.array(source.array("f0")),
            (reconstructed.mel.numpy(), reconstructed.f0),
            (result.mel.numpy(), result.f0),
        ),
        rendering=request.rendering,
        vocoder=request.vocoder,
    )


def store(folder: Path, rendering: Rendering, samples: Floats, source: ClipAnalysed) -> None:
    """Write a rendering as a stored clip: mel, f0, audio and peaks, with what is known of its source.

    Args:
        samples: the sound as it is written: (n,), within full scale.

    Raises:
        OSError: the disk refuses.
    """
    folder.mkdir(exist_ok=True)
    np.save(folder / "mel.npy", rendering.mel.cpu().numpy().astype(np.float16))
    np.save(folder / "f0.npy", rendering.f0)
    store_sound(folder, samples)
    about = dataclasses.replace(
        source, folder=str(folder), f0_median_hz=f0_tracker.median_hz(rendering.f0), source_key=""
    )
    (folder / "meta.json").write_text(json.dumps(dataclasses.asdict(about), indent=1), "utf-8")


@dataclass(frozen=True)
class _Judge:
    """Measures renderings of one source against it and against the target."""

    renderer: Renderer
    source_h: Floats
    target_h: Floats | None
    source_hz: float | None
    target_hz: float | None

    def evidence(self, rendering: Rendering) -> Evidence:
        found = self.renderer.measured(rendering)
        heard_hz, h = found.f0_median_hz, found.h
        readings = linear_heads.read(self.renderer.model.extra, len(h))
        gender, emotion = readings.get("gender"), readings.get("emotion")
        return Evidence(
            f0_median_hz=heard_hz,
            f0_shift_semitones=take_evidence.semitones(self.source_hz, heard_hz),
            f0_share=take_evidence.share_of_distance(self.source_hz, self.target_hz, heard_hz),
            h_cosine_source=take_evidence.cosine(h, self.source_h),
            h_cosine_target=None if self.target_h is None else take_evidence.cosine(h, self.target_h),
            content_distance_db=found.content_distance_db,
            level_dbfs=found.level_dbfs,
            f0_range_semitones=found.f0_range_semitones,
            tilt_db_per_octave=found.tilt_db_per_octave,
            gender=None if gender is None else gender.posterior(h).get("female"),
            emotion=None if emotion is None else _mean_posterior(emotion, found.m),
        )


def _mean_posterior(reading: linear_heads.Head, seconds_of_m: Floats) -> dict[str, float]:
    return dict(zip(reading.classes, reading.posteriors(seconds_of_m).mean(axis=0).tolist(), strict=True))


@functools.lru_cache(maxsize=RENDERERS)
def renderer_of(folder: str, age_ns: int, model: str, model_hash: str, device: torch.device) -> Renderer:
    """A clip's renderer, kept in memory for the next transfer of it."""
    del age_ns, model_hash  # they tell a clip or a model that was made anew from the one in memory
    return Renderer(load_model(model, device), StoredClip(folder), device)


def _age(clip: StoredClip) -> int:
    return (Path(clip.folder) / "meta.json").stat().st_mtime_ns


def _check(request: Transfer) -> None:
    if not request.voice and not request.emotion and not request.edits:
        raise SpecError("Nothing is given to the clip.", "Give a voice (h), an emotion (m), or both.", "voice")
    for strength in (request.strength, request.strength_m):
        if strength is not None and not 0.0 <= strength <= STRONGEST:
            raise SpecError(
                f"The strength is {strength:g}.", f"It can be 0 (none) to {STRONGEST:g} (150 %).", "strength"
            )
    if request.vocoder != OWN_VOCODER:
        registry.check(request.vocoder)
    if request.rendering not in RENDERINGS:
        raise SpecError(
            f"There is no rendering called {request.rendering!r}.",
            f"Choose one of {', '.join(RENDERINGS)}.",
            "rendering",
        )
    for refs in (request.voice, request.emotion):
        if refs and sum(ref.weight for ref in refs) <= 0:
            raise SpecError(
                "The weights of the given clips add up to nothing.", "Raise at least one weight.", "weight"
            )


def _same_model(clip: StoredClip, model: Checkpoint) -> None:
    try:
        meta = clip.meta()
    except (OSError, ValueError, TypeError) as error:
        raise EngineError("A clip of this transfer is not analysed any more.", "Analyse it again.") from error
    if meta.model_hash != model.hash:
        raise EngineError(
            "A clip of this transfer was analysed by another model.", "Wait until it is analysed by this one."
        )


def _array(clip: StoredClip, name: str) -> Floats:
    return np.array(clip.array(name), np.float32)


def _towards(own: Floats, given: Floats, strength: float) -> Floats:
    """strength 0 = own, 1 = given, beyond = further in the same direction."""
    return (own + strength * (given - own)).astype(np.float32)


def _mean_h(refs: Sequence[LatentRef]) -> Floats:
    """Weighted mean h of several clips, (latent,)."""
    total = sum(ref.weight for ref in refs)
    weighted = [_array(StoredClip(ref.folder), "h") * np.float32(ref.weight / total) for ref in refs]
    mean: Floats = np.asarray(np.sum(weighted, axis=0), np.float32)
    return mean


def _mean_pitch(refs: Sequence[LatentRef]) -> float | None:
    """Weighted mean of the given clips' median pitches, in log frequency; None if one has no pitch."""
    pitches = [(StoredClip(ref.folder).meta().f0_median_hz, ref.weight) for ref in refs]
    total = sum(weight for _, weight in pitches)
    logs = [np.log(hz) * weight / total for hz, weight in pitches if hz]
    return float(np.exp(sum(logs))) if len(logs) == len(pitches) else None


def within_scale(samples: Floats) -> Floats:
    """Turned down as a whole where it would go beyond full scale: never clipped."""
    peak = float(np.abs(samples).max(initial=0.0))
    return samples if peak <= FULL_SCALE else (samples * (FULL_SCALE / peak)).astype(np.float32)


def _recipe(request: Transfer, model: Checkpoint) -> str:
    """The recipe in one line, for the file's tags: no paths."""
    given = [name for name, refs in (("h", request.voice), ("m", request.emotion or request.edits)) if refs]
    strength = f"{request.strength:g}"
    if request.strength_m is not None:
        strength = f"{strength} (h), {request.strength_m:g} (m)"
    mode = request.vocoder if request.rendering == "model" else request.rendering
    return f"{' and '.join(given)} given, strength {strength}, {mode}, model {model.hash[:12]}"
