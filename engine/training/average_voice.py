"""Learn from a corpus, before training, what the timescale recipe puts in the place of a clip's own levels.

The kinds of sounds, how the average voice makes each, and in which directions voices differ from it. All of it is
closed-form or expectation maximisation on some minutes of the corpus, and takes seconds.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from engine.api.specs import ENVELOPE_COEFFICIENTS, AudioSpec
from engine.corpus.cache.feature_cache import MelCache
from engine.model.aux_vae import AuxVAE
from engine.model.baselines import Network
from engine.model.timescale import attributes as slow
from engine.model.timescale.attributes import AverageVoice
from engine.model.timescale.sound_classes import fit, sound_features
from engine.model.timescale.source_filter import SourceFilter, source_filter

MOST_CLIPS = 600
LONGEST_S = 20.0
PIECE_S = 3.0
MOST_FRAMES = 40_000  # for the mixture


def learn(model: Network, cache: MelCache, entries: tuple[int, ...], audio: AudioSpec, seed: int) -> None:
    """Set the model's scaling and, for timescale views, its average voice and the directions of h.

    Args:
        entries: the cache's recordings to learn from; the same ones and seed give the same result.
    """
    model.set_scaling(*cache.scaling(entries))
    if not isinstance(model, AuxVAE) or not model.hears_levels:
        return
    learner = _Learner(model, cache, entries, audio, seed)
    model.set_average(learner.average())
    model.begin_with_levels(*learner.directions())


class _Learner:
    def __init__(
        self, model: AuxVAE, cache: MelCache, entries: tuple[int, ...], audio: AudioSpec, seed: int
    ) -> None:
        self._model, self._cache, self._audio, self._seed = model, cache, audio, seed
        step = max(1, len(entries) // MOST_CLIPS)
        self._entries = entries[::step]
        self._tools: SourceFilter = source_filter(audio, torch.device("cpu"))

    def average(self) -> AverageVoice:
        """The classes, and the average voice's mean and spread in each."""
        spec, model = self._model.spec, self._model
        features: list[Tensor] = []
        envelopes: list[Tensor] = []  # of the frames of speech, about their clip's mean
        for mel, f0 in self._clips():
            coefficients, weight = self._heard(mel, f0)
            speech = weight > 0
            features.append(sound_features(coefficients, weight, torch.ones_like(speech))[speech])
            envelopes.append(coefficients[speech] - coefficients[speech].mean(dim=0))
        seen = torch.cat(features).numpy()
        rng = np.random.default_rng(self._seed)
        chosen = rng.permutation(len(seen))[:MOST_FRAMES]
        classes = fit(seen[np.sort(chosen)], spec.sounds, self._seed)
        clips = [(classes.assign(f), about) for f, about in zip(features, envelopes, strict=True)]
        offsets = torch.zeros(spec.sounds, ENVELOPE_COEFFICIENTS)
        counts = torch.zeros(spec.sounds)
        for assigned, about in clips:
            offsets += assigned.T @ about
            counts += assigned.sum(dim=0)
        offsets /= counts.clamp_min(1.0)[:, None]
        squares, frames = torch.zeros(ENVELOPE_COEFFICIENTS), 0
        for assigned, about in clips:
            own = (assigned.T @ about - assigned.sum(dim=0)[:, None] * offsets) / (
                assigned.sum(dim=0)[:, None] + slow.PRIOR_SOUND_FRAMES
            )
            squares += (about - assigned @ (offsets + own)).square().sum(dim=0)
            frames += len(about)
        return AverageVoice(model.band_mean, classes, offsets, (squares / max(1, frames)).sqrt().clamp_min(1e-3))

    def directions(self) -> tuple[Tensor, Tensor]:
        """Mean (levels,) and main directions (n, levels) of how voices differ, from clips and pieces of them."""
        flat = []
        piece = round(PIECE_S * self._audio.frames_per_second)
        for mel, f0 in self._clips():
            frames = mel.shape[1]
            for start, stop in ((0, frames), *((s, s + piece) for s in range(0, frames - piece, piece))):
                levels = slow.measure(
                    mel[:, start:stop],
                    f0[:, start:stop],
                    torch.ones(1, stop - start, dtype=torch.bool),
                    torch.zeros(1),
                    self._model.spec,
                    self._tools,
                    self._model.average,
                )
                # a long piece says more of the voice than a short one
                flat.append((self._model.flat_clip(levels)[0].double(), (stop - start) ** 0.5))
        vectors = torch.stack([vector for vector, _ in flat])
        weights = torch.tensor([weight for _, weight in flat], dtype=torch.float64)
        mean = (vectors * weights[:, None]).sum(dim=0) / weights.sum()
        _, _, directions = torch.linalg.svd((vectors - mean) * weights[:, None], full_matrices=False)
        return mean.float(), directions.float()

    def _clips(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Log-mel (1, frames, bands) and F0 (1, frames) of the clips to learn from."""
        longest = round(LONGEST_S * self._audio.frames_per_second)
        for index in self._entries:
            entry = self._cache.entries[index]
            part = slice(entry.start, entry.start + min(entry.frames, longest))
            yield (
                torch.from_numpy(self._cache.mel[part].astype(np.float32))[None],
                torch.from_numpy(np.array(self._cache.f0[part]))[None],
            )

    def _heard(self, mel: Tensor, f0: Tensor) -> tuple[Tensor, Tensor]:
        real = torch.ones(mel.shape[:2], dtype=torch.bool)
        return slow.plain_coefficients(mel, f0, real, self._model.spec, self._tools, self._model.band_mean)
