"""One source clip, rendered with any h and m, beside its reconstruction: the same mode, with nothing given."""

from __future__ import annotations

import weakref
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from engine.api import ControlSignal, StoredClip
from engine.audio import f0_tracker, sound_files
from engine.audio.mel import MelFrontEnd
from engine.model.checkpoint import Checkpoint
from engine.transfer import take_evidence
from engine.transfer.clip_decoder import ClipDecoder, Decoded
from engine.transfer.synthesis import Mode, Synthesis

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Rendering:
    """One sound. mel: (frames, bands), of the sound itself, at the level that the networks know."""

    samples: Floats  # at the source's level, or as much louder as m says
    mel: torch.Tensor
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
class _Sound:
    """What was made and the sound of it, before its gain. key: what it was made of."""

    key: tuple[object, ...]
    made: Decoded
    wave: Floats


@dataclass(frozen=True)
class _Reconstruction:
    """gain: by which the sound of the mode was multiplied to be as loud as the source."""

    made: Decoded
    gain: float
    rendering: Rendering
    wave: Floats


class Renderer:
    """Renders one analysed clip with a model; what does not depend on the given latents is computed once."""

    def __init__(self, model: Checkpoint, source: StoredClip, device: torch.device) -> None:
        self.model = model
        self._recording: Floats = np.array(source.array("audio"), np.float32)
        self._level = take_evidence.level_dbfs(self._recording)
        self._front_end = MelFrontEnd(model.audio)
        self.decoder = ClipDecoder(model, source, device)
        self._synthesis = Synthesis(self.decoder, self._recording)
        self._reconstructions: dict[Mode, _Reconstruction] = {}
        self._unedited: _Sound | None = None  # the last one: edits of seconds are put into it
        self._measured: weakref.WeakKeyDictionary[Rendering, Measured] = weakref.WeakKeyDictionary()

    def reconstruction(self, mode: Mode, control: ControlSignal) -> Rendering:
        """The source with its own h and m, as loud as the source; made at the first call."""
        return self._reconstruction(mode, control).rendering

    @torch.no_grad()
    def render(
        self,
        h: Floats,
        m: Floats,
        kept_h: float,
        kept_m: Floats,
        mode: Mode,
        control: ControlSignal,
        unedited: tuple[Floats, Floats] | None = None,
    ) -> Rendering:
        """The source with h (latent,) and m (seconds, latent), as a sound of the source's length.

        It is as loud as the source unless an m is given: then as much louder as m says. Where single seconds were
        edited, only the frames that they change are made anew, and faded into the sound without the edits: what
        nobody touched stays as it is to the sample.

        Args:
            kept_h, kept_m: how much of the source's own remains in h, and in m (seconds,); 1 = all.
            unedited: m and kept_m without the edits of single seconds; None where there are none.
        """
        own = self._reconstruction(mode, control)
        made = self.decoder.with_latents(h, m, kept_h, kept_m, own.made, control)
        wave: Floats | None = None
        before: _Sound | None = None
        if unedited is not None:
            before = self._before_edits(h, kept_h, *unedited, mode, control)
            wave = self._synthesis.patched(before.made, before.wave, made, own.made, mode, control)
        if wave is None:
            wave = self._synthesis.sound(made, own.made, mode, control)
        gain = own.gain  # so seconds that nobody touched stay as loud as they are in the reconstruction
        if kept_h < 1.0:
            whole, levelled, kept = made, wave, kept_m
            if before is not None and unedited is not None:  # or in the sound without the edits
                whole, levelled, kept = before.made, before.wave, unedited[1]
            louder = self.decoder.louder_db(whole, kept_h, kept)
            gain = float(sound_files.amplitude(self._level - take_evidence.level_dbfs(levelled) + louder))
        return self._analysed(wave * np.float32(gain))

    def recording(self) -> torch.Tensor:
        """The source (samples,) at the level that the networks know."""
        return self._synthesis.at_network_level(self._recording)

    def read(self, rendering: Rendering) -> tuple[Floats, Floats]:
        """What the model reads in a rendering: h (latent,) and m (seconds, latent)."""
        return self.decoder.read(rendering.mel, rendering.f0)

    def measured(self, rendering: Rendering) -> Measured:
        """Measured at the first call; so the reconstruction is, however many results stand beside it."""
        known = self._measured.get(rendering)
        if known is None:
            h, m = self.read(rendering)
            mel = rendering.mel.numpy()
            known = self._measured[rendering] = Measured(
                h=h,
                m=m,
                f0_median_hz=f0_tracker.median_hz(rendering.f0),
                f0_range_semitones=take_evidence.range_semitones(rendering.f0),
                content_distance_db=take_evidence.content_distance_db(mel, self.decoder.source_mel.numpy()),
                level_dbfs=take_evidence.level_dbfs(rendering.samples),
                tilt_db_per_octave=take_evidence.tilt_db_per_octave(mel, rendering.f0, self.model.audio),
            )
        return known

    @torch.no_grad()
    def _reconstruction(self, mode: Mode, control: ControlSignal) -> _Reconstruction:
        known = self._reconstructions.get(mode)
        if known is None:
            made = self.decoder.own(control)
            wave = self._synthesis.sound(made, made, mode, control)
            gain = float(sound_files.amplitude(self._level - take_evidence.level_dbfs(wave)))
            known = _Reconstruction(made, gain, self._analysed(wave * np.float32(gain)), wave)
            self._reconstructions[mode] = known
        return known

    def _before_edits(
        self, h: Floats, kept_h: float, m: Floats, kept_m: Floats, mode: Mode, control: ControlSignal
    ) -> _Sound:
        """The sound without the edits: the reconstruction where nothing else is given, else made once and kept."""
        own = self._reconstruction(mode, control)
        if kept_h == 1.0 and bool((kept_m == 1.0).all()):
            return _Sound((), own.made, own.wave)
        key = (h.tobytes(), m.tobytes(), kept_h, kept_m.tobytes(), mode)
        if self._unedited is None or self._unedited.key != key:
            made = self.decoder.with_latents(h, m, kept_h, kept_m, own.made, control)
            self._unedited = _Sound(key, made, self._synthesis.sound(made, own.made, mode, control))
        return self._unedited

    def _analysed(self, samples: Floats) -> Rendering:
        return Rendering(
            samples,
            self._front_end.log_mel(self._synthesis.at_network_level(samples)),
            f0_tracker.track(samples, self.model.audio.rate_hz, self.model.audio),
        )
