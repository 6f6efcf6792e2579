"""Analysis: the mel front end beside librosa and torchaudio, the whole pipeline beside real time, memory, export.

    python -m tests.bench.analysis_speed [--clips 40] [--json FILE]      (pip install librosa; benchmark only)

The pipeline decodes FLAC, measures mel and F0, encodes h, m and z with a model of the paper's sizes and stores all
of it. The hour-long file is analysed in a process of its own, whose peak memory is compared with that of a file of
three minutes.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.bench.measuring import Apart, Row, Timing, arguments, interleaved, milliseconds, peak_mib, tell, timed  # isort: skip

import librosa
import numpy as np
import soundfile
import threadpoolctl
import torch
import torchaudio

from engine.analysis import analyse as analysis
from engine.api import Analyse, ClipRef, Control, Export
from engine.api.specs import AudioSpec
from engine.audio.mel import MelFrontEnd
from engine.export import latents_table
from tests.bench.recordings import analysed_folders, full_size_model, speech, write_clips, write_long

SPEC = AudioSpec()
MANY = 64  # clips of 10 s


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--clips", type=int, default=40, help="recordings of 5 to 15 s in the pipeline")
    parser.add_argument("--minutes", type=int, default=60, help="length of the long file")
    parser.add_argument("--again", type=int, default=2_000, help="clips analysed a second time")
    parser.add_argument("--rows", type=int, default=10_000, help="clips in the CSV")
    wanted = parser.parse_args()
    torch.set_num_threads(wanted.threads)
    with tempfile.TemporaryDirectory() as folder:
        rows = [*front_end(), on_all_cores(wanted.threads)]
        rows += pipeline(Path(folder), wanted.clips) + long_file(Path(folder), wanted.minutes)
        rows += [*again(Path(folder), wanted.again), table(Path(folder), wanted.rows)]
    tell("Analysis", rows, wanted.json)


def front_end() -> list[Row]:
    """Log-mel of eight clips of 5 to 15 seconds, on one thread each: librosa's product over two is no faster, but
    spins on both meanwhile, and that is not to count for us."""
    with threadpoolctl.threadpool_limits(1):
        return _front_end()


def _front_end() -> list[Row]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    waves = [speech(seconds, number) for number, seconds in enumerate(np.linspace(5.0, 15.0, 8))]
    mel = MelFrontEnd(SPEC)
    of_torchaudio = torchaudio.transforms.MelSpectrogram(
        SPEC.rate_hz,
        SPEC.n_fft,
        hop_length=SPEC.hop_samples,
        n_mels=SPEC.bands,
        f_min=SPEC.low_hz,
        f_max=SPEC.high_hz,
        power=1.0,
        norm="slaney",
        mel_scale="slaney",
    )

    def ours(wave: np.ndarray) -> np.ndarray:
        return mel.log_mel(torch.from_numpy(wave)).numpy().T

    def torchaudios(wave: np.ndarray) -> np.ndarray:
        return of_torchaudio(torch.from_numpy(wave)).clamp_min(SPEC.floor_amplitude).log().numpy()

    def over_all(one):
        return lambda: [one(wave) for wave in waves]

    timings = interleaved([over_all(one) for one in (ours, librosas, torchaudios)], rounds=15)
    rows = []
    for name, other, timing, goal, nearest in (
        ("librosa", librosas, timings[1], 3.0, 1e-4),
        ("torchaudio", torchaudios, timings[2], 1.0, None),  # works in float32: its own rounding is 3e-4
    ):
        apart = max(float(np.abs(ours(w) - other(w)[:, : ours(w).shape[1]]).max()) for w in waves)
        rows.append(
            Row(
                f"Mel front end beside {name}",
                timing.cpu_s / timings[0].cpu_s,
                "x",
                goal=goal,
                baseline=f"{name}, same settings, processor seconds",
                ours=milliseconds(timings[0].cpu_s / len(waves)) + " a clip",
                theirs=milliseconds(timing.cpu_s / len(waves)) + " a clip",
            )
        )
        rows.append(Row(f"Largest difference from {name}'s log-mel", apart, "nepers", goal=nearest, better="lower"))
    torch.set_num_threads(threads)
    return rows


def librosas(wave: np.ndarray) -> np.ndarray:
    found = librosa.feature.melspectrogram(
        y=wave,
        sr=SPEC.rate_hz,
        n_fft=SPEC.n_fft,
        hop_length=SPEC.hop_samples,
        n_mels=SPEC.bands,
        fmin=SPEC.low_hz,
        fmax=SPEC.high_hz,
        power=1.0,
        norm="slaney",
        pad_mode="reflect",
    )
    return np.log(np.maximum(found, SPEC.floor_amplitude))


def on_all_cores(processes: int) -> Row:
    """Log-mels of many clips, shared out to processes as a corpus's are when it is read; librosa has its loop."""
    waves = [speech(10.0, number) for number in range(MANY)]
    sides = [Apart(share_of_mels, number, processes, threads=1) for number in range(processes)]
    found: list[tuple[float, float]] = []
    with ThreadPoolExecutor(processes) as at_once:
        for _ in range(8):
            ours = max(timing.wall_s for timing in at_once.map(lambda side: side(), sides))  # the last to be ready
            found.append((ours, timed(lambda: [librosas(wave) for wave in waves]).wall_s))
    for side in sides:
        side.end()
    ours, theirs = (statistics.median(walls) for walls in zip(*found[1:], strict=True))  # the first is to get warm
    return Row(
        f"Log-mels of {MANY} clips of 10 s in {processes} processes of a thread each",
        theirs / ours,
        "x",
        goal=3.0,
        baseline="librosa, one clip after the other, as it comes",
        ours=milliseconds(ours),
        theirs=milliseconds(theirs),
        note="wall-clock",
    )


