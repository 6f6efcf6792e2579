"""Speaking into a real microphone: what is said is kept as it was, analysed, and placed on the map."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from scipy.signal import correlate, resample_poly
from small_model import save_small_model

RATE = 48_000
STRAY = RATE // 10
MICROPHONE = "master=voice.monitor source_name=mic source_properties=device.description=Microphone"


def test_a_recording_lands_in_the_library_and_on_the_map(
    sound_server: Any, speech: list[Path], triptych_home: Path, tmp_path: Path
) -> None:
    sound_server.load("module-null-sink sink_name=voice rate=48000 channels=1")
    sound_server.load(f"module-remap-source {MICROPHONE}")
    program = (Path(__file__).parent / "speaking_studio.py").read_text("utf-8")
    process = sound_server.run(program, str(save_small_model(tmp_path)), *map(str, speech))
    listening = json.loads(process.stdout.readline())
    assert listening == {"listening": "Microphone"}
    clip, clip_rate = soundfile.read(speech[0], dtype="float32")
    spoken = resample_poly(clip, RATE, clip_rate)
    soundfile.write(tmp_path / "spoken.wav", spoken, RATE, subtype="FLOAT")
    subprocess.run(
        ["paplay", "-d", "voice", str(tmp_path / "spoken.wav")], env=sound_server.env, timeout=60, check=True
    )
    output, errors = process.communicate(timeout=110)
    assert process.returncode == 0, output + errors
    told = json.loads(output.splitlines()[-1])
    assert told["labels"] == {"speaker": "me"}
    assert told["points"] == len(speech) + 1
    assert np.isfinite(told["place"]).all()
    assert told["said"] == "“said.wav” is in the library and selected on the map."
    heard, heard_rate = soundfile.read(told["recorded"], dtype="float32")
    assert heard_rate == RATE
    start = int(np.argmax(correlate(heard, spoken, "full", "fft"))) - len(spoken) + 1
    assert -STRAY < start <= len(heard) - len(spoken) + STRAY  # whole: its first and its last word
    assert np.median(likenesses(heard, spoken, max(0, start))) > 0.9


def likenesses(heard: np.ndarray, spoken: np.ndarray, start: int) -> list[float]:
    """Correlation of every quarter of a second that is no pause, wherever it lies within a tenth of a second.

    A sound server on a busy machine loses a few milliseconds here and there; test_recorder shows that we lose none.
    """
    found = []
    for first in range(0, len(spoken) - RATE // 4, RATE // 4):
        part = spoken[first : first + RATE // 4]
        near = heard[max(0, start + first - STRAY) : start + first + len(part) + STRAY]
        if np.abs(part).max() > 0.05 and len(near) > len(part):
            best = int(np.argmax(correlate(near, part, "valid", "fft")))
            there = near[best : best + len(part)]
            found.append(float(there @ part / max(1e-9, np.linalg.norm(there) * np.linalg.norm(part))))
    assert len(found) > 5
    return found
