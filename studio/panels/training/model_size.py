"""How large a model will be, before it is built."""

from __future__ import annotations

from engine.api import ModelSpec


def weights_of(spec: ModelSpec) -> int:
    """Trainable numbers of the six networks and of the attribute heads; the model itself lives where torch is."""
    latent = spec.latent

    def network(inputs: int, channels: tuple[int, ...], outputs: int, *, kernel: int, slow: int, norm: bool) -> int:
        total, size = 0, inputs
        for place, channel in enumerate(channels):
            total += (kernel * size + 1) * channel + (slow * channel if place == 0 else 0)
            total += 2 * channel if norm else 0
            size = channel
        return total + (size + 1) * outputs

    both = 2 * latent  # mean and log-variance
    # by one linear layer attributes enter a latent, by another they are predicted from it
    heads = sum(2 * latent * size + latent + size for size in spec.attribute_sizes if size)
    return heads + (
        network(spec.bands, spec.global_channels, both, kernel=3, slow=0, norm=True)
        + network(spec.bands, spec.medium_channels, both, kernel=3, slow=latent, norm=True)
        + network(spec.bands, spec.local_channels, both, kernel=spec.local_kernel, slow=both, norm=True)
        + network(latent, spec.decoder_channels, spec.bands, kernel=spec.decoder_kernel, slow=0, norm=True)
        + network(latent, spec.predictor_m_channels, both, kernel=1, slow=latent, norm=False)
        + network(latent, spec.predictor_h_channels, both, kernel=1, slow=0, norm=False)
    )
