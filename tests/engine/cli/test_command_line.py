"""The command line: a stable contract of arguments, JSON, exit statuses and words."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from engine import jobs
from engine.__main__ import main
from engine.api import (
    AudioSpec,
    Control,
    ControlSignal,
    Evidence,
    ModelSpec,
    Progress,
    Report,
    Request,
    Result,
    RunSpec,
    StoredClip,
    Take,
    Train,
    TrainDone,
    TrainSpec,
    Transfer,
)
from engine.model import checkpoint
from engine.model.aux_vae import AuxVAE
from engine.runtime import resources

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("model") / "small.triptych.safetensors"
    torch.manual_seed(0)
    spec = ModelSpec(
        latent=8, global_channels=(12,), medium_channels=(12,), local_channels=(16,), decoder_channels=(16,),
        predictor_m_channels=(8,), predictor_h_channels=(8,),
    )  # fmt: skip
    checkpoint.save(path, AuxVAE(spec), AudioSpec(), TrainSpec(), {"made": "by a test"})
    return str(path)


Answer = tuple[int, dict[str, Any], str]


@pytest.fixture
def triptych(capsys: pytest.CaptureFixture[str]) -> Any:
    """triptych(arguments...) -> exit status, the JSON object, what stderr says."""

    def call(*arguments: object) -> Answer:
        status = main([str(a) for a in arguments] + ["--json"])
        said = capsys.readouterr()
        facts: dict[str, Any] = json.loads(said.out.splitlines()[-1])
        return status, facts, said.err

    return call


@pytest.fixture
def latents(tmp_path: Path) -> Path:
    """A file of h such as `analyse` writes."""
    path = tmp_path / "latents.csv"
    random = np.random.default_rng(0)
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["clip", "file", "speaker", "duration_s", *(f"h_{d:03d}" for d in range(6))])
        for n in range(20):
            rows.writerow(
                [f"clip{n}", f"{n}.wav", "'=Ann" if n % 2 else "Bo", 1.0, *(random.normal(size=6) + 9 * (n % 2))]
            )
    return path


def test_analyse_writes_latents_with_labels_and_reports(
    triptych: Any, speech: list[Path], tmp_path: Path, model: str
) -> None:
    (tmp_path / "voices" / "ann").mkdir(parents=True)
    for n, name in enumerate(("one.flac", "two.flac")):
        (tmp_path / "voices" / "ann" / name).write_bytes(speech[n].read_bytes())
    out = tmp_path / "out.csv"
    status, facts, said = triptych("analyse", tmp_path / "voices", speech[2], "--out", out, "--model", model)
    assert status == 0
    assert facts["clips"] == facts["rows"] == 3
    assert facts["audio_s"] > 3
    assert facts["seconds"] > 0
    assert facts["files"] == [str(out), str(out.with_suffix(".json"))]
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["clip"] for row in rows} == {"ann/one.flac", "ann/two.flac", speech[2].name}
    assert len({row["h_000"] for row in rows}) == 3
    assert "Clip 1 of 3" in said


def test_analyse_goes_on_past_bad_files_and_names_them(
    triptych: Any, speech: list[Path], tmp_path: Path, model: str
) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_text("no sound", "utf-8")
    (tmp_path / "empty.wav").touch()
    status, facts, said = triptych(
        "analyse",
        bad,
        tmp_path / "empty.wav",
        speech[0],
        "--out",
        tmp_path / "o.npz",
        "--model",
        model,
        "--latent",
        "all",
    )
    assert status == 0
    assert facts["clips"] == 1
    assert {f["path"] for f in facts["failed"]} == {str(bad), str(tmp_path / "empty.wav")}
    assert "bad.wav" in said
    assert (tmp_path / "o-z.npz").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("analyse", "gone.wav", "--out", "o.csv", "--model", "MODEL"), "is not there"),
        (("analyse", "bad.wav", "--out", "o.csv", "--model", "MODEL"), "None of the 1 recordings"),
        (("analyse", ".", "--out", "o.xls", "--model", "MODEL"), "which format"),
        (("analyse", "bad.wav", "--out", "o.csv", "--model", "bad.wav"), "bad.wav"),
        (("analyse", "bad.wav", "--out", "o.csv", "--model", "MODEL", "--device", "abacus"), "abacus"),
        (("map", "gone.csv", "--out", "p.csv"), "cannot be read"),
        (("map", "bad.csv", "--out", "p.csv"), "not a file of latents"),
        (("map", "bad.csv", "--out", "p.txt"), "which format"),
        (("info", "bad.wav"), "bad.wav"),
        (("train", "run"), "No corpus"),
        (("train", "run", "--resume"), "no training run"),
        (("train", "run", "--resume", "--seed", "3"), "keeps its settings"),
        (("train", "run", "--corpus", ".", "--minutes", "-1"), "minutes"),
        (("train", "run", "--corpus", ".", "--from", "bad.wav"), "bad.wav"),
        (("transfer", "bad.wav", "--out", "o.wav", "--model", "MODEL"), "Nothing was named"),
        (("transfer", "bad.wav", "--out", "o.wav", "--voice", "bad.wav", "--model", "MODEL"), "bad.wav"),
        (("transfer", "bad.wav", "--out", "o.mp3", "--voice", "bad.wav", "--model", "MODEL"), "no WAV file"),
        (
            ("transfer", "bad.wav", "--out", "o.wav", "--voice", "bad.wav", "--model", "MODEL", "--strength", "9"),
            "strength",
        ),
    ],
)
def test_bad_input_is_answered_in_two_parts_with_status_2(
    triptych: Any,
    arguments: tuple[str, ...],
    words: str,
    model: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.wav").write_text("no sound", "utf-8")
    Path("bad.csv").write_text("clip,h_000\na,one\n", "utf-8")
    status, facts, said = triptych(*(model if a == "MODEL" else a for a in arguments))
    assert status == 2
    assert words in facts["error"]["what"]
    assert facts["error"]["hint"]
    assert words in said
    assert "Traceback" not in said
    assert not Path("run").exists()


def test_without_a_model_analyse_says_how_to_get_one(
    triptych: Any, speech: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "default_model", lambda: None)
    status, facts, _ = triptych("analyse", speech[0], "--out", tmp_path / "o.csv")
    assert status == 2
    assert "model" in facts["error"]["what"]
    assert "triptych train" in facts["error"]["hint"]


def test_the_model_that_comes_with_the_program_is_the_default(
    triptych: Any, monkeypatch: pytest.MonkeyPatch, model: str, tmp_path: Path
) -> None:
    monkeypatch.setattr(resources, "folder", lambda: tmp_path)
    assert triptych("info")[0] == 2
    (tmp_path / resources.STARTER_MODEL).write_bytes(Path(model).read_bytes())
    status, facts, _ = triptych("info")
    assert status == 0
    assert facts["path"] == str(tmp_path / resources.STARTER_MODEL)


def test_info_says_what_a_model_is(triptych: Any, model: str) -> None:
    status, facts, _ = triptych("info", model)
    assert status == 0
    assert facts["model"]["latent"] == 8
    assert facts["provenance"] == {"made": "by a test"}


def test_map_writes_points_and_a_figure(triptych: Any, latents: Path, tmp_path: Path) -> None:
    out, figure = tmp_path / "points.csv", tmp_path / "map.svg"
    status, facts, _ = triptych(
        "map", latents, "--out", out, "--colour", "speaker", "--figure", figure, "--seed", 3
    )
    assert status == 0
    assert facts["points"] == 20
    assert facts["settings"]["seed"] == 3
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["clip", "index", "file", "speaker", "x", "y"]
    assert rows[1]["speaker"] == "'=Ann"
    xy = np.array([[float(row["x"]), float(row["y"])] for row in rows])
    assert np.isfinite(xy).all()
    assert ">=Ann<" in figure.read_text("utf-8")


def test_map_refuses_a_colour_that_is_no_column_and_a_latent_that_is_not_there(
    triptych: Any, latents: Path, tmp_path: Path, model: str
) -> None:
    out = tmp_path / "points.csv"
    for more, words in (
        (("--colour", "age"), "no column 'age'"),
        (("--latent", "m"), "holds h, not m"),
        (("--model", model), "does not come from"),
        (("--perplexity", "0"), "perplexity"),
    ):
        status, facts, _ = triptych("map", latents, "--out", out, *more)
        assert status == 2
        assert words in facts["error"]["what"]
    assert not out.exists()


def fake_training(result_stopped: bool = False) -> Any:
    def run(request: Request, report: Report, control: ControlSignal) -> Result:
        assert isinstance(request, Train)
        report(Progress(0.5, "half"))
        folder = Path(request.run_dir)
        return TrainDone(
            str(folder), "best", "last", 10, 1.0, 2.0, "cpu", {"total": 1.0}, {"total": 2.0},
            result_stopped or control() is Control.STOP,
        )  # fmt: skip

    return run


def test_train_writes_the_run_it_was_asked_for(
    triptych: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "run", fake_training())
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    status, facts, _ = triptych(
        "train", tmp_path / "run", "--corpus", corpus, "--preset", "paper", "--epochs", 3, "--seed", 7,
        "--device", "cpu",
    )  # fmt: skip
    assert status == 0
    assert (facts["steps"], facts["seconds"], facts["device"]) == (10, 2.0, "cpu")
    assert facts["terms"] == {"total": 1.0}
    spec = RunSpec.read(tmp_path / "run")
    assert spec.folders == (str(corpus),)
    assert (spec.train.preset, spec.train.epochs, spec.train.seed, spec.train.minutes) == ("paper", 3, 7, None)
    assert spec.train.device == "cpu"


def test_a_run_is_not_overwritten(triptych: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "run", fake_training())
    assert triptych("train", tmp_path / "run", "--corpus", tmp_path)[0] == 0
    status, facts, _ = triptych("train", tmp_path / "run", "--corpus", tmp_path)
    assert status == 2
    assert "already" in facts["error"]["what"]
    assert triptych("train", tmp_path / "run", "--resume")[0] == 0


def test_fine_tuning_takes_the_models_sizes(
    triptych: Any, tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = jobs.run
    monkeypatch.setattr(jobs, "run", lambda r, *a: (fake_training() if isinstance(r, Train) else real)(r, *a))
    assert triptych("train", tmp_path / "run", "--corpus", tmp_path, "--from", model)[0] == 0
    spec = RunSpec.read(tmp_path / "run")
    assert spec.model.latent == 8
    assert spec.from_model == model


def test_ctrl_c_stops_training_keeps_it_and_exits_130(
    triptych: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(request: Request, report: Report, control: ControlSignal) -> Result:
        os.kill(os.getpid(), signal.SIGINT)
        return fake_training()(request, report, control)  # type: ignore[no-any-return]

    monkeypatch.setattr(jobs, "run", run)
    before = signal.getsignal(signal.SIGINT)
    status, facts, _ = triptych("train", tmp_path / "run", "--corpus", tmp_path)
    assert status == 130
    assert facts["stopped"] is True
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_cancels_other_work_and_exits_130(
    triptych: Any, speech: list[Path], tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = jobs.run

    def run(request: Request, report: Report, control: ControlSignal) -> Result:
        os.kill(os.getpid(), signal.SIGINT)
        return real(request, report, control)

    monkeypatch.setattr(jobs, "run", run)
    status, facts, _ = triptych("analyse", *speech, "--out", tmp_path / "o.csv", "--model", model)
    assert status == 130
    assert facts["error"]["what"] == "Interrupted."
    assert not (tmp_path / "o.csv").exists()


def fake_transfer(request: Transfer) -> Take:
    evidence = Evidence(200.0, 1.0, 0.5, 0.9, 0.8, 3.0, -26.0)
    files = [Path(request.out_dir) / f"{request.name}{end}" for end in (".original.wav", ".control.wav", ".wav")]
    for file in files:
        soundfile.write(file, np.zeros(100), 16000)
    return Take(
        request.name, request.source, *map(str, files), request.strength, request.voice, request.emotion, "repeat",
        110.0, 220.0, evidence, evidence, "hash", 0.1, "", "",
    )  # fmt: skip


def test_transfer_writes_every_sound_and_its_control_and_reports_f0(
    triptych: Any, speech: list[Path], tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = jobs.run
    asked: list[Transfer] = []

    def run(request: Request, report: Report, control: ControlSignal) -> Result:
        if isinstance(request, Transfer):
            asked.append(request)
            return fake_transfer(request)
        return real(request, report, control)

    monkeypatch.setattr(jobs, "run", run)
    status, facts, _ = triptych(
        "transfer", *speech[:2], "--out", tmp_path / "takes", "--voice", *speech[2:], "--emotion", speech[3],
        "--strength", 0.5, "--model", model,
    )  # fmt: skip
    assert status == 0
    assert [(len(t.voice), len(t.emotion), t.strength) for t in asked] == [(2, 1, 0.5)] * 2
    for source, output in zip(sorted(speech[:2]), facts["outputs"], strict=True):
        assert output["source"] == str(source)
        assert output["transformed"] == str(tmp_path / "takes" / f"{source.stem}.wav")
        assert output["control"] == str(tmp_path / "takes" / f"{source.stem}.control.wav")
        assert Path(output["transformed"]).exists()
        assert Path(output["control"]).exists()
        assert sorted(output["voice"]) == sorted(str(path) for path in speech[2:])
        assert set(output["f0_hz"]) == {"source", "voice", "emotion", "transformed", "control"}
        assert 60 < output["f0_hz"]["voice"] < 400


def test_one_source_can_have_a_file_of_its_own_and_two_cannot(
    triptych: Any, speech: list[Path], tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = jobs.run
    monkeypatch.setattr(jobs, "run", lambda r, *a: fake_transfer(r) if isinstance(r, Transfer) else real(r, *a))
    more = ("--out", tmp_path / "take.wav", "--voice", speech[2], "--model", model)
    assert triptych("transfer", speech[0], *more)[0] == 0
    assert sorted(p.name for p in tmp_path.glob("take*")) == ["take.control.wav", "take.wav"]
    status, facts, _ = triptych("transfer", *speech[:2], *more)
    assert status == 2
    assert "2 sources" in facts["error"]["what"]


def test_edits_of_seconds_reach_the_engine_with_their_givers_analysed(
    triptych: Any, speech: list[Path], tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = jobs.run
    asked: list[tuple[Transfer, list[int]]] = []

    def run(request: Request, report: Report, control: ControlSignal) -> Result:
        if isinstance(request, Transfer):
            givers = [ref.folder for edit in request.edits for ref in edit.givers]
            asked.append((request, [len(StoredClip(folder).array("audio")) for folder in givers]))
            return fake_transfer(request)
        return real(request, report, control)

    monkeypatch.setattr(jobs, "run", run)
    status, _, _ = triptych(
        "transfer", speech[0], "--out", tmp_path / "t.wav", "--model", model, "--strength-m", 0.7, "--rule", "tile",
        "--vocoder", "griffin-lim",
        "--edit", "1", f"{speech[3]}@0", "--edit", "0-2", speech[2], speech[1], "rule=mean", "weight=0.5",
    )  # fmt: skip
    assert status == 0
    request, lengths = asked[0]
    assert (request.strength_m, request.rule, request.vocoder) == (0.7, "tile", "griffin-lim")
    assert [(e.target, e.rule, e.weight) for e in request.edits] == [((1,), "stretch", 1.0), ((0, 1), "mean", 0.5)]
    assert [ref.second for edit in request.edits for ref in edit.givers] == [0, None, None]
    expected = [soundfile.info(speech[i]).frames for i in (3, 2, 1)]
    assert lengths == pytest.approx(expected, abs=2)


def test_a_folder_gives_no_seconds(triptych: Any, speech: list[Path], tmp_path: Path, model: str) -> None:
    status, facts, _ = triptych(
        "transfer", speech[0], "--out", tmp_path / "t.wav", "--model", model, "--edit", "1", speech[0].parent
    )
    assert status == 2
    assert "is a folder" in facts["error"]["what"]


def run_program(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "engine", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_program_prints_json_last_and_progress_elsewhere(
    speech: list[Path], tmp_path: Path, model: str
) -> None:
    ended = run_program("analyse", speech[0], "--out", tmp_path / "o.csv", "--model", model, "--json")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout.splitlines()[-1])["clips"] == 1
    assert "Clip 1 of 1" in ended.stderr


def test_the_program_refuses_in_words_with_status_2(tmp_path: Path) -> None:
    ended = run_program("info", tmp_path / "gone.triptych.safetensors")
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert len(ended.stderr.strip().splitlines()) == 2


def test_a_wrong_argument_has_status_2() -> None:
    assert run_program("analyse").returncode == 2
    assert run_program("nonsense").returncode == 2


def test_a_fault_of_the_program_is_told_with_its_details(
    capsys: pytest.CaptureFixture[str], model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object) -> Result:
        raise ZeroDivisionError("by nought")

    monkeypatch.setattr(jobs, "run", broken)
    assert main(["info", model]) == 1
    said = capsys.readouterr().err
    assert "Something unexpected" in said
    assert "by nought" in said
