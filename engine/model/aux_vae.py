"""The Aux-VAE: six networks and three latents at three timescales (Almotlak et al., ICANN 2020, section 4).

    q(h|x)      -> one Gaussian a clip            p(x|z)       decoder: sees z alone
    q(m|h,x)    -> one Gaussian a window          p(m|h,z,x)   predictor of m
    q(z|h,m,x)  -> one Gaussian a frame           p(h|z,x)     predictor of h

h is drawn once a clip, m once a window of `window_frames` (1 second), z at every frame. Drawing h or m at every
frame, as the authors' code does, would let them carry what changes from frame to frame.

A network that ends in an average (of mean and log-variance, over a clip or a window) applies its last linear layer
after the average: the two commute, and the layer then runs once a window instead of 64 times. So does the average
over the windows in the predictor of m, which makes p(m|h,z,x) what q(m|h,x) is: one Gaussian a window.

The predictors run at every frame, as in the paper, or once a window and once a clip on the mean of z
(ModelSpec.predictors_read): at the paper's sizes they are half of what has to be multiplied at every frame.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.api.errors import SpecError
from engine.api.specs import ENVELOPE_COEFFICIENTS, TONE_COEFFICIENTS, ModelSpec
from engine.model.batch_context import SINGLE_PROCESS, BatchContext
from engine.model.modules import Gaussian, GaussianHead, Trunk, frame_mask, mean_over_clip, mean_over_windows
from engine.model.timescale.attributes import AverageVoice, Levels
from engine.model.timescale.inputs import Views
from engine.model.timescale.sound_classes import SoundClasses, unused
from engine.products import Product, rounded_for_products

# What makes a level one unit large, so that none drowns the others in h and m.
PITCH_UNIT = 0.1  # natural log: 10 %
SPREAD_UNIT = 0.5  # natural log
QUIET_LOG_VARIANCE = -4.0  # of h and m at first, where they tell levels: noise drowns no level


@dataclass(frozen=True)
class Latents:
    """The three posteriors and one value of each: a draw in training, the mean in evaluation.

    h: (batch, latent); m: (batch, windows, latent); z: (batch, frames, latent).
    A window or frame wholly in the padding holds values without meaning.
    """

    h: Gaussian
    m: Gaussian
    z: Gaussian
    h_value: Tensor
    m_value: Tensor
    z_value: Tensor


@dataclass(frozen=True)
class StreamedLatents:
    """Means of h (latent,) and m (windows, latent), and z's (frames_i, latent) chunk by chunk, in order."""

    h: Tensor
    m: Tensor
    z: Iterator[Tensor]