def share_of_mels(number: int, of: int) -> Callable[[], object]:
    waves = [torch.from_numpy(speech(10.0, clip)) for clip in range(number, MANY, of)]
    mel = MelFrontEnd(SPEC)
    return lambda: [mel.log_mel(wave) for wave in waves]


def pipeline(folder: Path, count: int) -> list[Row]:
    clips = write_clips(folder / "clips", np.linspace(5.0, 15.0, count).tolist())
    short = write_clips(folder / "short", np.linspace(1.0, 3.0, 2 * count).tolist())
    model = full_size_model(folder)
    analyse(clips[:2], folder / "warm", model)
    rows = []
    for name, some, goal in (("clips of 5 to 15 s", clips, 100.0), ("clips of 1 to 3 s", short, None)):
        speech_s = 0.0
        timings: list[Timing] = []
        for turn in range(3):
            out = folder / f"out-{name}-{turn}"
            os.environ["TRIPTYCH_CACHE"] = str(folder / f"cache-{name}-{turn}")  # or the turn before would help
            timings.append(timed(lambda some=some, out=out: analyse(some, out, model)))
            speech_s = sum(float(analysis.StoredClip(str(out / clip.id)).meta().duration_s) for clip in some)
        best = min(timings, key=lambda timing: timing.wall_s)
        rows.append(
            Row(
                f"Whole pipeline, full-size model, {name}",
                speech_s / best.wall_s,
                "x",
                goal=goal,
                baseline="real time",
                ours=f"{speech_s:.0f} s of speech in {best.wall_s:.2f} s",
                note=f"{speech_s / best.cpu_s:.0f} times by processor seconds of one core",
            )
        )
    return rows


def again(folder: Path, count: int) -> list[Row]:
    """Analysis of files that were analysed before: in the same folder, and in another one, by content."""
    rng = np.random.default_rng(0)
    wave = speech(300.0, 1)
    starts = rng.integers(0, len(wave) - SPEC.rate_hz, count)
    clips = []
    (folder / "many").mkdir()
    for number, start in enumerate(starts):
        path = folder / "many" / f"{number}.flac"
        soundfile.write(path, wave[start : start + SPEC.rate_hz], SPEC.rate_hz)
        clips.append(ClipRef(str(number), str(path)))
    some, model = tuple(clips), full_size_model(folder)
    os.environ["TRIPTYCH_CACHE"] = str(folder / "cache-many")
    first, *later = (timed(lambda out=out: analyse(some, folder / out, model)) for out in ("one", "one", "other"))
    return [
        Row(
            f"Analysis of {count} unchanged clips of 1 s {where}",
            first.cpu_s / timing.cpu_s,
            "x",
            goal=goal,
            baseline="the first analysis, processor seconds",
            ours=milliseconds(timing.cpu_s / count) + " a clip",
            theirs=milliseconds(first.cpu_s / count) + " a clip",
        )
        for where, timing, goal in (("again", later[0], 50.0), ("for another folder", later[1], None))
    ]


def analyse(clips: tuple[ClipRef, ...], out: Path, model: str) -> None:
    done = analysis.analyse(Analyse(clips, str(out), model, "cpu"), lambda event: None, lambda: Control.RUN)
    if done.failed or done.clips != len(clips):
        raise RuntimeError(f"{done.failed} of {len(clips)} clips failed")


def long_file(folder: Path, minutes: int) -> list[Row]:
    """Peak memory of analysing a long file and one of three minutes, each in a fresh process."""
    model = full_size_model(folder)
    peaks, walls = [], []
    for length in (3, minutes):
        path = folder / f"{length}.flac"
        write_long(path, 60.0 * length)
        spawn = multiprocessing.get_context("spawn")
        results = spawn.SimpleQueue()
        process = spawn.Process(target=analyse_long, args=(str(path), str(folder / f"out{length}"), model, results))
        process.start()
        peak, wall = results.get()
        process.join()
        peaks.append(peak)
        walls.append(wall)
    return [
        Row(
            f"Memory for a file of {minutes} minutes",
            peaks[1] - peaks[0],
            "MiB",
            goal=150.0,
            better="lower",
            baseline="a file of three minutes",
            ours=f"peak {peaks[1]:.0f} MiB",
            theirs=f"peak {peaks[0]:.0f} MiB",
            note=f"more than the baseline needs; {60.0 * minutes / walls[1]:.0f} times real time",
        )
    ]


def analyse_long(path: str, out: str, model: str, results: multiprocessing.SimpleQueue) -> None:
    timing = timed(lambda: analyse((ClipRef("long", path),), Path(out), model))
    results.put((peak_mib(), timing.wall_s))


def table(folder: Path, count: int) -> Row:
    clips = analysed_folders(folder / "analysed", count)
    request = Export(clips, str(folder / "h.csv"))
    timing = timed(lambda: latents_table.export(request, lambda event: None, lambda: Control.RUN))
    size_mb = (folder / "h.csv").stat().st_size / 1e6
    return Row(
        f"CSV of h of {count} clips, 512 numbers each",
        timing.wall_s,
        "s",
        goal=10.0,
        better="lower",
        ours=f"{size_mb:.0f} MB",
    )


if __name__ == "__main__":
    main()
