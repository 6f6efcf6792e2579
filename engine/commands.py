"""What each command of the command line does: from its options to the facts it prints.

A command checks what it can before it works, so that a wrong name costs no minutes.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import math
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine import edit_words, jobs, resources
from engine.api import (
    Analyse,
    AnalyseDone,
    ClipAnalysed,
    ClipFailed,
    ClipRef,
    Event,
    Export,
    ExportDone,
    Figure,
    FitMap,
    Inspect,
    LatentRef,
    ModelInfo,
    Note,
    Partial,
    Probe,
    ProbeCorpus,
    ProbeDone,
    RunSpec,
    Take,
    Train,
    TrainDone,
    Transfer,
    presets,
)  # fmt: skip
from engine.errors import EngineError, ExportError, SpecError
from engine.specs import AudioSpec, ModelSpec
from engine.terminal import Terminal

Facts = dict[str, Any]

MOST_STRENGTH = 1.5


def _model(options: argparse.Namespace) -> str:
    """The model to use: the one named, or the one that comes with the program."""
    if options.model is not None:
        return str(options.model)
    if (starter := resources.default_model()) is not None:
        return str(starter)
    raise EngineError(
        "Latents need a model, and none was named.",
        "Add --model FILE; `triptych train RUN_DIR --corpus DIR` makes one in about three minutes.",
    )


def train(options: argparse.Namespace, terminal: Terminal) -> Facts:
    if options.resume:
        if given := [
            n for n in ("corpus", "preset", "from_model", "minutes", "epochs", "seed") if getattr(options, n)
        ]:
            raise SpecError(
                f"A run that goes on keeps its settings; --{given[0].split('_')[0]} cannot be given with --resume.",
                "Leave it out, or start a new run.",
                given[0],
            )
        RunSpec.read(options.run_dir)
    else:
        _run_spec(options, terminal).write(options.run_dir)
    result = jobs.run(Train(options.run_dir), terminal.report, terminal.steer)
    assert isinstance(result, TrainDone)
    return dataclasses.asdict(result)


def _run_spec(options: argparse.Namespace, terminal: Terminal) -> RunSpec:
    if not options.corpus:
        raise SpecError("No corpus was named to train on.", "Add --corpus DIR, or --resume to go on.", "corpus")
    preset = presets()[options.preset or "quick"]
    changes = {
        name: getattr(options, name) for name in ("minutes", "epochs", "seed") if getattr(options, name) is not None
    }
    if options.epochs is not None and options.minutes is None:
        changes["minutes"] = None  # or the preset's time would end the run before its epochs
    train = dataclasses.replace(preset.train, device=options.device, **changes)
    model, audio = preset.model, AudioSpec()
    from_model = options.from_model or options.model
    if from_model is not None:
        known = jobs.run(Inspect(from_model), terminal.report, terminal.steer)
        assert isinstance(known, ModelInfo)
        model, audio = ModelSpec.from_dict(known.model), AudioSpec.from_dict(known.audio)
        from_model = str(Path(from_model).absolute())
    paths = [str(Path(p).absolute()) for p in options.corpus]
    return RunSpec(
        train=train,
        model=model,
        audio=audio,
        folders=tuple(p for p in paths if not _is_recording(p)),
        clips=tuple(ClipRef(Path(p).name, p) for p in paths if _is_recording(p)),
        from_model=from_model,
    )


def analyse(options: argparse.Namespace, terminal: Terminal) -> Facts:
    model = _model(options)
    _check_suffix(options.out, (".csv", ".npz", ".parquet"))
    named, skipped = _recordings(options.paths, terminal)
    with tempfile.TemporaryDirectory(prefix="triptych-") as folder:
        done, clips, failed = _analysed(named, model, folder, options.device, terminal)
        if not clips:
            raise EngineError(
                f"None of the {len(named)} recordings could be analysed: {failed[0].what}", failed[0].hint
            )
        pairs = tuple((named[int(clip.clip_id)], clip.folder) for clip in clips)
        written = jobs.run(Export(pairs, options.out, options.latent, model), terminal.report, terminal.steer)
    assert isinstance(written, ExportDone)
    return {
        "clips": done.clips, "audio_s": done.audio_s, "seconds": done.seconds, "device": done.device,
        "files": list(written.files), "rows": written.rows, "model_hash": clips[0].model_hash,
        "failed": [{"path": f.path, "what": f.what, "hint": f.hint} for f in (*skipped, *failed)],
    }  # fmt: skip


def _is_recording(path: str) -> bool:
    """Whether it is a single recording, and not a folder or a table of labels."""
    return Path(path).is_file() and Path(path).suffix.lower() not in (".csv", ".tsv")


def _recordings(paths: Sequence[str], terminal: Terminal) -> tuple[list[ClipRef], list[ClipFailed]]:
    """Every recording named or below a folder named, with the labels its corpus layout tells; ids are names.

    Also those left out unopened, and why.
    """
    from engine.corpus.scanning import scan

    for path in paths:
        if not Path(path).exists():
            raise EngineError(f"{path} is not there.", "Check the name, then try again.")
    single = [Path(path) for path in paths if _is_recording(path)]
    manifest = scan(
        [path for path in paths if not _is_recording(path)],
        [ClipRef(path.name, str(path)) for path in single],
        terminal.steer,
    )
    for what, hint in manifest.troubles:
        terminal.report(Note(what, hint))
    for row in manifest.unmatched:
        terminal.say(f"{row.path}: {row.why}")
    skipped = [ClipFailed("", file.path, file.why, "It is left out.") for file in manifest.skipped]
    for failed in skipped:
        terminal.report(Partial(failed))
    clips = []
    for utterance in manifest.utterances:
        clips.append(ClipRef(utterance.name, utterance.path, utterance.words()))
    return clips, skipped


def _analysed(
    named: Sequence[ClipRef], model: str, folder: str, device: str, terminal: Terminal
) -> tuple[AnalyseDone, list[ClipAnalysed], list[ClipFailed]]:
    """Analyse into folder/<position in named>: names may hold slashes."""
    clips: list[ClipAnalysed] = []
    failed: list[ClipFailed] = []

    def report(event: Event) -> None:
        match event:
            case Partial(ClipAnalysed() as clip):
                clips.append(clip)
                for note in clip.notes:
                    terminal.say(note)
            case Partial(ClipFailed() as clip):
                failed.append(clip)
        terminal.report(event)

    numbered = tuple(ClipRef(str(n), clip.path, clip.labels) for n, clip in enumerate(named))
    done = jobs.run(Analyse(numbered, folder, model, device), report, terminal.steer)
    assert isinstance(done, AnalyseDone)
    return done, clips, failed


def map(options: argparse.Namespace, terminal: Terminal) -> Facts:
    from engine import latents_file, mapping
    from engine.latents import evenly

    _check_suffix(options.out, (".csv",))
    if options.figure is not None:
        _check_suffix(options.figure, (".png", ".svg", ".pdf"))
    held = latents_file.read(options.latents, options.latent)
    if options.colour is not None and options.colour not in held.columns:
        raise EngineError(
            f"{options.latents} has no column {options.colour!r} to colour by.",
            f"Choose one of {', '.join(held.columns)}.",
        )
    if options.model is not None:
        known = jobs.run(Inspect(options.model), terminal.report, terminal.steer)
        assert isinstance(known, ModelInfo)
        if held.model_hash != known.hash:
            raise EngineError(
                f"{options.latents} does not come from the model {options.model}.",
                "Leave --model out, or analyse again.",
            )
    request = FitMap((), held.latent, perplexity=options.perplexity, seed=options.seed)
    at = evenly(len(held.ids), request.most_points)
    points = mapping.Points(
        tuple(held.ids[i] for i in at), held.index[at], held.values[at], len(held.ids), held.model_hash
    )
    result = mapping.fit_points(request, points, terminal.report, terminal.steer)
    columns = {name: tuple(column[i] for i in at) for name, column in held.columns.items()}
    _write_points(options.out, result.ids, result.index, columns, result.xy)
    if options.figure is not None:
        colours = columns[options.colour] if options.colour is not None else ()
        figure = Figure(options.figure, result, colours, options.colour or "")
        jobs.run(figure, terminal.report, terminal.steer)
    return {"points": len(result.ids), "out": options.out, "figure": options.figure, "settings": result.settings}


def _write_points(out: str, ids: Sequence[str], index: Any, columns: dict[str, tuple[str, ...]], xy: Any) -> None:
    from engine.export import safe_cell
    from engine.placing import placed_whole

    with placed_whole(out) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["clip", "index", *(safe_cell(name) for name in columns), "x", "y"])
        for number, (name, place, (x, y)) in enumerate(zip(ids, index.tolist(), xy.tolist(), strict=True)):
            labels = (safe_cell(column[number]) for column in columns.values())
            rows.writerow([safe_cell(name), place, *labels, f"{x:.7g}", f"{y:.7g}"])


def transfer(options: argparse.Namespace, terminal: Terminal) -> Facts:
    model = _model(options)
    if not options.voice and not options.emotion and not options.edit:
        raise SpecError("Nothing was named to give the sources.", "Add --voice CLIP or --emotion CLIP.", "voice")
    for strength in (options.strength, options.strength_m):
        if strength is not None and not 0.0 <= strength <= MOST_STRENGTH:
            raise SpecError(f"strength is {strength:g}.", f"It can be 0 to {MOST_STRENGTH}.", "strength")
    edits = [edit_words.read(words) for words in options.edit]
    if folders := [path for _, paths in edits for path in paths if Path(path).is_dir()]:
        raise SpecError(f"{folders[0]} is a folder.", "Name the single clips whose seconds an edit gives.", "edits")
    sources, _ = _recordings(options.sources, terminal)
    targets = _targets(options.out, sources)
    editors = list(dict.fromkeys(path for _, paths in edits for path in paths))
    voices, emotions, givers = (
        _recordings(paths, terminal)[0] if paths else [] for paths in (options.voice, options.emotion, editors)
    )
    outputs = []
    with tempfile.TemporaryDirectory(prefix="triptych-") as folder:
        named = [*sources, *voices, *emotions, *givers]
        _, clips, failed = _analysed(named, model, folder, options.device, terminal)
        if failed:
            raise EngineError(f"{failed[0].path}: {failed[0].what}", failed[0].hint)
        given = iter(clips[len(sources) :])
        voice, emotion = [next(given) for _ in voices], [next(given) for _ in emotions]
        analyses = {giver.path: next(given).folder for giver in givers}
        changes = tuple(edit_words.placed(edit, lambda path: analyses[str(Path(path))]) for edit, _ in edits)
        for source, analysed, target in zip(sources, clips, targets, strict=False):
            request = Transfer(
                source=analysed.folder, model=model, out_dir=folder, name=f"take-{analysed.clip_id}",
                voice=tuple(LatentRef(c.folder) for c in voice),
                emotion=tuple(LatentRef(c.folder) for c in emotion),
                strength=options.strength, device=options.device, strength_m=options.strength_m,
                rule=options.rule, edits=changes,
            )  # fmt: skip
            take = jobs.run(request, terminal.report, terminal.steer)
            assert isinstance(take, Take)
            control = target.with_name(f"{target.stem}.control.wav")
            _copy(take.transformed, target)
            _copy(take.control, control)
            outputs.append({
                "source": source.path, "voice": [c.path for c in voices], "emotion": [c.path for c in emotions],
                "transformed": str(target), "control": str(control), "strength": take.strength, "rule": take.rule,
                "f0_hz": {
                    "source": take.source_f0_hz, "voice": _middle_hz(voice), "emotion": _middle_hz(emotion),
                    "transformed": take.evidence.f0_median_hz, "control": take.control_evidence.f0_median_hz,
                },
                "evidence": dataclasses.asdict(take.evidence),
                "control_evidence": dataclasses.asdict(take.control_evidence),
            })  # fmt: skip
    return {"outputs": outputs, "model_hash": clips[0].model_hash}


def _targets(out: str, sources: Sequence[ClipRef]) -> list[Path]:
    """A file for every source: OUT itself for a single one, else OUT/NAME.wav, names made different."""
    target = Path(out)
    if target.suffix.lower() == ".wav" and not target.is_dir():
        if len(sources) > 1:
            raise ExportError(f"{out} is one file, but there are {len(sources)} sources.", "Name a folder.")
        return [target]
    if target.suffix and not target.is_dir():
        raise ExportError(f"{out} is no WAV file.", "Name a file ending in .wav, or a folder.")
    names: dict[str, int] = {}
    targets = []
    for source in sources:
        stem = Path(source.path).stem
        names[stem] = names.get(stem, 0) + 1
        targets.append(target / f"{stem}{'' if names[stem] == 1 else f'-{names[stem]}'}.wav")
    return targets


def _copy(source: str, target: Path) -> None:
    from engine.placing import placed_whole

    with placed_whole(target) as temporary:
        shutil.copyfile(source, temporary)


def _middle_hz(clips: Sequence[ClipAnalysed]) -> float | None:
    """The clips' median F0; of several, the mean on a logarithmic scale."""
    known = [clip.f0_median_hz for clip in clips if clip.f0_median_hz is not None]
    return math.exp(sum(math.log(hz) for hz in known) / len(known)) if known else None


