"""Transfer in a warm worker: from a drop to the first sound, a moved slider, and the vocoder beside librosa's.

    python -m tests.bench.transfer_speed [--json FILE]                 (pip install librosa; benchmark only)

A five-second clip receives the voice of another with a model of the paper's sizes (untrained weights take as long
as trained ones). "Drop to first sound" is a whole transfer of a source that the worker has not met yet; "slider"
is the next one with another strength. Both write all files and measure all evidence, as the window asks for.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.bench.measuring import Row, arguments, interleaved, middle, milliseconds, tell, timed  # isort: skip

import librosa
import numpy as np
import torch

from engine.analysis import analyse
from engine.api import Analyse, Control, LatentRef, Transfer
from engine.api.specs import AudioSpec
from engine.audio.mel import MelFrontEnd
from engine.audio.vocoders.griffin_lim import griffin_lim
from engine.transfer import transfer_job
from tests.bench.recordings import full_size_model, speech, write_clips

CLIP_S = 5.0
ITERATIONS = 32


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    wanted = parser.parse_args()
    torch.set_num_threads(wanted.threads)
    with tempfile.TemporaryDirectory() as folder:
        rows = drops(Path(folder), wanted.rounds)
    rows += vocoder(wanted.rounds)
    tell("Transfer", rows, wanted.json)


def drops(folder: Path, rounds: int) -> list[Row]:
    model = full_size_model(folder)
    clips = write_clips(folder / "clips", [CLIP_S] * (rounds + 2))
    analyse.analyse(Analyse(clips, str(folder / "out"), model, "cpu"), lambda event: None, lambda: Control.RUN)
    reference, *sources = (str(folder / "out" / clip.id) for clip in clips)

    def render(source: str, strength: float) -> None:
        request = Transfer(
            source=source,
            model=model,
            out_dir=str(folder / "takes"),
            name="take",
            strength=strength,
            voice=(LatentRef(reference),),
            device="cpu",
        )
        transfer_job.render(request, lambda event: None, lambda: Control.RUN)

    render(sources.pop(), 1.0)  # the worker is warm
    first, slider = [], []
    for source in sources:
        first.append(timed(lambda source=source: render(source, 1.0)))
        slider.append(timed(lambda source=source: render(source, 0.8)))
    rows = []
    for name, timings, goal_ms in (("Drop to first sound", first, 1000.0), ("Slider to new sound", slider, 300.0)):
        timing = middle(timings)
        rows.append(
            Row(
                f"{name}, clip of {CLIP_S:g} s, full-size model",
                1000.0 * timing.wall_s,
                "ms",
                goal=goal_ms,
                better="lower",
                ours=milliseconds(timing.cpu_s) + " of processor time",
            )
        )
    return rows


def vocoder(rounds: int) -> list[Row]:
    """The same magnitudes, at as many iterations and until it is as near; how far the sound's own are from them."""
    spec = AudioSpec()
    front_end = MelFrontEnd(spec)
    wave = speech(CLIP_S)
    magnitude = front_end.stft(torch.from_numpy(wave)).abs()
    for_librosa = magnitude.numpy()

    def ours(iterations: int = ITERATIONS) -> np.ndarray:
        return griffin_lim(magnitude, front_end, samples=len(wave), iterations=iterations).numpy()

    def librosas() -> np.ndarray:
        return librosa.griffinlim(
            for_librosa,
            n_iter=ITERATIONS,
            hop_length=spec.hop_samples,
            n_fft=spec.n_fft,
            length=len(wave),
            random_state=0,
        )

    def away(sound: np.ndarray) -> float:
        found = front_end.stft(torch.from_numpy(np.asarray(sound, np.float32))).abs()
        return float((found - magnitude).norm() / magnitude.norm())

    convergence = {name: away(make()) for name, make in (("ours", ours), ("librosa", librosas))}
    enough = next((n for n in range(1, ITERATIONS) if away(ours(n)) <= convergence["librosa"]), ITERATIONS)
    fast, slow, fewer = interleaved([ours, librosas, lambda: ours(enough)], rounds)
    return [
        Row(
            f"Vocoder, Griffin-Lim with {ITERATIONS} iterations",
            slow.wall_s / fast.wall_s,
            "x",
            goal=5.0,
            baseline="librosa.griffinlim, same iterations",
            ours=f"real-time factor {fast.wall_s / CLIP_S:.3f}",
            theirs=f"real-time factor {slow.wall_s / CLIP_S:.3f}",
            note=f"{slow.cpu_s / fast.cpu_s:.1f} times by processor seconds",
        ),
        Row(
            f"Vocoder, Griffin-Lim until it is as near to the magnitudes ({enough} iterations)",
            slow.wall_s / fewer.wall_s,
            "x",
            goal=5.0,
            baseline=f"librosa.griffinlim, {ITERATIONS} iterations",
            ours=f"real-time factor {fewer.wall_s / CLIP_S:.3f}",
            theirs=f"real-time factor {slow.wall_s / CLIP_S:.3f}",
            note=f"{slow.cpu_s / fewer.cpu_s:.1f} times by processor seconds",
        ),
        Row(
            "Vocoder, spectral distance from the wanted magnitudes",
            convergence["ours"] / convergence["librosa"],
            "x",
            goal=1.0,
            better="lower",
            baseline="librosa.griffinlim",
            ours=f"{convergence['ours']:.4f}",
            theirs=f"{convergence['librosa']:.4f}",
        ),
    ]


if __name__ == "__main__":
    main()
