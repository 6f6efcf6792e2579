"""From a decoded log-mel to a sound of the source's length, in one of two rendering modes.

model    the decoder's mel as a sound, by a vocoder: what the networks make of the clip, all of it
natural  the source recording, changed by WORLD: by what lies between the transformed and the source's own mel
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from engine.api import ControlSignal
from engine.audio import sound_files, world
from engine.audio.vocoders import registry
from engine.model.timescale.source_filter import source_filter
from engine.runtime.control import check_control
from engine.transfer import splicing
from engine.transfer.clip_decoder import CHUNK_WINDOWS, ClipDecoder, Decoded

OVERLAP_FRAMES = 16  # between vocoded chunks, cross-faded: a quarter of a second

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Mode:
    """How a mel becomes a sound. rendering: "model" or "natural"; vocoder: a name, of "model"."""

    rendering: str
    vocoder: str


@dataclass(frozen=True)
class _Guide:
    """What a vocoder is given beside the mel; see vocoders.registry.Vocoder.

    phase_of: (samples,); f0: (frames,) Hz, NaN where unvoiced.
    """

    phase_of: torch.Tensor
    f0: torch.Tensor


class Synthesis:
    """Makes the sounds of one clip.

    Args:
        recording: (samples,) of the source.
    """

    def __init__(self, decoder: ClipDecoder, recording: Floats) -> None:
        self._decoder = decoder
        self._spec = decoder.spec
        self._recording = recording
        self._fade = OVERLAP_FRAMES * self._spec.hop_samples  # samples
        self._parts: world.Parts | None = None

    def sound(self, made: Decoded, own: Decoded, mode: Mode, control: ControlSignal) -> Floats:
        """The sound (samples,) of what was made, at whatever level the mode gives.

        Args:
            own: what the networks make of the source with its own h and m.
        """
        check_control(control)
        if mode.rendering == "natural":
            envelope, _ = source_filter(self._spec, torch.device("cpu")).split(made.mel - own.mel)
            moved = self._decoder.pitch_moved(made)
            return world.put_together(self._taken_apart(), self._spec, moved, envelope.numpy())
        return self._vocoded(made, mode.vocoder, control)

    def patched(
        self,
        before: Decoded,
        sound_before: Floats,
        made: Decoded,
        own: Decoded,
        mode: Mode,
        control: ControlSignal,
    ) -> Floats | None:
        """The sound before, the frames that differ from it made anew; None where that is nearly all of them."""
        changed, frames = splicing.changed_spans(before.mel, made.mel), len(made.mel)
        if not splicing.is_worth_it(changed, frames):
            return None
        spans = [splicing.widened(span, OVERLAP_FRAMES, frames) for span in changed]
        wave = sound_before.copy()
        if spans and mode.rendering == "natural":
            whole = self.sound(made, own, mode, control)
            for first, last in map(self._samples_of, spans):
                splicing.lay(wave, whole[first:last], first, self._fade)
        elif spans:
            for first, piece in self._pieces(made, spans, mode.vocoder, control):
                splicing.lay(wave, piece, first, self._fade)
        return wave

    def at_network_level(self, samples: Floats) -> torch.Tensor:
        """A sound at the source's level, (n,), at the level that the networks know."""
        return torch.from_numpy(samples * np.float32(sound_files.amplitude(self._decoder.gain_db)))

    def _vocoded(self, made: Decoded, name: str, control: ControlSignal) -> Floats:
        """The mel as a sound, in chunks that are cross-faded."""
        size = CHUNK_WINDOWS * self._decoder.model.model.spec.window_frames
        wave = np.zeros(len(self._recording), np.float32)
        for first, piece in self._pieces(
            made, splicing.overlapping(len(made.mel), size, OVERLAP_FRAMES), name, control
        ):
            splicing.lay(wave, piece, first, self._fade, open_end=True)
        return wave

    def _pieces(
        self, made: Decoded, spans: Sequence[tuple[int, int]], name: str, control: ControlSignal
    ) -> Iterator[tuple[int, Floats]]:
        """Spans of frames as sounds, each with its first sample's place."""
        guide = self._guide(made)
        voice = registry.build(name, self._spec)
        for start, stop in spans:
            check_control(control)
            first, last = self._samples_of((start, stop))
            piece = voice.synthesise(
                made.mel[start:stop],
                samples=last - first,
                f0=guide.f0[start:stop],
                phase_of=guide.phase_of[first:last],
            )
            yield first, piece.numpy()

    def _guide(self, made: Decoded) -> _Guide:
        """The phase to begin with is the recording's, re-pitched where harmonics end up elsewhere."""
        moved = self._decoder.pitch_moved(made)
        begin, f0 = self._recording, self._decoder.source_f0
        if moved is not None and np.isfinite(f0).any():
            begin = world.put_together(self._taken_apart(), self._spec, moved)
            f0 = f0 * np.exp(moved)
        return _Guide(self.at_network_level(begin), torch.from_numpy(f0))

    def _samples_of(self, span: tuple[int, int]) -> tuple[int, int]:
        hop = self._spec.hop_samples
        return span[0] * hop, min(span[1] * hop, len(self._recording))

    def _taken_apart(self) -> world.Parts:
        if self._parts is None:
            self._parts = world.take_apart(self._recording, self._decoder.source_f0, self._spec)
        return self._parts
