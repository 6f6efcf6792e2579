"""The job: corpora in, one result a task out, each score told as it comes."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from engine.api import (
    ControlSignal,
    Partial,
    Probe,
    ProbeCorpus,
    ProbeDone,
    ProbeResult,
    ProbeScore,
    Progress,
    Report,
    StoredClip,
)
from engine.api.errors import EngineError, SpecError
from engine.api.specs import AudioSpec
from engine.corpus.cache.feature_cache import build
from engine.corpus.cache.location import cache_dir
from engine.corpus.scanning import scan
from engine.evaluation.probes.examples import FLOORS, LATENTS, Recording, Table, table
from engine.evaluation.probes.heads import fit_head
from engine.evaluation.probes.probing import CLASSES, MEASURES, Material
from engine.evaluation.probes.probing import probe as measure
from engine.model import checkpoint
from engine.model.checkpoint import SystemCheckpoint
from engine.model.linear_heads import as_tensors
from engine.runtime import devices
from engine.runtime.control import Eta, check_control


def probe(request: Probe, report: Report, control: ControlSignal) -> ProbeDone:
    """Probe a corpus for every task asked for; a task that cannot be done says why in its result.

    Raises:
        CheckpointError: the model cannot be used. CorpusError: a corpus cannot be read.
        EngineError: the only task asked for cannot be done. SpecError: no such latent.
        Cancelled: the user cancelled it.
    """
    began = time.monotonic()
    if strange := [name for name in request.latents if name not in LATENTS]:
        raise SpecError(f"There is no latent called {strange[0]!r}.", "Choose h, m or z.", "latent")
    device = devices.resolve(request.device)
    model = checkpoint.load_system(request.model, device)
    folder = Path(request.cache_dir) if request.cache_dir else cache_dir()
    material = _material(request, model, folder, report, control)
    given = [name for name in material.table.values if name not in FLOORS]
    # A system of comparison has latents of its own; whoever asks for all of ours gets all of its.
    wanted = given if set(request.latents) == set(LATENTS) else [n for n in request.latents if n in given]
    names = (*wanted, *FLOORS)
    results: list[ProbeResult] = []
    for number, task in enumerate(request.tasks):
        if check_control(control):
            break
        share = number / len(request.tasks)
        results.append(_one_task(request, task, material, names, report, control, share))
        report(Partial(results[-1]))
    return ProbeDone(tuple(results), model.hash, len(material.table.examples), time.monotonic() - began)


def _one_task(
    request: Probe,
    task: str,
    material: Material,
    names: tuple[str, ...],
    report: Report,
    control: ControlSignal,
    share: float,
) -> ProbeResult:
    def predicted(name: str, scores: dict[str, ProbeScore]) -> None:
        if scores:  # a row fills up before the eyes
            report(Partial(ProbeResult(task, MEASURES[task], "", dict(scores))))
        within = names.index(name) / len(names) / len(request.tasks)
        report(Progress(share + within, f"Probing {name} for {task}"))

    try:
        found = measure(material, task, names, control, seeds=request.seeds, each=predicted)
    except EngineError as error:
        if len(request.tasks) == 1:
            raise
        return ProbeResult(task, MEASURES.get(task, ""), "", {}, (), f"{error.what} {error.hint}")
    return ProbeResult(task, found.measure, found.protocol, found.scores, found.notes)


def keep_heads(
    names: Sequence[str],
    corpus: ProbeCorpus,
    model: str,
    out: str,
    cache: str | None,
    report: Report,
    control: ControlSignal,
) -> dict[str, dict[str, float]]:
    """Write a copy of the model that carries linear readings (see probe_heads) fitted on all of the corpus.

    Returns:
        by name, how well it reads held-out speakers.

    Raises:
        EngineError: the corpus lacks the labels, or the copy cannot be written.
    """
    held = checkpoint.load(model)
    device = devices.resolve("cpu")
    heads = {}
    folder = Path(cache) if cache else cache_dir()
    recordings = list(_recordings(corpus, held.audio, folder, report, control))
    for number, name in enumerate(names):
        report(Progress(number / len(names), f"Fitting the reading of {name}"))
        heads[name] = fit_head(name, recordings, held, device, control)
    extra = {**held.extra, **as_tensors(heads)}
    checkpoint.save(out, held.model, held.audio, held.train, held.provenance, extra, held.vocoder)
    return {name: dict(head.tested) for name, head in heads.items()}


def _material(
    request: Probe, model: SystemCheckpoint, cache: Path, report: Report, control: ControlSignal
) -> Material:
    wants_pieces = request.pieces and any(task in CLASSES for task in request.tasks)
    corpora = [request.corpus] + ([request.test] if request.test is not None else [])
    tables = [encoded(corpus, model, cache, request.device, report, control) for corpus in corpora]
    cut = [
        encoded(corpus, model, cache, request.device, report, control, pieces=True)
        for corpus in corpora
        if wants_pieces
    ]
    return Material(
        tables[0],
        tables[1] if len(tables) > 1 else None,
        cut[0] if cut else None,
        cut[1] if len(cut) > 1 else None,
    )


def encoded(
    corpus: ProbeCorpus,
    model: SystemCheckpoint,
    cache: Path,
    device: str,
    report: Report,
    control: ControlSignal,
    *,
    pieces: bool = False,
) -> Table:
    """The vectors of a corpus; the last few stay in memory, so that another task costs no encoding.

    Raises:
        CorpusError: it cannot be read. EngineError: it holds no recording. Cancelled.
    """
    recordings = list(_recordings(corpus, model.audio, cache, report, control))
    key = (model.hash, pieces, tuple((r.name, len(r.mel), tuple(sorted(r.labels.items()))) for r in recordings))
    if (known := _tables.get(key)) is not None:
        return known
    eta = Eta(float(sum(len(r.mel) for r in recordings)))

    def predicted(recording: Recording) -> None:
        eta.advance(len(recording.mel))
        what = "pieces" if pieces else "clips"
        report(Progress(eta.fraction, f"Encoding {what}: {recording.name}", eta.eta_s))
        check_control(control)

    found = table(recordings, model, devices.resolve(device), control, pieces=pieces, each=predicted)
    while len(_tables) >= _MOST_TABLES:
        del _tables[next(iter(_tables))]
    _tables[key] = found
    return found


_MOST_TABLES = 4
_tables: dict[object, Table] = {}


def _recordings(
    corpus: ProbeCorpus, spec: AudioSpec, cache: Path, report: Report, control: ControlSignal
) -> Iterator[Recording]:
    if corpus.folders:
        manifest = scan(corpus.folders, [], control)
        held = build(manifest, spec, cache, report, control)
        for entry in held.entries:
            frames = slice(entry.start, entry.start + entry.frames)
            labels = entry.utterance.labels.words()
            yield Recording(entry.utterance.path, held.mel[frames], held.f0[frames], labels, entry.gain_db)
    for clip, folder in corpus.clips:
        stored = StoredClip(folder)
        if not stored.has("mel") or AudioSpec.from_dict(stored.meta().audio) != spec:
            continue
        yield Recording(clip.id, stored.array("mel"), stored.array("f0"), clip.labels, stored.meta().gain_db)


def facts(result: ProbeResult) -> dict[str, object]:
    """A result as the command line prints it: numbers that JSON can hold, floors apart."""

    def shown(name: str) -> dict[str, object]:
        score = result.scores[name]
        return {
            "n": score.n,
            "score": _number(score.score),
            "interval": [_number(score.low), _number(score.high)],
            "shuffled": _number(score.shuffled),
        }

    return {
        "task": result.task,
        **{name: shown(name) for name in result.scores if name not in FLOORS},
        "floors": {name: shown(name) for name in FLOORS if name in result.scores},
        "details": {
            "measure": result.measure,
            "protocol": result.protocol,
            "seeds": {name: [_number(v) for v in score.seeds] for name, score in result.scores.items()},
            "also": {
                name: {what: _number(value) for what, value in score.also.items()}
                for name, score in result.scores.items()
            },
            "notes": list(result.notes),
        },
    }


def _number(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None
