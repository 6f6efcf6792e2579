"""`triptych probe`: how well voice and emotion are predicted from the latents."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from engine import jobs
from engine.api import Probe, ProbeCorpus, ProbeDone
from engine.api.errors import SpecError
from engine.cli.common import Facts, model_named
from engine.cli.terminal import Terminal


def probe(options: argparse.Namespace, terminal: Terminal) -> Facts:
    """Train and test a probe on h, m and z; keep it in a copy of the model if asked."""
    from engine.evaluation.probes.heads import READS
    from engine.evaluation.probes.job import facts, keep_heads

    model = model_named(options)
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
    done = jobs.run(request, terminal.report, terminal.control)
    assert isinstance(done, ProbeDone)
    found = facts(done.results[0])
    if options.keep is not None:
        names = (options.task,)
        tested = keep_heads(
            names, request.corpus, model, options.keep, options.cache, terminal.report, terminal.control
        )
        found["kept"] = {"file": options.keep, "tested": tested[options.task]}
    for note in done.results[0].notes:
        terminal.say(note)
    return found
