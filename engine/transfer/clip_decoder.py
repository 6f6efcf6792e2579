"""What the networks make of one clip with any h and m, as log-mels; no sound yet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from engine.api import ControlSignal, StoredClip
from engine.model.checkpoint import Checkpoint
from engine.model.timescale import inputs
from engine.model.timescale.attributes import Attributes
from engine.model.timescale.normaliser import SPEECH_NEPERS, VoiceNormaliser
from engine.model.timescale.prosody import pitch_curve
from engine.model.timescale.source_filter import source_filter
from engine.runtime.control import check_control
from engine.transfer.attribute_exchange import Kept, Latents, exchanged_attributes, louder_by

CHUNK_WINDOWS = 60  # decoded at a time: a minute
SAME_PITCH = 0.01  # natural log: a sixth of a semitone
PAUSE_EDGE_NEPERS = 0.3  # how softly speech and pause are told apart by loudness
PAUSE_EDGE_FRAMES = 9

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Decoded:
    """What the networks make of the source: log-mel (frames, bands); for timescale inputs its attributes, too."""

    mel: torch.Tensor
    attributes: Attributes | None


class ClipDecoder:
    """Decodes one analysed clip with its own or others' h and m.

    Args:
        source: analysed with the model.
    """

    def __init__(self, model: Checkpoint, source: StoredClip, device: torch.device) -> None:
        self.model = model
        self.spec = model.audio
        self.source_mel = torch.from_numpy(np.array(source.array("mel"), np.float32))
        self.source_f0: Floats = np.array(source.array("f0"), np.float32)
        self.gain_db = source.meta().gain_db
        self._device = device
        self._inputs = self.network_inputs(self.source_mel, self.source_f0)
        self._own = Latents(*(self._tensor(np.array(source.array(name), np.float32)) for name in ("h", "m")))

    @torch.no_grad()
    def own(self, control: ControlSignal) -> Decoded:
        """The source with its own h and m."""
        nothing = Kept(1.0, torch.ones(len(self._own.m), device=self._device))
        return self._decoded(self._own, nothing, control)

    @torch.no_grad()
    def with_latents(
        self, h: Floats, m: Floats, kept_h: float, kept_m: Floats, own: Decoded, control: ControlSignal
    ) -> Decoded:
        """The source with h (latent,) and m (seconds, latent).

        Args:
            kept_h, kept_m: how much of the source's own remains in h, and in m (seconds,); 1 = all.
            own: what `own` gives: pauses stay as they are there.
        """
        kept = Kept(kept_h, self._tensor(kept_m))
        made = self._decoded(Latents(self._tensor(h), self._tensor(m)), kept, control)
        return Decoded(self._in_speech(made.mel, own.mel), made.attributes)

    def pitch_moved(self, made: Decoded) -> Floats | None:
        """Natural log (frames,) of the factor from the source's pitch to the made one's; None where none moves."""
        measured, residual, spec = self._inputs.attributes, self._inputs.residual, self.model.model.spec
        if made.attributes is None or measured is None or residual is None:
            return None
        moved = pitch_curve(made.attributes, residual, spec) - pitch_curve(measured, residual, spec)
        curve: Floats = moved[0].cpu().numpy()
        return curve if float(np.abs(curve).max()) > SAME_PITCH else None

    def louder_db(self, made: Decoded, kept_h: float, kept_m: Floats) -> float:
        """How much louder than the source what was made shall be, as its m says."""
        measured = self._inputs.attributes
        if made.attributes is None or measured is None:
            return 0.0
        return self._tone_db(louder_by(made.attributes, measured, Kept(kept_h, self._tensor(kept_m))))

    @torch.no_grad()
    def read(self, mel: torch.Tensor, f0: Floats) -> tuple[Floats, Floats]:
        """What the model's own q(h|x) and q(m|h,x) read in a sound: (latent,) and (seconds, latent).

        Args:
            mel, f0: of the sound, (frames, bands) and (frames,).
        """
        network = self.model.model
        seen = self.network_inputs(mel, f0)
        h = network.posterior_h(network.scaled(seen.clip), None, seen.clip_attributes).mean
        m = network.posterior_m(network.scaled(seen.second), h, None, seen.attributes).mean
        return h[0].cpu().numpy(), m[0].cpu().numpy()

    def network_inputs(self, mel: torch.Tensor, f0: Floats) -> inputs.NetworkInputs:
        """The network inputs of a whole clip: mel (frames, bands), f0 (frames,)."""
        network = self.model.model
        return inputs.for_analysis(
            mel[None].to(self._device),
            torch.from_numpy(f0)[None].to(self._device),
            network.spec,
            self.spec,
            network.average,
            self.gain_db,
        )

    def _decoded(self, given: Latents, kept: Kept, control: ControlSignal) -> Decoded:
        mel, network = self._decode(given, control), self.model.model
        measured, residual = self._inputs.attributes, self._inputs.residual
        if measured is None or residual is None:
            return Decoded(mel, None)
        attributes = exchanged_attributes(network, measured, self._own, given, kept, self._tone_db(1.0))
        normaliser = VoiceNormaliser(network.spec, source_filter(self.spec, self._device), network.average)
        restored = normaliser.restore(
            mel[None].to(self._device), attributes, residual, own=measured, residual_gain=kept.residual_gain
        )
        return Decoded(restored[0].cpu(), attributes)

    def _decode(self, given: Latents, control: ControlSignal) -> torch.Tensor:
        """(frames, bands) log-mel of q(z|h,m,x) and p(x|z), a minute at a time."""
        network = self.model.model
        window, frames = network.spec.window_frames, len(self.source_mel)
        reach = network.local_trunk.reach + network.decoder_trunk.reach
        context = -(-reach // window) * window
        pieces = []
        for start in range(0, frames, CHUNK_WINDOWS * window):
            check_control(control)
            stop = min(frames, start + CHUNK_WINDOWS * window)
            left, right = max(0, start - context), min(frames, stop + context)
            seen = network.scaled(self._inputs.frame[:, left:right])
            m = given.m[None, left // window : -(-right // window)]
            z = network.posterior_z(seen, given.h[None], m).mean
            pieces.append(network.decode(z)[0, start - left : stop - left].cpu())
        return torch.cat(pieces)

    def _in_speech(self, mel: torch.Tensor, own: torch.Tensor) -> torch.Tensor:
        """The mel where there is speech, the source's own in pauses: a room has no voice, and shall not get one."""
        loudness = self.source_mel.mean(dim=1)
        speech = torch.sigmoid((loudness - loudness.max() + SPEECH_NEPERS) / PAUSE_EDGE_NEPERS)
        smooth = torch.nn.functional.avg_pool1d(
            speech[None], PAUSE_EDGE_FRAMES, 1, PAUSE_EDGE_FRAMES // 2, count_include_pad=False
        )[0]
        return own + smooth[:, None] * (mel - own)

    def _tone_db(self, tone: float) -> float:
        return float(inputs.tone_decibels(torch.tensor(tone), self.spec))

    def _tensor(self, values: Floats) -> torch.Tensor:
        return torch.from_numpy(values).to(self._device)
