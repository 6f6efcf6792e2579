"""Analysis: what is stored, what is used again, what a bad clip, a cancel or a full disk leaves behind."""

from __future__ import annotations

import dataclasses
import os
import resource
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from engine.analysis import analyse as analysis
from engine.analysis import clip_inputs
from engine.api import (
    Analyse,
    AnalyseDone,
    AudioSpec,
    Cancelled,
    CheckpointError,
    ClipAnalysed,
    ClipFailed,
    ClipRef,
    Control,
    Event,
    ExportError,
    ModelSpec,
    Partial,
    Progress,
    StoredClip,
    TrainSpec,
)
from engine.audio import files
from engine.audio.f0 import track
from engine.audio.mel import MelFrontEnd
from engine.model import checkpoint
from engine.model.aux_vae import AuxVAE
from engine.model.linear_heads import Head, as_tensors
from engine.model.timescale.inputs import for_analysis

SMALL = ModelSpec(
    latent=8,
    global_channels=(12,),
    medium_channels=(12,),
    local_channels=(16,),
    decoder_channels=(16,),
    predictor_m_channels=(8,),
    predictor_h_channels=(8,),
)


def keep_on() -> Control:
    return Control.RUN


def save_model(
    path: Path, seed: int = 0, audio_spec: AudioSpec | None = None, network: AuxVAE | None = None
) -> str:
    torch.manual_seed(seed)
    network = network or AuxVAE(SMALL)
    checkpoint.save(path, network, audio_spec or AudioSpec(), TrainSpec(), {"made": "by a test"})
    return str(path)


def network_of(recipe: str) -> AuxVAE:
    """Random weights; for timescale inputs an average voice whose acoustic classes lie apart, too."""
    torch.manual_seed(1)
    network = AuxVAE(dataclasses.replace(SMALL, views=recipe, sounds=4))
    network.set_scaling(torch.linspace(-4.0, -6.0, SMALL.bands), torch.tensor(1.5))
    if (heads := network.attribute_heads) is not None:
        heads.class_weights.fill_(0.25)
        heads.class_means.normal_()
        heads.class_offsets.normal_(0.0, 0.5)
        heads.spread.fill_(1.5)
    return network


@pytest.fixture
def model(tmp_path: Path) -> str:
    return save_model(tmp_path / "small.triptych.safetensors")


def analyse(
    paths: list[Path], out: Path, model: str | None = None, control: Callable[[], Control] = keep_on
) -> tuple[AnalyseDone, list[ClipAnalysed], list[ClipFailed]]:
    events: list[Event] = []
    clips = tuple(ClipRef(f"clip{n}", str(path)) for n, path in enumerate(paths))
    done = analysis.analyse(Analyse(clips, str(out), model, "cpu"), events.append, control)
    values = [event.value for event in events if isinstance(event, Partial)]
    return (
        done,
        [v for v in values if isinstance(v, ClipAnalysed)],
        [v for v in values if isinstance(v, ClipFailed)],
    )


