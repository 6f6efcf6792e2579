"""`triptych transfer`: recordings with the voice or the emotion of others."""

from __future__ import annotations

import argparse
import dataclasses
import math
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from engine import jobs
from engine.api import ClipAnalysed, ClipRef, LatentRef, SecondEdit, Take, Transfer, edit_syntax
from engine.api.errors import EngineError, ExportError, SpecError
from engine.cli.common import Facts, analyse_all, model_named, recordings
from engine.cli.terminal import Terminal

MOST_STRENGTH = 1.5


def transfer(options: argparse.Namespace, terminal: Terminal) -> Facts:
    """Give every source the voice and the emotion named, and write the result beside its control."""
    model = model_named(options)
    edits = _checked_edits(options)
    sources, _ = recordings(options.sources, terminal)
    targets = _targets(options.out, sources)
    editors = list(dict.fromkeys(path for _, paths in edits for path in paths))
    voices, emotions = (_references(words, terminal) for words in (options.voice, options.emotion))
    edit_clips = recordings(editors, terminal)[0] if editors else []
    outputs = []
    with tempfile.TemporaryDirectory(prefix="triptych-") as folder:
        named = [*sources, *(reference.clip for reference in (*voices, *emotions)), *edit_clips]
        _, clips, failed = analyse_all(named, model, folder, options.device, terminal)
        if failed:
            raise EngineError(f"{failed[0].path}: {failed[0].what}", failed[0].hint)
        given = iter(clips[len(sources) :])
        voice, emotion = [next(given) for _ in voices], [next(given) for _ in emotions]
        analyses = {clip.path: next(given).folder for clip in edit_clips}
        shared = Transfer(
            source="",
            model=model,
            out_dir=folder,
            name="",
            voice=tuple(ref for v, c in zip(voices, voice, strict=True) for ref in v.refs(c.folder)),
            emotion=tuple(ref for e, c in zip(emotions, emotion, strict=True) for ref in e.refs(c.folder)),
            strength=options.strength,
            vocoder=options.vocoder,
            device=options.device,
            strength_m=options.strength_m,
            rule=options.rule,
            edits=tuple(edit_syntax.placed(edit, lambda path: analyses[str(Path(path))]) for edit, _ in edits),
            rendering=options.rendering,
        )
        for source, analysed, target in zip(sources, clips, targets, strict=False):
            request = dataclasses.replace(shared, source=analysed.folder, name=f"take-{analysed.clip_id}")
            take = jobs.run(request, terminal.report, terminal.control)
            assert isinstance(take, Take)
            control = target.with_name(f"{target.stem}.control.wav")
            _copy(take.transformed, target)
            _copy(take.control, control)
            facts: Facts = {"source": source.path}
            facts |= {"voice": [v.clip.path for v in voices], "emotion": [e.clip.path for e in emotions]}
            facts |= {"transformed": str(target), "control": str(control)}
            facts |= {name: getattr(take, name) for name in ("strength", "rule", "rendering", "vocoder")}
            facts["f0_hz"] = {
                "source": take.source_f0_hz,
                "voice": _middle_hz(voice),
                "emotion": _middle_hz(emotion),
                "transformed": take.evidence.f0_median_hz,
                "control": take.control_evidence.f0_median_hz,
            }
            facts["evidence"] = dataclasses.asdict(take.evidence)
            facts["control_evidence"] = dataclasses.asdict(take.control_evidence)
            outputs.append(facts)
    return {"outputs": outputs, "model_hash": clips[0].model_hash}


def _checked_edits(options: argparse.Namespace) -> list[tuple[SecondEdit, list[str]]]:
    """The edits of single seconds that were asked for, with the paths they name.

    Raises:
        SpecError: nothing is given, a strength is impossible, or an edit cannot be understood.
    """
    if not options.voice and not options.emotion and not options.edit:
        raise SpecError("Nothing was named to give the sources.", "Add --voice CLIP or --emotion CLIP.", "voice")
    for strength in (options.strength, options.strength_m):
        if strength is not None and not 0.0 <= strength <= MOST_STRENGTH:
            raise SpecError(f"strength is {strength:g}.", f"It can be 0 to {MOST_STRENGTH}.", "strength")
    edits = [edit_syntax.read(words) for words in options.edit]
    if folders := [path for _, paths in edits for path in paths if Path(path).is_dir()]:
        raise SpecError(f"{folders[0]} is a folder.", "Name the single clips whose seconds an edit gives.", "edits")
    return edits


@dataclasses.dataclass(frozen=True)
class _Reference:
    """A recording whose latents are given; of seconds, () = all of it."""

    clip: ClipRef
    seconds: tuple[int, ...]
    weight: float

    def refs(self, folder: str) -> list[LatentRef]:
        if not self.seconds:
            return [LatentRef(folder, None, self.weight)]
        return [LatentRef(folder, second, self.weight / len(self.seconds)) for second in self.seconds]


def _references(words: Sequence[str], terminal: Terminal) -> list[_Reference]:
    """Recordings and folders of them, with seconds and weights: see edit_syntax.read_giver.

    Without any weight every recording (or named second) counts alike; a folder's weight is shared among its own.
    """
    read = [edit_syntax.read_giver(word) for word in words]
    weighed = any(weight is not None for _, _, weight in read)
    found = []
    for path, seconds, weight in read:
        clips = recordings([path], terminal)[0]
        if seconds and len(clips) > 1:
            raise SpecError(f"{path} is a folder.", "Name the single clips whose seconds are given.", "emotion")
        share = (1.0 if weight is None else weight) / max(1, len(clips)) if weighed else float(max(1, len(seconds)))
        found += [_Reference(clip, seconds, share) for clip in clips]
    return found


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
    from engine.api.atomic_files import placed_whole

    with placed_whole(target) as temporary:
        shutil.copyfile(source, temporary)


def _middle_hz(clips: Sequence[ClipAnalysed]) -> float | None:
    """The clips' median F0; of several, the mean on a logarithmic scale."""
    known = [clip.f0_median_hz for clip in clips if clip.f0_median_hz is not None]
    return math.exp(sum(math.log(hz) for hz in known) / len(known)) if known else None
