"""The one place where the tests of compatibility call into the engine; whoever moves something adapts it here."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import numpy.typing as npt
import torch

from engine import jobs
from engine.__main__ import main
from engine.analysis import analyse
from engine.analysis.clip_inputs import ClipInputs
from engine.api import (
    Analyse,
    ClipRef,
    Control,
    Event,
    Partial,
    Request,
    Result,
    StoredClip,
    Take,
    Transfer,
)
from engine.audio.vocoders import registry
from engine.model import baselines, checkpoint
from engine.model.streaming import encode_stream

Floats = npt.NDArray[np.float32]


def command(*words: object) -> int:
    """Run `triptych WORDS...` in this process; returns the exit status."""
    return main([str(word) for word in words])


def perform(request: Request) -> tuple[Result, list[Any]]:
    """Perform a request to its end: its result, and the values that were reported on the way."""
    values: list[Any] = []

    def report(event: Event) -> None:
        if isinstance(event, Partial):
            values.append(event.value)

    return jobs.run(request, report, lambda: Control.RUN), values


def analysed(clips: dict[str, Path], out_dir: Path, model: Path) -> dict[str, StoredClip]:
    """Recordings by name, analysed with a model on the processor; none may fail."""
    refs = tuple(ClipRef(name, str(path)) for name, path in clips.items())
    _, found = perform(Analyse(refs, str(out_dir), str(model), "cpu"))
    return {clip.clip_id: StoredClip(clip.folder) for clip in found}


def encoded(clip: StoredClip, model: Path) -> tuple[Floats, Floats, Floats]:
    """h (latent,), m (seconds, latent), z (frames, latent) of a stored mel and F0, z in single precision.

    The folder of an analysed clip keeps z in half precision.
    """
    device = torch.device("cpu")
    held = analyse.load_model(model, device)
    mel, f0 = clip.array("mel"), clip.array("f0")
    inputs_of = ClipInputs(mel, f0, clip.meta().gain_db, held, device, lambda: Control.RUN)
    with torch.inference_mode():
        latents = encode_stream(held.model, inputs_of, len(mel))
        return latents.h.numpy(), latents.m.numpy(), torch.cat(list(latents.z)).numpy()


def rendered(request: Transfer) -> tuple[Take, Floats]:
    """A transfer's take, and the log-mel (frames, bands) that the decoder gave to the vocoder for it."""
    with _mels_for_the_vocoder() as mels:
        take, _ = perform(request)
    assert isinstance(take, Take)
    return take, mels[-1]  # the control and the sound before the edits come first


@contextlib.contextmanager
def _mels_for_the_vocoder() -> Iterator[list[Floats]]:
    mels: list[Floats] = []
    build = registry.build

    def watched(*arguments: Any) -> Any:
        synthesise = build(*arguments).synthesise

        def remember(log_mel: torch.Tensor, **more: Any) -> torch.Tensor:
            mels.append(log_mel.numpy().copy())
            sound: torch.Tensor = synthesise(log_mel, **more)
            return sound

        return mock.Mock(synthesise=remember)

    with mock.patch.object(registry, "build", watched):
        yield mels


def system_vectors(clip: StoredClip, model: Path) -> dict[str, Floats]:
    """One vector for each latent of a system of comparison, of a stored mel and F0."""
    held = checkpoint.load_system(model)
    device = torch.device("cpu")
    mel, f0 = clip.array("mel"), clip.array("f0")
    inputs_of = ClipInputs(mel, f0, clip.meta().gain_db, held, device, lambda: Control.RUN)
    found = baselines.vectors(held.model, inputs_of, len(mel))
    return {latent: vector.numpy() for latent, vector in found.items()}