def test_the_stored_arrays_are_those_of_the_front_end_and_the_model(
    speech: list[Path], tmp_path: Path, model: str
) -> None:
    done, (clip,), _ = analyse(speech[:1], tmp_path / "out", model)
    stored = StoredClip(clip.folder)
    spec = AudioSpec()
    recording = files.read(speech[0], spec)
    wave = stored.array("audio")
    np.testing.assert_allclose(wave * 10 ** (clip.gain_db / 20), recording.samples, atol=1e-6)
    mel = MelFrontEnd(spec).log_mel(torch.from_numpy(recording.samples)).numpy()
    np.testing.assert_allclose(stored.array("mel"), mel, atol=0.005)
    np.testing.assert_array_equal(np.isnan(stored.array("f0")), np.isnan(track(wave, spec.rate_hz, spec)))
    assert stored.array("peaks").shape == (-(-len(wave) // 256), 2)
    assert stored.array("peaks")[0].tolist() == [wave[:256].min(), wave[:256].max()]

    loaded = checkpoint.load(model)
    x = torch.from_numpy(np.array(stored.array("mel"), np.float32))[None]
    f0 = torch.from_numpy(np.array(stored.array("f0")))[None]
    with torch.no_grad():
        latents = loaded.model.encode(for_analysis(x, f0, SMALL, spec, loaded.model.band_mean))
    np.testing.assert_allclose(stored.array("h"), latents.h.mean[0], atol=1e-4)
    np.testing.assert_allclose(stored.array("m"), latents.m.mean[0], atol=1e-4)
    np.testing.assert_allclose(stored.array("z"), latents.z.mean[0], atol=1e-2)
    assert (stored.array("mel").dtype, stored.array("z").dtype) == (np.float16, np.float16)

    assert clip == stored.meta()
    assert clip.frames == len(mel)
    assert clip.seconds == len(stored.array("m")) == -(-len(mel) // 64)
    assert clip.model_hash == loaded.hash
    assert AudioSpec.from_dict(clip.audio) == spec
    assert done.clips == 1
    assert done.audio_s == pytest.approx(len(wave) / spec.rate_hz)


def test_without_a_model_there_are_no_latents(speech: list[Path], tmp_path: Path) -> None:
    _, (clip,), _ = analyse(speech[:1], tmp_path / "out")
    assert clip.model_hash is None
    assert not any(StoredClip(clip.folder).has(name) for name in "hmz")


def test_a_changed_model_only_encodes_again(
    speech: list[Path], tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, (before,), _ = analyse(speech[:1], tmp_path / "out", model)
    mel = np.array(StoredClip(before.folder).array("mel"))
    h = np.array(StoredClip(before.folder).array("h"))
    other = save_model(tmp_path / "other.triptych.safetensors", seed=1)
    monkeypatch.setattr(files, "stream", None)  # reading the sound again would fail
    _, (after,), _ = analyse(speech[:1], tmp_path / "out", other)
    np.testing.assert_array_equal(StoredClip(after.folder).array("mel"), mel)
    assert after.model_hash != before.model_hash
    assert not np.allclose(StoredClip(after.folder).array("h"), h)
    assert dataclasses.replace(after, model_hash=before.model_hash) == before


def test_nothing_is_computed_twice(speech: list[Path], tmp_path: Path, model: str) -> None:
    _, first, _ = analyse(speech[:1], tmp_path / "out", model)
    written = os.stat(tmp_path / "out" / "clip0" / "meta.json").st_mtime_ns
    _, again, _ = analyse(speech[:1], tmp_path / "out", model)
    assert again == first
    assert os.stat(tmp_path / "out" / "clip0" / "meta.json").st_mtime_ns == written


def test_a_changed_file_is_read_again(speech: list[Path], tmp_path: Path) -> None:
    source = tmp_path / "clip.flac"
    shutil.copyfile(speech[0], source)
    _, (before,), _ = analyse([source], tmp_path / "out")
    shutil.copyfile(speech[2], source)
    _, (after,), _ = analyse([source], tmp_path / "out")
    assert after.duration_s != before.duration_s


def test_a_damaged_folder_is_made_anew(speech: list[Path], tmp_path: Path) -> None:
    _, (before,), _ = analyse(speech[:1], tmp_path / "out")
    (Path(before.folder) / "mel.npy").unlink()
    (tmp_path / "out" / ".clip0.partial").mkdir()  # left by a process that was killed
    _, (after,), _ = analyse(speech[:1], tmp_path / "out")
    assert StoredClip(after.folder).has("mel")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["clip0"]


def test_bad_clips_are_reported_and_the_others_go_through(speech: list[Path], tmp_path: Path, model: str) -> None:
    text = tmp_path / "text.wav"
    text.write_text("no sound", "utf-8")
    short = tmp_path / "short.wav"
    soundfile.write(short, np.full(1000, 0.1), 16000)
    silent = tmp_path / "silent.wav"
    soundfile.write(silent, np.zeros(16000), 16000)
    paths = [speech[0], text, tmp_path / "gone.wav", speech[1], short, silent]
    done, clips, failed = analyse(paths, tmp_path / "out", model)
    assert (done.clips, done.failed) == (2, 4)
    assert [clip.clip_id for clip in clips] == ["clip0", "clip3"]
    assert [clip.clip_id for clip in failed] == ["clip1", "clip2", "clip4", "clip5"]
    assert all(clip.what and clip.hint for clip in failed)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["clip0", "clip3"]


def test_a_name_with_emoji_and_newline_is_no_obstacle(speech: list[Path], tmp_path: Path) -> None:
    source = tmp_path / "smile 😀\nline.flac"
    shutil.copyfile(speech[0], source)
    assert analyse([source], tmp_path / "out")[0].clips == 1


def test_a_clip_as_short_as_can_be_is_analysed(tmp_path: Path, tone: Callable[..., np.ndarray], model: str) -> None:
    source = tmp_path / "short.wav"
    soundfile.write(source, tone(220.0, 0.2), 16000)
    _, (clip,), _ = analyse([source], tmp_path / "out", model)
    assert (clip.frames, clip.seconds) == (13, 1)


def test_cancel_leaves_finished_clips_and_nothing_half_done(speech: list[Path], tmp_path: Path, model: str) -> None:
    looks = 0

    def control() -> Control:
        nonlocal looks
        looks += 1
        # The second clip is read, and the first is done.
        second = out / ".clip1.partial" / "mel.npy"
        return Control.CANCEL if second.exists() and (out / "clip0").exists() else Control.RUN

    out = tmp_path / "out"
    with pytest.raises(Cancelled):
        analyse(speech, out, model, control)
    assert looks > 2
    assert [path.name for path in out.iterdir()] == ["clip0"]


def test_stop_keeps_what_is_done(speech: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    done, clips, _ = analyse(speech, out, None, lambda: Control.STOP if (out / "clip1").exists() else Control.RUN)
    assert done.clips == len(clips) == 2


def test_progress_rises_and_tells_the_time_left(speech: list[Path], tmp_path: Path) -> None:
    events: list[Event] = []
    clips = tuple(ClipRef(f"c{n}", str(path)) for n, path in enumerate(speech))
    analysis.analyse(Analyse(clips, str(tmp_path / "out")), events.append, keep_on)
    progress = [event for event in events if isinstance(event, Progress)]
    fractions = [event.fraction for event in progress if event.fraction is not None]
    assert fractions == sorted(fractions)
    assert progress[0].eta_s is None
    assert all(event.eta_s is not None for event in progress[1:])


def test_a_folder_that_may_not_be_written_is_reported_in_words(speech: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.write_text("a file", "utf-8")
    with pytest.raises(ExportError, match="cannot be written"):
        analyse(speech, out)


def test_a_full_disk_ends_the_job_in_words_and_leaves_nothing_half_done(speech: list[Path], tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))  # Python ignores SIGXFSZ: writing then fails
    try:
        with pytest.raises(ExportError) as caught:
            analyse(speech, tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.hint
    assert list((tmp_path / "out").iterdir()) == []


def test_a_damaged_model_is_refused_before_any_work(speech: list[Path], tmp_path: Path) -> None:
    bad = tmp_path / "bad.triptych.safetensors"
    bad.write_bytes(b"nothing")
    with pytest.raises(CheckpointError):
        analyse(speech, tmp_path / "out", str(bad))
    assert not (tmp_path / "out").exists()


def test_the_models_own_front_end_is_used(speech: list[Path], tmp_path: Path) -> None:
    spec = AudioSpec(level_dbfs=-20.0)
    loud = save_model(tmp_path / "loud.triptych.safetensors", audio_spec=spec)
    _, (plain,), _ = analyse(speech[:1], tmp_path / "out")
    _, (clip,), _ = analyse(speech[:1], tmp_path / "out", loud)
    assert clip.gain_db == pytest.approx(plain.gain_db + 6.0)
    assert clip.source_key != plain.source_key


def test_a_model_stays_loaded_until_its_file_changes(tmp_path: Path, model: str) -> None:
    device = torch.device("cpu")
    first = analysis.load_model(model, device)
    assert analysis.load_model(model, device) is first
    save_model(Path(model), seed=5)
    assert analysis.load_model(model, device).hash != first.hash


def test_an_identifier_that_is_no_folder_name_is_refused(speech: list[Path], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="names its folder"):
        analysis.analyse(
            Analyse((ClipRef("../x", str(speech[0])),), str(tmp_path / "out")), lambda event: None, keep_on
        )


def test_a_long_clip_is_streamed_and_equals_the_whole(
    tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "long.wav"
    noise = np.random.default_rng(0).normal(size=22_050 * 150) * 0.1
    soundfile.write(source, noise, 22_050)
    _, (whole,), _ = analyse([source], tmp_path / "whole", model)
    monkeypatch.setattr(analysis, "BLOCK_S", 7.0)
    monkeypatch.setattr(clip_inputs, "WHOLE_FRAMES", 64)
    _, (pieces,), _ = analyse([source], tmp_path / "pieces", model)
    for name in ("audio", "peaks", "mel", "h", "m", "z"):
        a, b = (np.asarray(StoredClip(c.folder).array(name), np.float32) for c in (whole, pieces))
        np.testing.assert_allclose(a, b, atol=1e-2 if name in ("mel", "z") else 1e-4)
    assert pieces.frames == 150 * 64


def test_readings_of_every_second_are_stored_where_the_model_carries_them(
    tmp_path: Path, speech: list[Path]
) -> None:
    plain, read = tmp_path / "plain.triptych.safetensors", tmp_path / "read.triptych.safetensors"
    torch.manual_seed(0)
    model = AuxVAE(SMALL)
    checkpoint.save(plain, model, AudioSpec(), TrainSpec(), {"made": "for a test"})
    weight = np.linspace(-1, 1, SMALL.latent, dtype=np.float32)[None]
    head = Head("arousal", "m", (), weight, np.full(1, 0.25, np.float32))
    checkpoint.save(read, model, AudioSpec(), TrainSpec(), {"made": "for a test"}, as_tensors({"arousal": head}))
    clips = (ClipRef("a", str(speech[0])),)
    stored = StoredClip(str(tmp_path / "out" / "a"))
    for path, known in ((plain, False), (read, True), (plain, False)):
        analysis.analyse(Analyse(clips, str(tmp_path / "out"), str(path), "cpu"), lambda event: None, keep_on)
        assert stored.has("arousal") == known
        assert not stored.has("valence")
        if known:
            expected = np.array(stored.array("m"), np.float64) @ weight[0] + 0.25
            assert np.allclose(stored.array("arousal"), expected, atol=1e-5)


@pytest.mark.parametrize("recipe", ["plain", "timescale"])
def test_clips_encoded_together_equal_each_encoded_alone(speech: list[Path], tmp_path: Path, recipe: str) -> None:
    model = save_model(tmp_path / "small.triptych.safetensors", network=network_of(recipe))
    cut = []
    for number, (path, seconds) in enumerate(
        zip(speech * 2, (0.3, 1.0, 2.5, 1.7, 0.9, 2.5, 0.2, 2.0), strict=True)
    ):
        samples, rate_hz = soundfile.read(path, stop=round(seconds * soundfile.info(path).samplerate))
        cut.append(tmp_path / f"{number}.wav")
        soundfile.write(cut[-1], samples, rate_hz)
    _, together, _ = analyse(cut, tmp_path / "together", model)
    assert len(together) == len(cut)
    for number, path in enumerate(cut):
        alone = analyse([path], tmp_path / f"alone{number}", model)[1][0]
        assert (alone.frames, alone.seconds) == (together[number].frames, together[number].seconds)
        for name in ("h", "m", "z"):
            one, other = (StoredClip(clip.folder).array(name) for clip in (together[number], alone))
            np.testing.assert_allclose(one, other, atol=2e-3 if name == "z" else 1e-5)


def test_a_bad_clip_among_short_ones_is_reported_in_place(speech: list[Path], tmp_path: Path, model: str) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"nothing")
    events: list[Event] = []
    clips = tuple(ClipRef(f"c{n}", str(path)) for n, path in enumerate([speech[0], bad, speech[1]]))
    analysis.analyse(Analyse(clips, str(tmp_path / "out"), model, "cpu"), events.append, keep_on)
    kinds = [type(event.value).__name__ for event in events if isinstance(event, Partial)]
    assert kinds == ["ClipAnalysed", "ClipFailed", "ClipAnalysed"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["c0", "c2"]