def probe(options: argparse.Namespace, terminal: Terminal) -> Facts:
    from engine.probes.heads import READS
    from engine.probes.job import facts, keep_heads

    model = _model(options)
    named = options.train or options.test
    if not named:
        raise SpecError("No corpus was named to probe.", "Add --train CORPUS.", "train")
    if options.task != "verify" and options.train is None:
        raise SpecError("A probe is trained first.", "Add --train CORPUS; --test alone is for verify.", "train")

    def corpus(paths: Sequence[str]) -> ProbeCorpus:
        return ProbeCorpus(tuple(str(Path(p).absolute()) for p in paths))

    request = Probe(
        tasks=(options.task,),
        corpus=corpus(named),
        model=model,
        test=corpus(options.test) if options.train and options.test else None,
        latents=("h", "m", "z") if options.latent == "all" else (options.latent,),
        seeds=options.seeds,
        cache_dir=options.cache,
        device=options.device,
    )
    if options.keep is not None and options.task not in READS:
        raise SpecError(
            f"The model file can carry no reading of {options.task}.", f"Choose one of {', '.join(READS)}.", "keep"
        )
    done = jobs.run(request, terminal.report, terminal.steer)
    assert isinstance(done, ProbeDone)
    found = facts(done.results[0])
    if options.keep is not None:
        names = (options.task,)
        tested = keep_heads(
            names, request.corpus, model, options.keep, options.cache, terminal.report, terminal.steer
        )
        found["kept"] = {"file": options.keep, "tested": tested[options.task]}
    for note in done.results[0].notes:
        terminal.say(note)
    return found


def info(options: argparse.Namespace, terminal: Terminal) -> Facts:
    options.model = options.model_file or options.model
    result = jobs.run(Inspect(_model(options)), terminal.report, terminal.steer)
    assert isinstance(result, ModelInfo)
    return dataclasses.asdict(result)


def _check_suffix(out: str, suffixes: tuple[str, ...]) -> None:
    """Say at once, and not after the work, that a format is not known."""
    if Path(out).suffix.lower() not in suffixes:
        raise ExportError(f"{out} does not say which format to write.", f"End it in {', '.join(suffixes)}.")
