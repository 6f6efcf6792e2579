"""Network inputs of stored clips: of one clip in pieces, of several short ones as a batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from engine.api import ControlSignal
from engine.model.checkpoint import SystemCheckpoint
from engine.model.timescale import inputs
from engine.model.timescale.attributes import as_batch
from engine.runtime.control import check_cancel

# Shorter clips are prepared whole, so that normalisation may take out what is slower than a chunk.
WHOLE_FRAMES = 64 * 600


class ClipInputs:
    """Network inputs of one stored clip, a range of its frames at a time: what encode_stream takes."""

    def __init__(
        self,
        mel: npt.NDArray[np.float16],
        f0: npt.NDArray[np.float32],
        gain_db: float,
        model: SystemCheckpoint,
        device: torch.device,
        control: ControlSignal,
    ) -> None:
        self._mel = mel
        self._f0 = f0
        self._gain_db = gain_db
        self._spec = model.model.spec
        self._audio = model.audio
        self._average = model.model.average
        self._device = device
        self._control = control
        self._whole = self._computed(0, len(mel)) if len(mel) <= WHOLE_FRAMES else None

    def __call__(self, start: int, stop: int) -> inputs.NetworkInputs:
        check_cancel(self._control)
        if self._whole is None:
            return self._computed(start, stop)
        whole = self._whole
        cut = slice(start, stop)
        window = self._spec.window_frames
        measured = whole.attributes
        attributes = None if measured is None else measured.windows(start // window, -(-stop // window))
        return inputs.NetworkInputs(
            whole.clip[:, cut],
            whole.second[:, cut],
            whole.frame[:, cut],
            whole.target[:, cut],
            attributes,
            clip_attributes=whole.clip_attributes,
        )

    def _computed(self, start: int, stop: int) -> inputs.NetworkInputs:
        mel = torch.from_numpy(np.array(self._mel[start:stop], np.float32))[None].to(self._device)
        f0 = torch.from_numpy(np.array(self._f0[start:stop]))[None].to(self._device)
        return inputs.for_analysis(mel, f0, self._spec, self._audio, self._average, self._gain_db)


def padded_batch(clips: Sequence[inputs.NetworkInputs]) -> inputs.NetworkInputs:
    """The network inputs of several whole clips as one batch, the shorter ones completed by zeros."""

    def padded(name: str) -> torch.Tensor:
        return torch.nn.utils.rnn.pad_sequence([getattr(clip, name)[0] for clip in clips], batch_first=True)

    attributes = as_batch([clip.attributes for clip in clips if clip.attributes is not None])
    return inputs.NetworkInputs(
        padded("clip"),
        padded("second"),
        padded("frame"),
        padded("target"),
        attributes,
        clip_attributes=attributes,
    )
