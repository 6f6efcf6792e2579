"""Settings of the clip view that outlast the program: colours, levels, volume, loop and the output device."""

from __future__ import annotations

import zlib

from studio.audio.player import Player
from studio.panels.clip.transport import TransportBar
from studio.plots.recording_view import RecordingView
from studio.services.preferences import Preferences


def remember_look(preferences: Preferences, view: RecordingView) -> None:
    """Take colours, levels and choices of the view from the preferences, and keep them there."""

    def keep() -> None:
        for name, value in view.look().items():
            preferences.set(f"clip_view/{name}", value)

    view.set_look({name: preferences.get(f"clip_view/{name}", value) for name, value in view.look().items()})
    view.look_changed.connect(keep)


def remember_playback(preferences: Preferences, transport: TransportBar, player: Player) -> None:
    """Take volume, loop, output device and its latency from the preferences, and keep them there."""
    get, devices, output = preferences.get, transport.devices, player.output
    transport.set_volume(get("playback/volume", 1.0))
    transport.set_loop(get("playback/loop", False))
    transport.volume_changed.connect(lambda volume: preferences.set("playback/volume", volume))
    transport.loop_changed.connect(lambda loop: preferences.set("playback/loop", loop))
    output.choose(get("playback/device", ""))
    devices.device_chosen.connect(lambda device: preferences.set("playback/device", device))
    devices.latency_chosen.connect(lambda name, ms: preferences.set(latency_key(name), ms))
    output.changed.connect(lambda name: output.set_latency_ms(get(latency_key(name), 0)))


def latency_key(device: str) -> str:
    """The key of a device's latency: names of devices hold whatever their makers like, keys must be plain."""
    return f"playback/latency_ms_{zlib.crc32(device.encode()):08x}"
