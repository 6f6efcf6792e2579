"""Give a clip the h or m of others, hear it, and measure it beside the honest control.

The local network reads the source again with the given h and m, and the decoder rebuilds the mel from that z
(the paper's figure 3). The control is the same road with the source's own h and m, so that what the model and
the vocoder do to any sound is not mistaken for an effect of the transfer. One thing differs: the control keeps
the pitch level and mean spectrum measured on the source, while given latents must tell theirs, not without error;
tests.bench.transfer_quality measures that error by giving a source its own latents.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from engine import audio, devices, edit_evidence, loudness, pitch, recipe_tag, seconds, views, vocoder
from engine import evidence as measure
from engine.analysis import load_model, store_sound
from engine.api import Evidence, LatentRef, Progress, Report, Steer, StoredClip, Take, Transfer
from engine.checkpoint import Checkpoint
from engine.errors import EngineError, SpecError
from engine.mel import MelFrontEnd
from engine.placing import cannot_write
from engine.steering import obey
from engine.views import Levels

STRONGEST = 1.5
CHUNK_WINDOWS = 60  # rendered at a time: a minute
OVERLAP_FRAMES = 16  # between vocoded chunks, cross-faded: a quarter of a second
ITERATIONS = 32
FULL_SCALE = 0.99
SAME_PITCH = 0.01  # natural log: a sixth of a semitone

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Rendering:
    """One sound made by the model. heard: (frames, bands), mel of the sound itself."""

    samples: Floats  # at the source's level
    heard: torch.Tensor
    f0: Floats


def render(request: Transfer, report: Report, steer: Steer) -> Take:
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
    source = StoredClip(request.source)
    clip = source.meta()
    givers = (*request.voice, *request.emotion, *(ref for edit in request.edits for ref in edit.givers))
    for folder in {request.source, *(ref.folder for ref in givers)}:
        _same_model(StoredClip(folder), model)

    own_h, own_m = _array(source, "h"), _array(source, "m")
    h = _towards(own_h, _mean_h(request.voice), request.strength) if request.voice else own_h
    strength_m = request.strength if request.strength_m is None else request.strength_m
    given = seconds.given_m(
        source, request.emotion, strength_m, request.rule, request.edits, model.model.spec.window_frames
    )
    report(Progress(0.1, "Reading the source"))
    studio = _Studio(model, source, device, steer)
    control = studio.render(own_h, own_m, request.vocoder, keep_h=1.0, keep_m=1.0)
    report(Progress(0.5, "Rendering the transfer"))
    obey(steer)
    keep_h = max(0.0, 1.0 - request.strength) if request.voice else 1.0
    result = studio.render(h, given.m, request.vocoder, keep_h=keep_h, keep_m=torch.from_numpy(given.kept))
    report(Progress(0.9, "Measuring"))
    obey(steer)

    target_h = _mean_h(request.voice) if request.voice else None
    target_hz = _mean_pitch(request.voice or request.emotion)
    judge = _Judge(studio, own_h, target_h, clip.f0_median_hz, target_hz)
    out = Path(request.out_dir)
    rate = model.audio.rate_hz
    original = np.array(source.array("audio"), np.float32)
    files = {
        "original": (out / f"{request.name}.original.wav", original),
        "control": (out / f"{request.name}.control.wav", control.samples),
        "transformed": (out / f"{request.name}.wav", result.samples),
    }
    sounds = {name: _within_scale(samples) for name, (_, samples) in files.items()}
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, (path, _) in files.items():
            audio.write(path, sounds[name], rate, recipe_tag.tags(_recipe(request, model), request.recipe, ".wav"))
        folders = {name: out / f"{request.name}.{name}" for name in ("control", "transformed")}
        for name, rendering in (("control", control), ("transformed", result)):
            folders[name].mkdir(exist_ok=True)
            np.save(folders[name] / "mel.npy", rendering.heard.cpu().numpy().astype(np.float16))
            np.save(folders[name] / "f0.npy", rendering.f0)
            store_sound(folders[name], sounds[name])
            about = dataclasses.replace(
                clip,
                clip_id=f"{request.name}.{name}",
                folder=str(folders[name]),
                f0_median_hz=pitch.median_hz(rendering.f0),
                source_key="",
            )
            (folders[name] / "meta.json").write_text(json.dumps(dataclasses.asdict(about), indent=1), "utf-8")
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
        control_evidence=judge.evidence(control),
        evidence=judge.evidence(result),
        model_hash=model.hash,
        seconds=time.monotonic() - began,
        transformed_folder=str(folders["transformed"]),
        control_folder=str(folders["control"]),
        loudness_lufs=loudness.loudnesses(sounds, rate),
        strength_m=request.strength_m,
        emotion_rule=request.rule,
        edits=request.edits,
        difference_db=edit_evidence.difference_db(result.heard.numpy(), control.heard.numpy()),
        edited=edit_evidence.of_edited(
            given.edited,
            model.model.spec.window_frames,
            np.array(source.array("f0")),
            (control.heard.numpy(), control.f0),
            (result.heard.numpy(), result.f0),
        ),
    )


class _Studio:
    """Renders one source clip with any h and m."""

    def __init__(self, model: Checkpoint, source: StoredClip, device: torch.device, steer: Steer) -> None:
        self.model = model
        self.spec = model.audio
        self.front_end = MelFrontEnd(self.spec)
        self.source_mel = torch.from_numpy(np.array(source.array("mel"), np.float32))
        self._device = device
        self._steer = steer
        self._views = self._hear(self.source_mel, np.array(source.array("f0")))
        self._own = (_array(source, "h"), _array(source, "m"))
        self._gain = audio.amplitude(source.meta().gain_db)
        self._level = measure.level_dbfs(source.array("audio"))
        self._wave = torch.from_numpy(np.array(source.array("audio"), np.float32) * self._gain)

    @torch.no_grad()
    def render(
        self, h: Floats, m: Floats, vocoder_name: str, *, keep_h: float, keep_m: float | torch.Tensor
    ) -> Rendering:
        """The source with h (latent,) and m (seconds, latent), as a sound of the source's length and loudness.

        keep_h, keep_m: how much is kept of what the source's own h and m do not tell of its levels; see `_levels`.
        keep_m may be one number for all or (seconds,).
        """
        mel = self._decode(torch.from_numpy(h).to(self._device), torch.from_numpy(m).to(self._device))
        repitched = False
        if self._views.levels is not None:
            levels = self._levels(h, m, self._views.levels, keep_h, keep_m)
            repitched = _pitch_moves(levels, self._views.levels)
            network = self.model.model
            restored = views.restore(mel[None].to(self._device), levels, network.spec, self.spec, network.band_mean)
            mel = restored[0].cpu()
        wave = self._sound(mel, vocoder_name, lend_phase=not repitched).numpy()
        change_db = self._level - measure.level_dbfs(wave)
        samples = (wave * 10 ** (change_db / 20)).astype(np.float32)
        # Measured on the sound, at the level that the networks know.
        normal = samples * self._gain
        return Rendering(
            samples,
            self.front_end.log_mel(torch.from_numpy(normal)),
            pitch.track(samples, self.spec.rate_hz, self.spec),
        )

    @torch.no_grad()
    def encode_h(self, rendering: Rendering) -> Floats:
        """What the model's own q(h|x) reads in a rendering."""
        network = self.model.model
        seen = self._hear(rendering.heard, rendering.f0)
        h: Floats = network.posterior_h(network.scaled(seen.clip)).mean[0].float().cpu().numpy()
        return h

    def _hear(self, mel: torch.Tensor, f0: Floats) -> views.Views:
        """What the networks hear of a whole clip: mel (frames, bands), f0 (frames,)."""
        network = self.model.model
        return views.for_analysis(
            mel[None].to(self._device),
            torch.from_numpy(f0)[None].to(self._device),
            network.spec,
            self.spec,
            network.band_mean,
        )

    def _levels(
        self, h: Floats, m: Floats, measured: Levels, keep_h: float, keep_m: float | torch.Tensor
    ) -> Levels:
        """The slow part as the given h and m tell it.

        What is measured on the source differs a little from what its own h and m tell; this remainder belongs to
        the source, and fades as others' latents take its place. With its own latents it keeps its own levels.
        """
        network = self.model.model

        def told_by(h: Floats, m: Floats) -> Levels:
            of_h, of_m = (torch.from_numpy(x)[None].to(self._device) for x in (h, m))
            told = network.read_levels(of_h, of_m)
            assert told is not None  # there are levels only where there are heads to read them
            return told

        if isinstance(keep_m, torch.Tensor):
            keep_m = keep_m.to(self._device)
        told, own = told_by(h, m), told_by(*self._own)
        return Levels(
            told.pitch + keep_h * (measured.pitch - own.pitch),
            told.spectrum + keep_h * (measured.spectrum - own.spectrum),
            told.second_pitch + keep_m * (measured.second_pitch - own.second_pitch),
            measured.voiced,
        )

    def _decode(self, h: torch.Tensor, m: torch.Tensor) -> torch.Tensor:
        """(frames, bands) log-mel of q(z|h,m,x) and p(x|z), a minute at a time."""
        network = self.model.model
        window, frames = network.spec.window_frames, len(self.source_mel)
        reach = network.local_trunk.reach + network.decoder_trunk.reach
        context = -(-reach // window) * window
        pieces = []
        for start in range(0, frames, CHUNK_WINDOWS * window):
            obey(self._steer)
            stop = min(frames, start + CHUNK_WINDOWS * window)
            left, right = max(0, start - context), min(frames, stop + context)
            seen = network.scaled(self._views.frame[:, left:right])
            z = network.posterior_z(seen, h[None], m[None, left // window : -(-right // window)]).mean
            pieces.append(network.decode(z)[0, start - left : stop - left].cpu())
        return torch.cat(pieces)

    def _sound(self, mel: torch.Tensor, name: str, *, lend_phase: bool) -> torch.Tensor:
        """The wave of a mel, vocoded in chunks that are cross-faded.

        lend_phase: begin from the source's phase, which fits as long as its harmonics stay where they are.
        """
        hop, samples = self.spec.hop_samples, len(self._wave)
        size = CHUNK_WINDOWS * self.model.model.spec.window_frames
        wave = torch.zeros(samples)
        start = 0
        while start < len(mel):
            obey(self._steer)
            stop = len(mel) if start + size + OVERLAP_FRAMES >= len(mel) else start + size
            first, last = start * hop, min(samples, stop * hop)
            piece = vocoder.synthesise(
                mel[start:stop],
                self.spec,
                samples=last - first,
                name=name,
                iterations=ITERATIONS,
                phase_of=self._wave[first:last] if lend_phase else None,
            )
            if start:
                fade = torch.linspace(0.0, 1.0, OVERLAP_FRAMES * hop)
                piece[: len(fade)] *= fade
                wave[first : first + len(fade)] *= 1.0 - fade
                wave[first + len(fade) : last] = 0.0
                wave[first:last] += piece
            else:
                wave[first:last] = piece
            start = stop if stop == len(mel) else stop - OVERLAP_FRAMES
        return wave


@dataclass(frozen=True)
class _Judge:
    """Measures renderings of one source against it and against the target."""

    studio: _Studio
    source_h: Floats
    target_h: Floats | None
    source_hz: float | None
    target_hz: float | None

    def evidence(self, rendering: Rendering) -> Evidence:
        heard_hz = pitch.median_hz(rendering.f0)
        h = self.studio.encode_h(rendering)
        return Evidence(
            f0_median_hz=heard_hz,
            f0_shift_semitones=measure.semitones(self.source_hz, heard_hz),
            f0_share=measure.share_of_distance(self.source_hz, self.target_hz, heard_hz),
            h_cosine_source=measure.cosine(h, self.source_h),
            h_cosine_target=None if self.target_h is None else measure.cosine(h, self.target_h),
            content_distance_db=measure.content_distance_db(
                rendering.heard.numpy(), self.studio.source_mel.numpy()
            ),
            level_dbfs=measure.level_dbfs(rendering.samples),
        )


def _pitch_moves(levels: Levels, measured: Levels) -> bool:
    """Whether harmonics end up elsewhere than in the source."""
    change = (levels.pitch - measured.pitch)[:, None] + levels.second_pitch - measured.second_pitch
    return bool(change.abs().max() > SAME_PITCH)


def _check(request: Transfer) -> None:
    if not request.voice and not request.emotion and not request.edits:
        raise SpecError("Nothing is given to the clip.", "Give a voice (h), an emotion (m), or both.", "voice")
    for strength in (request.strength, request.strength_m):
        if strength is not None and not 0.0 <= strength <= STRONGEST:
            raise SpecError(
                f"The strength is {strength:g}.", f"It can be 0 (none) to {STRONGEST:g} (150 %).", "strength"
            )
    if request.vocoder not in vocoder.VOCODERS:
        raise SpecError(
            f"There is no vocoder called {request.vocoder!r}.",
            f"Choose one of {', '.join(vocoder.VOCODERS)}.",
            "vocoder",
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


def _within_scale(samples: Floats) -> Floats:
    """Turned down as a whole where it would go beyond full scale: never clipped."""
    peak = float(np.abs(samples).max(initial=0.0))
    return samples if peak <= FULL_SCALE else (samples * (FULL_SCALE / peak)).astype(np.float32)


def _recipe(request: Transfer, model: Checkpoint) -> str:
    """The recipe in one line, for the file's tags: no paths."""
    given = [name for name, refs in (("h", request.voice), ("m", request.emotion or request.edits)) if refs]
    strength = f"{request.strength:g}"
    if request.strength_m is not None:
        strength = f"{strength} (h), {request.strength_m:g} (m)"
    return f"{' and '.join(given)} given, strength {strength}, {request.vocoder}, model {model.hash[:12]}"
