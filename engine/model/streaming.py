"""Streaming: the means of h, m and z of one clip of any length, in constant memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.model.aux_vae import AuxVAE
from engine.model.modules import Trunk, mean_over_windows
from engine.model.timescale.inputs import NetworkInputs

InputsOf = Callable[[int, int], NetworkInputs]


@dataclass(frozen=True)
class StreamedLatents:
    """Means of h (L,) and m (W, L), and z's (frames_i, L) chunk by chunk, in order."""

    h: Tensor
    m: Tensor
    z: Iterator[Tensor]


@torch.no_grad()
def encode_stream(model: AuxVAE, inputs_of: InputsOf, frames: int, *, chunk_windows: int = 60) -> StreamedLatents:
    """Encode a clip chunk by chunk; equal to `AuxVAE.encode` of the whole.

    Three passes: h needs every frame, m needs h, and z needs the m of the neighbouring windows.

    Args:
        inputs_of: inputs_of(start, stop) gives the frames [start, stop) of the clip as NetworkInputs of
            (1, stop - start, bands), with the attributes of the seconds that these frames lie in; called three
            times for every chunk.
        frames: frames of the clip.
        chunk_windows: windows taken at a time.

    Returns:
        h and m at once; z as an iterator that does its work as it is consumed.
    """
    window = model.spec.window_frames

    def chunks(trunk: Trunk) -> Iterator[tuple[NetworkInputs, slice, slice]]:
        # Whole windows of context, so that windows of m fall on the same frames in every chunk.
        context = -(-trunk.reach // window) * window
        for start in range(0, frames, chunk_windows * window):
            stop = min(frames, start + chunk_windows * window)
            left, right = max(0, start - context), min(frames, stop + context)
            windows = slice(left // window, -(-right // window))
            yield inputs_of(left, right), slice(start - left, stop - left), windows

    hidden_sum = torch.zeros(model.global_trunk.channels, dtype=torch.float64, device=model.band_mean.device)
    shift: Tensor | None = None
    for piece, inner, _ in chunks(model.global_trunk):
        hidden_sum += model.global_trunk(model.scaled(piece.clip))[0, inner].double().sum(dim=0)
        of_piece = model.shift_of_h(piece.clip_attributes)
        if of_piece is not None:  # a linear layer of the mean attributes is the mean of the layer
            of_piece = of_piece * ((inner.stop - inner.start) / frames)
            shift = of_piece if shift is None else shift + of_piece
    h = model.global_head((hidden_sum / frames).float()[None], shift).mean

    means = []
    for piece, inner, _ in chunks(model.medium_trunk):
        hidden = model.medium_trunk(model.scaled(piece.second), None, h[:, None])[:, inner]
        pooled = mean_over_windows(hidden, None, window)
        first = inner.start // window
        attributes = None if piece.attributes is None else piece.attributes.windows(first, first + pooled.shape[1])
        means.append(model.medium_head(pooled, model.shift_of_m(attributes)).mean)
    m = torch.cat(means, dim=1)

    def z_chunks() -> Iterator[Tensor]:
        for piece, inner, windows in chunks(model.local_trunk):
            with torch.no_grad():
                yield model.posterior_z(model.scaled(piece.frame), h, m[:, windows]).mean[0, inner]

    return StreamedLatents(h[0], m[0], z_chunks())
