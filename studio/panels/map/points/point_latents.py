"""Points of a map as latents: what is dragged away with them, what the engine gets of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from engine.api import LatentRef
from studio.domain.clip import Clip
from studio.domain.drag_payload import Payload
from studio.panels.map.points.point_table import Key

Mean = Sequence[tuple[Key, float]]  # points and their weights, the weightiest first


class PointLatents:
    """The latents behind the points of one map.

    Args:
        latent: "h", "m" or "z". clips: returns the library's clips by id.
    """

    def __init__(self, latent: str, clips: Callable[[], Mapping[str, Clip]]) -> None:
        self._latent, self._clips = latent, clips

    def ref(self, key: Key) -> LatentRef | None:
        """A point's own latent; None where its clip is gone or not analysed."""
        clip = self._clips().get(key[0])
        if clip is None or clip.folder is None:
            return None
        return LatentRef(clip.folder, None if self._latent == "h" else key[1])

    def payload(self, keys: list[Key]) -> Payload:
        """What is dragged away with these points: seconds of m from the map of m, else whole clips."""
        if self._latent == "m":
            return Payload("seconds", seconds=tuple(keys))
        return Payload("clips", clips=tuple(dict.fromkeys(clip for clip, _ in keys)))

    def payload_of_mean(self, mean: Mean, name: str) -> Payload | None:
        """A mean of points as a reference: a voice (map of h) or an emotion (map of m); of z there is none."""
        if self._latent == "z":
            return None
        weights = tuple(weight for _, weight in mean)
        if self._latent == "m":
            return Payload("seconds", seconds=tuple(key for key, _ in mean), weights=weights, name=name)
        return Payload("clips", clips=tuple(key[0] for key, _ in mean), weights=weights, name=name)

    def refs_of_mean(self, mean: Mean) -> list[LatentRef]:
        """A mean of points as the engine takes it."""
        found = []
        for key, weight in mean:
            if (ref := self.ref(key)) is not None:
                found.append(LatentRef(ref.folder, ref.second, weight))
        return found
