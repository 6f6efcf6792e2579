"""Average voice: what the timescale recipe puts in the place of a clip's own voice, learnt from the corpus.

The acoustic classes, how the average voice makes each, and in which directions voices differ from it. All of it is
closed-form or expectation maximisation on some minutes of the corpus before training, and takes seconds.
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
from engine.model.timescale.acoustic_classes import class_features, fit
from engine.model.timescale.attribute_heads import AttributeHeads
from engine.model.timescale.attributes import AverageVoice
from engine.model.timescale.normaliser import PRIOR_CLASS_FRAMES, VoiceNormaliser
from engine.model.timescale.source_filter import source_filter

MOST_CLIPS = 600
LONGEST_S = 20.0
PIECE_S = 3.0
MOST_FRAMES = 40_000  # for the mixture
QUIET_LOG_VARIANCE = -4.0  # of h and m at first, where attributes enter them: noise drowns none


def learn(model: Network, cache: MelCache, entries: tuple[int, ...], audio: AudioSpec, seed: int) -> None:
    """Set the model's scaling and, for timescale inputs, its average voice and the directions of h.

    Args:
        entries: the cache's recordings to learn from; the same ones and seed give the same result.
    """
    model.set_scaling(*cache.scaling(entries))
    if not isinstance(model, AuxVAE) or model.attribute_heads is None:
        return
    learner = _Learner(model, model.attribute_heads, cache, entries, audio, seed)
    model.attribute_heads.set_average(learner.average())
    begin_with_attributes(model, model.attribute_heads, *learner.directions())


@torch.no_grad()
def begin_with_attributes(model: AuxVAE, heads: AttributeHeads, mean: Tensor, directions: Tensor) -> None:
    """Let h begin as the main directions of the clips' timbre, and m as the seconds' prosody itself.

    So what h and m predict is right from the first step, for unknown voices, too: a linear code needs no more than
    the directions. Training goes on from there.

    Args:
        mean: (n,) of AttributeHeads.timbre over the corpus; directions: (k, n) orthonormal, the largest first.
    """
    latent = model.spec.latent
    directions = directions[:latent]
    for layer in (heads.h_from_timbre, heads.timbre_from_h, heads.m_from_prosody, heads.prosody_from_m):
        layer.weight.zero_()
        layer.bias.zero_()
    heads.h_from_timbre.weight[: len(directions)] = directions
    heads.h_from_timbre.bias[: len(directions)] = -(directions @ mean)
    heads.timbre_from_h.weight[:, : len(directions)] = directions.T
    heads.timbre_from_h.bias.copy_(mean)
    size = min(latent, heads.m_from_prosody.in_features)
    heads.m_from_prosody.weight[:size, :size] = torch.eye(size)
    heads.prosody_from_m.weight[:size, :size] = torch.eye(size)
    for head in (model.global_head, model.medium_head):
        head.linear.weight.mul_(0.1)  # the rest of h and m grows beside the attributes, not over them
        head.linear.bias[latent:] = QUIET_LOG_VARIANCE


class _Learner:
    def __init__(
        self,
        model: AuxVAE,
        heads: AttributeHeads,
        cache: MelCache,
        entries: tuple[int, ...],
        audio: AudioSpec,
        seed: int,
    ) -> None:
        self._model, self._heads, self._cache, self._audio, self._seed = model, heads, cache, audio, seed
        step = max(1, len(entries) // MOST_CLIPS)
        self._entries = entries[::step]

    def average(self) -> AverageVoice:
        """The classes, and the average voice's mean and spread in each."""
        spec, normaliser = self._model.spec, self._normaliser()
        features: list[Tensor] = []
        envelopes: list[Tensor] = []  # of the frames of speech, about their clip's mean
        for mel, f0 in self._clips():
            real = torch.ones(mel.shape[:2], dtype=torch.bool)
            coefficients, weight = normaliser.envelopes(mel, f0, real)
            speech = weight > 0
            features.append(class_features(coefficients, weight, real)[speech])
            envelopes.append(coefficients[speech] - coefficients[speech].mean(dim=0))
        frames_of_all = torch.cat(features).numpy()
        rng = np.random.default_rng(self._seed)
        chosen = rng.permutation(len(frames_of_all))[:MOST_FRAMES]
        classes = fit(frames_of_all[np.sort(chosen)], spec.sounds, self._seed)
        clips = [(classes.posteriors(f), about) for f, about in zip(features, envelopes, strict=True)]
        offsets = torch.zeros(spec.sounds, ENVELOPE_COEFFICIENTS)
        counts = torch.zeros(spec.sounds)
        for posteriors, about in clips:
            offsets += posteriors.T @ about
            counts += posteriors.sum(dim=0)
        offsets /= counts.clamp_min(1.0)[:, None]
        squares, frames = torch.zeros(ENVELOPE_COEFFICIENTS), 0
        for posteriors, about in clips:
            own = (posteriors.T @ about - posteriors.sum(dim=0)[:, None] * offsets) / (
                posteriors.sum(dim=0)[:, None] + PRIOR_CLASS_FRAMES
            )
            squares += (about - posteriors @ (offsets + own)).square().sum(dim=0)
            frames += len(about)
        return AverageVoice(
            self._model.band_mean, classes, offsets, (squares / max(1, frames)).sqrt().clamp_min(1e-3)
        )

    def directions(self) -> tuple[Tensor, Tensor]:
        """Mean (n,) and main directions (k, n) of how timbres differ, from clips and pieces of them."""
        normaliser, flat = self._normaliser(), []
        piece = round(PIECE_S * self._audio.frames_per_second)
        for mel, f0 in self._clips():
            frames = mel.shape[1]
            for start, stop in ((0, frames), *((s, s + piece) for s in range(0, frames - piece, piece))):
                attributes = normaliser.measure(
                    mel[:, start:stop],
                    f0[:, start:stop],
                    torch.ones(1, stop - start, dtype=torch.bool),
                    torch.zeros(1),
                )
                timbre = self._heads.timbre(attributes, self._model.band_scale)[0]
                # a long piece says more of the voice than a short one
                flat.append((timbre.double(), (stop - start) ** 0.5))
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

    def _normaliser(self) -> VoiceNormaliser:
        """Against the average voice as far as it is learnt."""
        return VoiceNormaliser(
            self._model.spec, source_filter(self._audio, torch.device("cpu")), self._model.average
        )