class AuxVAE(nn.Module):
    """The six networks. Inputs and outputs are natural-log mel, (batch, frames, bands).

    Inside, features are (x - band_mean) / band_scale; `set_scaling` takes both from the training corpus, and they
    travel in the checkpoint like weights.

    Raises:
        SpecError: an empty channel list or an even kernel.
    """

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        _check(spec)
        self.spec = spec
        latent, window = spec.latent, spec.window_frames

        def head(trunk: Trunk) -> GaussianHead:
            return GaussianHead(trunk.channels, latent, spec.log_variance_low, spec.log_variance_high)

        self.global_trunk = Trunk(spec.bands, spec.global_channels, kernel=3)
        self.global_head = head(self.global_trunk)
        self.medium_trunk = Trunk(spec.bands, spec.medium_channels, kernel=3, slow=latent)
        self.medium_head = head(self.medium_trunk)
        self.local_trunk = Trunk(
            spec.bands, spec.local_channels, kernel=spec.local_kernel, slow=2 * latent, window=window
        )
        self.local_head = head(self.local_trunk)
        self.decoder_trunk = Trunk(latent, spec.decoder_channels, kernel=spec.decoder_kernel)
        self.decoder_head = Product(self.decoder_trunk.channels, spec.bands)
        self.predictor_m_trunk = Trunk(latent, spec.predictor_m_channels, slow=latent, norm=False)
        self.predictor_m_head = head(self.predictor_m_trunk)
        self.predictor_h_trunk = Trunk(latent, spec.predictor_h_channels, norm=False)
        self.predictor_h_head = head(self.predictor_h_trunk)

        self.band_mean: Tensor
        self.band_scale: Tensor
        self.register_buffer("band_mean", torch.zeros(spec.bands))
        self.register_buffer("band_scale", torch.ones(()))
        self.hears_levels = spec.views != "plain"
        if self.hears_levels:
            self._make_levels(spec)

    def _make_levels(self, spec: ModelSpec) -> None:
        """The linear layers by which levels enter h and m and are read from them, and the average voice."""
        of_h, of_m = spec.told_levels
        self.h_of_levels = Product(of_h, spec.latent)
        self.levels_of_h = Product(spec.latent, of_h)
        self.m_of_levels = Product(of_m, spec.latent)
        self.levels_of_m = Product(spec.latent, of_m)
        self.sound_weights: Tensor
        self.sound_means: Tensor
        self.sound_variances: Tensor
        self.sound_offsets: Tensor
        self.sound_spread: Tensor
        classes = unused(spec.sounds)
        self.register_buffer("sound_weights", classes.weights)
        self.register_buffer("sound_means", classes.means)
        self.register_buffer("sound_variances", classes.variances)
        self.register_buffer("sound_offsets", torch.zeros(spec.sounds, ENVELOPE_COEFFICIENTS))
        self.register_buffer("sound_spread", torch.ones(ENVELOPE_COEFFICIENTS))

    # ------------------------------------------------------------------------------------------ features
    def set_scaling(self, band_mean: Tensor, band_scale: Tensor) -> None:
        """Take the corpus's mean of every band (bands,) and the standard deviation of all together ()."""
        self.band_mean.copy_(band_mean)
        self.band_scale.copy_(band_scale)

    @property
    def average(self) -> AverageVoice:
        """What is put in the place of a clip's levels; of no meaning for plain views."""
        if not self.hears_levels:
            return AverageVoice(self.band_mean, unused(0), self.band_mean[:0, None], self.band_mean[:0])
        return AverageVoice(
            self.band_mean,
            SoundClasses(self.sound_weights, self.sound_means, self.sound_variances),
            self.sound_offsets,
            self.sound_spread,
        )

    @torch.no_grad()
    def set_average(self, average: AverageVoice) -> None:
        """Take over the corpus's average voice; see average_voice.learn."""
        for buffer, value in (
            (self.sound_weights, average.classes.weights),
            (self.sound_means, average.classes.means),
            (self.sound_variances, average.classes.variances),
            (self.sound_offsets, average.offsets),
            (self.sound_spread, average.spread),
        ):
            buffer.copy_(value)

    @torch.no_grad()
    def begin_with_levels(self, mean: Tensor, directions: Tensor) -> None:
        """Let h begin as the main directions of the clips' levels, and m as the seconds' levels themselves.

        So what h and m tell is right from the first step, for voices never heard, too: a linear code needs no more
        than the directions. Training goes on from there.

        Args:
            mean: (levels,) of `flat_clip` over the corpus; directions: (n, levels) orthonormal, the largest first.
        """
        latent = self.spec.latent
        directions = directions[:latent]
        for layer in (self.h_of_levels, self.levels_of_h, self.m_of_levels, self.levels_of_m):
            layer.weight.zero_()
            layer.bias.zero_()
        self.h_of_levels.weight[: len(directions)] = directions
        self.h_of_levels.bias[: len(directions)] = -(directions @ mean)
        self.levels_of_h.weight[:, : len(directions)] = directions.T
        self.levels_of_h.bias.copy_(mean)
        told = min(latent, self.m_of_levels.in_features)
        self.m_of_levels.weight[:told, :told] = torch.eye(told)
        self.levels_of_m.weight[:told, :told] = torch.eye(told)
        for head in (self.global_head, self.medium_head):
            head.linear.weight.mul_(0.1)  # the rest of h and m grows beside the levels, not over them
            head.linear.bias[latent:] = QUIET_LOG_VARIANCE

    def flat_clip(self, levels: Levels) -> Tensor:
        """What h tells, as one vector (batch, levels) whose numbers weigh alike."""
        share = self.sound_weights.sqrt()[:, None] / self.band_scale
        return torch.cat(
            (
                levels.pitch[:, None] / PITCH_UNIT,
                levels.spectrum / self.band_scale,
                (levels.sounds * share).flatten(1),
                levels.spread / SPREAD_UNIT,
            ),
            dim=1,
        )

    def flat_seconds(self, levels: Levels) -> Tensor:
        """What m tells, as vectors (batch, seconds, levels)."""
        return torch.cat(
            (
                levels.second_pitch[..., None] / PITCH_UNIT,
                levels.second_range[..., None] / SPREAD_UNIT,
                levels.second_tone / self.band_scale,
            ),
            dim=-1,
        )

    def scaled(self, log_mel: Tensor, mask: Tensor | None = None) -> Tensor:
        """Log-mel to the networks' features; padding becomes zero. (batch, frames, bands) both."""
        x = (log_mel.float() - self.band_mean) / self.band_scale
        return x if mask is None else x * mask[..., None]

    def features(self, views: Views, mask: Tensor | None = None) -> Views:
        """The same views as features; one that several networks hear is scaled, and rounded as products take it,
        once."""
        heard = (views.clip, views.second, views.frame, views.again)
        once = {id(x): x for x in (*heard, views.target) if x is not None}
        scaled = {key: self.scaled(x, mask) for key, x in once.items()}
        target = scaled[id(views.target)]
        rounded = {id(x): rounded_for_products(scaled[id(x)]) for x in heard if x is not None}
        clip, second, frame = (rounded[id(x)] for x in heard[:3])
        again = rounded.get(id(views.again))
        return dataclasses.replace(views, clip=clip, second=second, frame=frame, target=target, again=again)

    def unscaled(self, features: Tensor) -> Tensor:
        """The inverse of `scaled`."""
        return features * self.band_scale + self.band_mean

    # ------------------------------------------------------------------------------------------ posteriors
    def posterior_h(self, clip: Tensor, mask: Tensor | None = None, levels: Levels | None = None) -> Gaussian:
        """q(h|x): features (batch, frames, bands) and what was measured of them -> (batch, latent)."""
        pooled = self.global_trunk.means(clip, mask, None, clip.shape[1])[:, 0]
        return self._head_h(pooled, None if levels is None else self.flat_clip(levels))

    def posterior_m(
        self, second: Tensor, h: Tensor, mask: Tensor | None = None, levels: Levels | None = None
    ) -> Gaussian:
        """q(m|h,x): features (batch, frames, bands), what was measured of each second, h (batch, latent)
        -> (batch, windows, latent)."""
        return self._head_m(self.medium_trunk.means(second, mask, h[:, None], self.spec.window_frames), levels)

    def posterior_z(self, frame: Tensor, h: Tensor, m: Tensor, mask: Tensor | None = None) -> Gaussian:
        """q(z|h,m,x): features (batch, frames, bands), h (batch, latent), m (batch, windows, latent)
        -> (batch, frames, latent)."""
        slow = torch.cat((m, h[:, None].expand(-1, m.shape[1], -1)), dim=-1)
        posterior: Gaussian = self.local_head(self.local_trunk(frame, mask, slow))
        return posterior

    def encode(
        self,
        views: Views,
        *,
        lengths: Tensor | None = None,
        sample: bool = False,
        generator: torch.Generator | None = None,
        context: BatchContext = SINGLE_PROCESS,
    ) -> Latents:
        """All three posteriors of a batch.

        Args:
            views: what each network hears, log-mel (batch, frames, bands).
            lengths: (batch,) real frames; the rest is padding. None: all frames are real.
            sample: True draws h, m and z from their posteriors; False uses the means, the same at every call.
        """
        mask = frame_mask(lengths, views.frame.shape[1])
        return self.encode_features(
            self.features(views, mask), mask, sample=sample, generator=generator, context=context
        )

    def encode_features(
        self,
        features: Views,
        mask: Tensor | None = None,
        *,
        sample: bool = False,
        generator: torch.Generator | None = None,
        context: BatchContext = SINGLE_PROCESS,
    ) -> Latents:
        """As `encode`, of what `features` gave; mask: bool (batch, frames), None when all frames are real."""

        def value(posterior: Gaussian) -> Tensor:
            return posterior.sample(generator, context) if sample else posterior.mean

        h = self.posterior_h(features.clip, mask, features.clip_levels)
        h_value = value(h)
        m = self.posterior_m(features.second, h_value, mask, features.levels)
        m_value = value(m)
        z = self.posterior_z(features.frame, h_value, m_value, mask)
        return Latents(h, m, z, h_value, m_value, value(z))

    # ------------------------------------------------------------------------------------------ generative side
    def decode_features(self, z: Tensor, mask: Tensor | None = None) -> Tensor:
        """Mean of p(x|z) in scaled features: (batch, frames, latent) -> (batch, frames, bands)."""
        return self.rebuilt(z, mask).float()

    def rebuilt(self, z: Tensor, mask: Tensor | None = None) -> Tensor:
        """As `decode_features`, in the precision of its last product."""
        found: Tensor = self.decoder_head(self.decoder_trunk(z if mask is None else z * mask[..., None], mask))
        return found

    def decode(self, z: Tensor) -> Tensor:
        """Mean of p(x|z) as natural-log mel: (batch, frames, latent) -> (batch, frames, bands)."""
        return self.unscaled(self.decode_features(z))

    def predict_m(self, h: Tensor, z: Tensor, mask: Tensor | None = None) -> Gaussian:
        """p(m|h,z,x) from h (batch, latent) and z (batch, frames, latent) -> (batch, windows, latent).

        As in the paper, x enters through z.
        """
        window = self.spec.window_frames
        if self.spec.predictors_read == "means":
            hidden = self.predictor_m_trunk(mean_over_windows(z, mask, window), None, h[:, None])
        else:
            hidden = self.predictor_m_trunk.means(z, mask, h[:, None], window)
        prediction: Gaussian = self.predictor_m_head(hidden)
        return prediction

    def predict_h(self, z: Tensor, mask: Tensor | None = None) -> Gaussian:
        """p(h|z,x) from z (batch, frames, latent) -> (batch, latent). As in the paper, x enters through z."""
        if self.spec.predictors_read == "means":
            hidden = self.predictor_h_trunk(mean_over_clip(z, mask)[:, None])[:, 0]
        else:
            hidden = self.predictor_h_trunk.means(z, mask, None, z.shape[1])[:, 0]
        prediction: Gaussian = self.predictor_h_head(hidden)
        return prediction

    def read_levels(self, h: Tensor, m: Tensor) -> Levels | None:
        """What h (batch, latent) and m (batch, windows, latent) say of the slow part; None for plain views."""
        if not self.hears_levels:
            return None
        clip, second = self.levels_of_h(h).float(), self.levels_of_m(m).float()
        size, sounds = ENVELOPE_COEFFICIENTS, self.spec.sounds
        pitch, spectrum, of_sounds, spread = clip.split((1, size, sounds * size, size), dim=1)
        share = self.sound_weights.sqrt()[:, None] / self.band_scale
        return Levels(
            pitch=pitch[:, 0] * PITCH_UNIT,
            spectrum=spectrum * self.band_scale,
            # a class that no frame belongs to has no levels
            sounds=torch.where(share > 0, of_sounds.view(len(h), sounds, size) / share.clamp_min(1e-9), 0.0),
            spread=spread * SPREAD_UNIT,
            second_pitch=second[..., 0] * PITCH_UNIT,
            second_range=second[..., 1] * SPREAD_UNIT,
            second_tone=second[..., 2 : 2 + TONE_COEFFICIENTS] * self.band_scale,
            voiced=torch.ones_like(second[..., 0]),
        )

    # ------------------------------------------------------------------------------------------ long clips
    @torch.no_grad()
    def encode_stream(
        self, views: Callable[[int, int], Views], frames: int, *, chunk_windows: int = 60
    ) -> StreamedLatents:
        """Means of h, m and z of one clip of any length in constant memory; equal to `encode` of the whole.

        Three passes: h needs every frame, m needs h, and z needs the m of the neighbouring windows.

        Args:
            views: views(start, stop) gives the frames [start, stop) of the clip as Views of (1, stop - start,
                bands), with the levels of the seconds that these frames lie in; called three times for every chunk.
            frames: frames of the clip.
            chunk_windows: windows taken at a time.

        Returns:
            h and m at once; z as an iterator that does its work as it is consumed.
        """
        window = self.spec.window_frames

        def chunks(trunk: Trunk) -> Iterator[tuple[Views, slice, slice]]:
            # Whole windows of context, so that windows of m fall on the same frames in every chunk.
            context = -(-trunk.reach // window) * window
            for start in range(0, frames, chunk_windows * window):
                stop = min(frames, start + chunk_windows * window)
                left, right = max(0, start - context), min(frames, stop + context)
                windows = slice(left // window, -(-right // window))
                yield views(left, right), slice(start - left, stop - left), windows

        total = torch.zeros(self.global_trunk.channels, dtype=torch.float64, device=self.band_mean.device)
        measured: Tensor | None = None
        for seen, inner, _ in chunks(self.global_trunk):
            total += self.global_trunk(self.scaled(seen.clip))[0, inner].double().sum(dim=0)
            if seen.clip_levels is not None:
                part = self.flat_clip(seen.clip_levels).double() * (inner.stop - inner.start) / frames
                measured = part if measured is None else measured + part
        h = self._head_h((total / frames).float()[None], None if measured is None else measured.float()).mean

        means = []
        for seen, inner, _ in chunks(self.medium_trunk):
            hidden = self.medium_trunk(self.scaled(seen.second), None, h[:, None])[:, inner]
            pooled = mean_over_windows(hidden, None, window)
            first = inner.start // window
            levels = None if seen.levels is None else seen.levels.windows(first, first + pooled.shape[1])
            means.append(self._head_m(pooled, levels).mean)
        m = torch.cat(means, dim=1)

        def z_chunks() -> Iterator[Tensor]:
            for seen, inner, windows in chunks(self.local_trunk):
                with torch.no_grad():
                    yield self.posterior_z(self.scaled(seen.frame), h, m[:, windows]).mean[0, inner]

        return StreamedLatents(h[0], m[0], z_chunks())

    def _head_h(self, pooled: Tensor, measured: Tensor | None) -> Gaussian:
        posterior: Gaussian = self.global_head(pooled)
        if measured is None:
            return posterior
        return Gaussian(posterior.mean + self.h_of_levels(measured).float(), posterior.log_variance)

    def _head_m(self, pooled: Tensor, levels: Levels | None) -> Gaussian:
        posterior: Gaussian = self.medium_head(pooled)
        if levels is None:
            return posterior
        told = self.m_of_levels(self.flat_seconds(levels)).float()
        return Gaussian(posterior.mean + told, posterior.log_variance)


def networks(model: AuxVAE) -> dict[str, tuple[nn.Module, ...]]:
    """The six networks by name, each as its parts."""
    return {
        "global": (model.global_trunk, model.global_head),
        "medium": (model.medium_trunk, model.medium_head),
        "local": (model.local_trunk, model.local_head),
        "decoder": (model.decoder_trunk, model.decoder_head),
        "predictor_m": (model.predictor_m_trunk, model.predictor_m_head),
        "predictor_h": (model.predictor_h_trunk, model.predictor_h_head),
    }


def _check(spec: ModelSpec) -> None:
    for name in (
        "global_channels", "medium_channels", "local_channels",
        "decoder_channels", "predictor_m_channels", "predictor_h_channels",
    ):  # fmt: skip
        if not getattr(spec, name):
            raise SpecError(f"{name} is empty.", "Give at least one hidden size.", name)
    for name in ("local_kernel", "decoder_kernel"):
        if getattr(spec, name) % 2 == 0:
            raise SpecError(f"{name} is even.", "A kernel centred on its frame is odd: 1, 3, 5 or 7.", name)
