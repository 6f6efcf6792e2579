"""One source clip, rendered with any h and m, in two ways.

    model    the decoder's mel as a sound: what the networks make of the clip, all of it
    natural  the source recording, changed by what lies between the transformed and the control mel

Either way the control goes the same road as the result, with nothing given.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from engine.api import ControlSignal, StoredClip
from engine.audio import f0 as pitch
from engine.audio import files, world
from engine.audio.mel import MelFrontEnd
from engine.audio.vocoders import registry
from engine.model.checkpoint import Checkpoint
from engine.model.timescale import inputs
from engine.model.timescale.attributes import Attributes
from engine.model.timescale.normaliser import SPEECH_NEPERS, VoiceNormaliser
from engine.model.timescale.prosody import pitch_curve
from engine.model.timescale.source_filter import source_filter
from engine.runtime.control import check_control
from engine.transfer import evidence as measure
from engine.transfer import splicing
from engine.transfer.attribute_exchange import Kept, Latents, exchanged_attributes, louder_by

CHUNK_WINDOWS = 60  # rendered at a time: a minute
OVERLAP_FRAMES = 16  # between vocoded chunks, cross-faded: a quarter of a second
SAME_PITCH = 0.01  # natural log: a sixth of a semitone
PAUSE_EDGE_NEPERS = 0.3  # how softly speech and pause are told apart by loudness
PAUSE_EDGE_FRAMES = 9

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Rendering:
    """One sound. heard: (frames, bands), mel of the sound itself, at the level that the networks know."""

    samples: Floats  # at the source's level, or as much louder as m says
    heard: torch.Tensor
    f0: Floats


@dataclass(frozen=True)
class Measured:
    """What is measured of a rendering, whatever it shall resemble; see engine.api.Evidence.

    h: (latent,), m: (seconds, latent): as the model reads it.
    """

    h: Floats
    m: Floats
    f0_median_hz: float | None
    f0_range_semitones: float | None
    content_distance_db: float
    level_dbfs: float
    tilt_db_per_octave: float | None


@dataclass(frozen=True)
class _Decoded:
    """What the networks make of the source: log-mel (frames, bands); for timescale inputs its attributes, too."""

    mel: torch.Tensor
    attributes: Attributes | None


@dataclass(frozen=True)
class _Sound:
    """What was made and the sound of it, before its gain. key: what it was made of."""

    key: tuple[object, ...]
    made: _Decoded
    wave: Floats


@dataclass(frozen=True)
class _Control:
    """gain: by which the sound of the road was multiplied to be as loud as the source."""

    made: _Decoded
    gain: float
    rendering: Rendering
    wave: Floats


@dataclass(frozen=True)
class _Guide:
    """What a vocoder is told beside the mel; see engine.vocoder.Vocoder.

    phase_of: (samples,); f0: (frames,) Hz, NaN where unvoiced.
    """

    phase_of: torch.Tensor
    f0: torch.Tensor


class Studio:
    """Renders one analysed clip with a model; what does not depend on the given latents is computed once."""

    def __init__(self, model: Checkpoint, source: StoredClip, device: torch.device) -> None:
        self.model = model
        self.spec = model.audio
        self.front_end = MelFrontEnd(self.spec)
        self.source_mel = torch.from_numpy(np.array(source.array("mel"), np.float32))
        self.source_f0: Floats = np.array(source.array("f0"), np.float32)
        self._device = device
        self._gain_db = source.meta().gain_db
        self._inputs = self._network_inputs(self.source_mel, self.source_f0)
        self._own = Latents(*(self._tensor(np.array(source.array(name), np.float32)) for name in ("h", "m")))
        self._recording: Floats = np.array(source.array("audio"), np.float32)
        self._level = measure.level_dbfs(self._recording)
        self._fade = OVERLAP_FRAMES * self.spec.hop_samples  # samples
        self._parts: world.Parts | None = None
        self._controls: dict[tuple[str, str], _Control] = {}
        self._unedited: _Sound | None = None  # the last one: edits of seconds are put into it
        self._measured: weakref.WeakKeyDictionary[Rendering, Measured] = weakref.WeakKeyDictionary()

    def control(self, road: str, vocoder_name: str, steer: ControlSignal) -> Rendering:
        """The source with its own h and m, as loud as the source; made at the first call."""
        return self._control(road, vocoder_name, steer).rendering

    @torch.no_grad()
    def render(
        self,
        h: Floats,
        m: Floats,
        kept_h: float,
        kept_m: Floats,
        road: str,
        vocoder_name: str,
        steer: ControlSignal,
        unedited: tuple[Floats, Floats] | None = None,
    ) -> Rendering:
        """The source with h (latent,) and m (seconds, latent), as a sound of the source's length.

        It is as loud as the source unless an m is given: then as much louder as m says. Where single seconds were
        edited, only the frames that they change are made anew, and faded into the sound without the edits: what
        nobody touched stays as it is to the sample.

        Args:
            kept_h, kept_m: how much of the source's own remains in h, and in m (seconds,); 1 = all.
            road: "model" or "natural".
            unedited: m and kept_m without the edits of single seconds; None where there are none.
        """
        control = self._control(road, vocoder_name, steer)
        kept = Kept(kept_h, self._tensor(kept_m))
        made = self._decoded(Latents(self._tensor(h), self._tensor(m)), kept, steer)
        made = _Decoded(self._in_speech(made.mel, control.made.mel), made.attributes)
        wave: Floats | None = None
        before: _Sound | None = None
        if unedited is not None:
            before = self._before_edits(h, kept_h, *unedited, road, vocoder_name, steer)
            wave = self._patched(before, made, control.made, road, vocoder_name, steer)
        if wave is None:
            wave = self._wave(made, control.made, road, vocoder_name, steer)
        gain = control.gain  # so seconds that nobody touched stay as loud as they are in the control
        if kept.h < 1.0:
            whole, levelled, of_whole = made, wave, kept
            if before is not None and unedited is not None:  # or in the sound without the edits
                whole, levelled, of_whole = before.made, before.wave, Kept(kept_h, self._tensor(unedited[1]))
            louder = self._louder_db(whole, of_whole)
            gain = float(files.amplitude(self._level - measure.level_dbfs(levelled) + louder))
        return self._heard(wave * np.float32(gain))

    def decoded(self, steer: ControlSignal) -> torch.Tensor:
        """The control's log-mel (frames, bands), before any vocoder: what the networks make of the source."""
        return self._own_decoded(steer).mel

    def recording(self) -> torch.Tensor:
        """The source (samples,) at the level that the networks know."""
        return self._normal(self._recording)

    @torch.no_grad()
    def read(self, rendering: Rendering) -> tuple[Floats, Floats]:
        """What the model's own q(h|x) and q(m|h,x) read in a rendering: (latent,) and (seconds, latent)."""
        network = self.model.model
        seen = self._network_inputs(rendering.heard, rendering.f0)
        h = network.posterior_h(network.scaled(seen.clip), None, seen.clip_attributes).mean
        m = network.posterior_m(network.scaled(seen.second), h, None, seen.attributes).mean
        return h[0].cpu().numpy(), m[0].cpu().numpy()

    def measured(self, rendering: Rendering) -> Measured:
        """Measured at the first call; so the control is measured once, however many results stand beside it."""
        known = self._measured.get(rendering)
        if known is None:
            h, m = self.read(rendering)
            heard = rendering.heard.numpy()
            known = self._measured[rendering] = Measured(
                h=h,
                m=m,
                f0_median_hz=pitch.median_hz(rendering.f0),
                f0_range_semitones=measure.range_semitones(rendering.f0),
                content_distance_db=measure.content_distance_db(heard, self.source_mel.numpy()),
                level_dbfs=measure.level_dbfs(rendering.samples),
                tilt_db_per_octave=measure.tilt_db_per_octave(heard, rendering.f0, self.spec),
            )
        return known

    # ------------------------------------------------------------------------------------------ what is made
    @torch.no_grad()
    def _control(self, road: str, vocoder_name: str, steer: ControlSignal) -> _Control:
        known = self._controls.get((road, vocoder_name))
        if known is not None:
            return known
        made = self._own_decoded(steer)
        wave = self._wave(made, made, road, vocoder_name, steer)
        gain = float(files.amplitude(self._level - measure.level_dbfs(wave)))
        control = _Control(made, gain, self._heard(wave * np.float32(gain)), wave)
        self._controls[road, vocoder_name] = control
        return control

    @torch.no_grad()
    def _own_decoded(self, steer: ControlSignal) -> _Decoded:
        nothing = Kept(1.0, torch.ones(len(self._own.m), device=self._device))
        return self._decoded(self._own, nothing, steer)

    def _decoded(self, given: Latents, kept: Kept, steer: ControlSignal) -> _Decoded:
        mel, network = self._decode(given, steer), self.model.model
        measured, residual = self._inputs.attributes, self._inputs.residual
        if measured is None or residual is None:
            return _Decoded(mel, None)
        attributes = exchanged_attributes(network, measured, self._own, given, kept, self._tone_db(1.0))
        normaliser = VoiceNormaliser(network.spec, source_filter(self.spec, self._device), network.average)
        restored = normaliser.restore(
            mel[None].to(self._device), attributes, residual, own=measured, residual_gain=kept.residual_gain
        )
        return _Decoded(restored[0].cpu(), attributes)

    def _in_speech(self, mel: torch.Tensor, control: torch.Tensor) -> torch.Tensor:
        """The mel where there is speech, the control's in pauses: a room has no voice, and shall not get one."""
        loudness = self.source_mel.mean(dim=1)
        speech = torch.sigmoid((loudness - loudness.max() + SPEECH_NEPERS) / PAUSE_EDGE_NEPERS)
        smooth = torch.nn.functional.avg_pool1d(
            speech[None], PAUSE_EDGE_FRAMES, 1, PAUSE_EDGE_FRAMES // 2, count_include_pad=False
        )[0]
        return control + smooth[:, None] * (mel - control)

    def _decode(self, given: Latents, steer: ControlSignal) -> torch.Tensor:
        """(frames, bands) log-mel of q(z|h,m,x) and p(x|z), a minute at a time."""
        network = self.model.model
        window, frames = network.spec.window_frames, len(self.source_mel)
        reach = network.local_trunk.reach + network.decoder_trunk.reach
        context = -(-reach // window) * window
        pieces = []
        for start in range(0, frames, CHUNK_WINDOWS * window):
            check_control(steer)
            stop = min(frames, start + CHUNK_WINDOWS * window)
            left, right = max(0, start - context), min(frames, stop + context)
            seen = network.scaled(self._inputs.frame[:, left:right])
            m = given.m[None, left // window : -(-right // window)]
            z = network.posterior_z(seen, given.h[None], m).mean
            pieces.append(network.decode(z)[0, start - left : stop - left].cpu())
        return torch.cat(pieces)

    # ------------------------------------------------------------------------------------------ the two roads
    def _wave(
        self, made: _Decoded, control: _Decoded, road: str, vocoder_name: str, steer: ControlSignal
    ) -> Floats:
        """The sound (samples,) of what was made, at whatever level the road gives."""
        check_control(steer)
        if road == "natural":
            envelope, _ = source_filter(self.spec, torch.device("cpu")).split(made.mel - control.mel)
            return world.put_together(self._taken_apart(), self.spec, self._pitch_moved(made), envelope.numpy())
        return self._vocoded(made, vocoder_name, steer)

    def _before_edits(
        self,
        h: Floats,
        kept_h: float,
        m: Floats,
        kept_m: Floats,
        road: str,
        vocoder_name: str,
        steer: ControlSignal,
    ) -> _Sound:
        """The sound without the edits: the control where nothing else is given, else made once and kept."""
        control = self._control(road, vocoder_name, steer)
        if kept_h == 1.0 and bool((kept_m == 1.0).all()):
            return _Sound((), control.made, control.wave)
        key = (h.tobytes(), m.tobytes(), kept_h, kept_m.tobytes(), road, vocoder_name)
        if self._unedited is None or self._unedited.key != key:
            kept = Kept(kept_h, self._tensor(kept_m))
            made = self._decoded(Latents(self._tensor(h), self._tensor(m)), kept, steer)
            made = _Decoded(self._in_speech(made.mel, control.made.mel), made.attributes)
            self._unedited = _Sound(key, made, self._wave(made, control.made, road, vocoder_name, steer))
        return self._unedited

    def _patched(
        self, before: _Sound, made: _Decoded, control: _Decoded, road: str, vocoder_name: str, steer: ControlSignal
    ) -> Floats | None:
        """The sound before, the frames that differ from it made anew; None where that is nearly all of them."""
        changed, frames = splicing.changed_spans(before.made.mel, made.mel), len(made.mel)
        if not splicing.is_worth_it(changed, frames):
            return None
        spans = [splicing.widened(span, OVERLAP_FRAMES, frames) for span in changed]
        wave = before.wave.copy()
        if spans and road == "natural":
            whole = self._wave(made, control, road, vocoder_name, steer)
            for first, last in map(self._samples_of, spans):
                splicing.lay(wave, whole[first:last], first, self._fade)
        elif spans:
            for first, piece in self._pieces(made, spans, vocoder_name, steer):
                splicing.lay(wave, piece, first, self._fade)
        return wave

    def _guide(self, made: _Decoded) -> _Guide:
        """The phase to begin with is the recording's, re-pitched where harmonics end up elsewhere."""
        moved = self._pitch_moved(made)
        begin, f0 = self._recording, self.source_f0
        if moved is not None and np.isfinite(f0).any():
            begin = world.put_together(self._taken_apart(), self.spec, moved)
            f0 = f0 * np.exp(moved)
        return _Guide(self._normal(begin), torch.from_numpy(f0))

    def _vocoded(self, made: _Decoded, name: str, steer: ControlSignal) -> Floats:
        """The mel as a sound, in chunks that are cross-faded."""
        size = CHUNK_WINDOWS * self.model.model.spec.window_frames
        wave = np.zeros(len(self._recording), np.float32)
        for first, piece in self._pieces(
            made, splicing.overlapping(len(made.mel), size, OVERLAP_FRAMES), name, steer
        ):
            splicing.lay(wave, piece, first, self._fade, open_end=True)
        return wave

    def _pieces(
        self, made: _Decoded, spans: Sequence[tuple[int, int]], name: str, steer: ControlSignal
    ) -> Iterator[tuple[int, Floats]]:
        """Spans of frames as sounds, each with its first sample's place."""
        guide = self._guide(made)
        voice = registry.build(name, self.spec)
        for start, stop in spans:
            check_control(steer)
            first, last = self._samples_of((start, stop))
            piece = voice.synthesise(
                made.mel[start:stop],
                samples=last - first,
                f0=guide.f0[start:stop],
                phase_of=guide.phase_of[first:last],
            )
            yield first, piece.numpy()

    def _samples_of(self, span: tuple[int, int]) -> tuple[int, int]:
        hop = self.spec.hop_samples
        return span[0] * hop, min(span[1] * hop, len(self._recording))

    def _pitch_moved(self, made: _Decoded) -> Floats | None:
        """Natural log (frames,) of the factor from the source's pitch to the made one's; None where none moves."""
        measured, residual, spec = self._inputs.attributes, self._inputs.residual, self.model.model.spec
        if made.attributes is None or measured is None or residual is None:
            return None
        moved = pitch_curve(made.attributes, residual, spec) - pitch_curve(measured, residual, spec)
        curve: Floats = moved[0].cpu().numpy()
        return curve if float(np.abs(curve).max()) > SAME_PITCH else None

    def _taken_apart(self) -> world.Parts:
        if self._parts is None:
            self._parts = world.take_apart(self._recording, self.source_f0, self.spec)
        return self._parts

    # ------------------------------------------------------------------------------------------ how it is heard
    def _heard(self, samples: Floats) -> Rendering:
        return Rendering(
            samples,
            self.front_end.log_mel(self._normal(samples)),
            pitch.track(samples, self.spec.rate_hz, self.spec),
        )

    def _normal(self, samples: Floats) -> torch.Tensor:
        """A sound at the source's level, (n,), at the level that the networks know."""
        return torch.from_numpy(samples * np.float32(files.amplitude(self._gain_db)))

    def _louder_db(self, made: _Decoded, kept: Kept) -> float:
        measured = self._inputs.attributes
        if made.attributes is None or measured is None:
            return 0.0
        return self._tone_db(louder_by(made.attributes, measured, kept))

    def _tone_db(self, tone: float) -> float:
        return float(inputs.tone_decibels(torch.tensor(tone), self.spec))

    def _network_inputs(self, mel: torch.Tensor, f0: Floats) -> inputs.NetworkInputs:
        """The network inputs of a whole clip: mel (frames, bands), f0 (frames,)."""
        network = self.model.model
        return inputs.for_analysis(
            mel[None].to(self._device),
            torch.from_numpy(f0)[None].to(self._device),
            network.spec,
            self.spec,
            network.average,
            self._gain_db,
        )

    def _tensor(self, values: Floats) -> torch.Tensor:
        return torch.from_numpy(values).to(self._device)
