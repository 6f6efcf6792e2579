"""`triptych get`: corpora of speech from where they are offered."""

from __future__ import annotations

import argparse
import dataclasses
import shutil
from pathlib import Path

from engine import jobs
from engine.api import CorpusGot, GetCorpus, Offer
from engine.api.downloads import OFFERS, offer
from engine.api.errors import SpecError
from engine.cli.common import Facts
from engine.cli.terminal import Terminal


def get(options: argparse.Namespace, terminal: Terminal) -> Facts:
    """Fetch a part of a corpus; without a part, say what there is."""
    corpora = sorted({o.corpus for o in OFFERS})
    if options.corpus is not None and options.corpus.casefold() not in {c.casefold() for c in corpora}:
        raise SpecError(f"There is no corpus {options.corpus!r} to get.", f"Choose {', '.join(corpora)}.", "corpus")
    if options.corpus is None or options.part is None:
        for known in OFFERS:
            terminal.say(
                f"{known.corpus.lower()} {known.name}: {known.hours:g} hours, {known.speakers} speakers, "
                f"{known.archive_bytes / 1e9:.3g} GB to fetch, {known.licence}. {known.about}"
            )
        return {"offers": [dataclasses.asdict(known) for known in OFFERS]} if options.json else {}
    chosen = offer(options.corpus, options.part)
    if chosen is None:
        parts = ", ".join(o.name for o in OFFERS if o.corpus.casefold() == options.corpus.casefold())
        raise SpecError(f"{options.corpus} has no part {options.part!r}.", f"Choose one of {parts}.", "part")
    if options.to is None:
        raise SpecError("No folder was named to put the corpus in.", "Add --to DIR.", "to")
    if options.url is not None:
        chosen = dataclasses.replace(chosen, url=options.url)
    _announce(chosen, Path(options.to), terminal)
    result = jobs.run(GetCorpus(chosen, options.to), terminal.report, terminal.control)
    assert isinstance(result, CorpusGot)
    if not result.new:
        terminal.say(f"{result.folder} is there already; nothing was fetched.")
    facts = {"folder": result.folder, "new": result.new}
    return facts | {"url": chosen.url, "sha256": chosen.sha256, "licence": chosen.licence}


def _announce(chosen: Offer, to: Path, terminal: Terminal) -> None:
    """Say what one should know before it begins: where from, how large, under which licence."""
    there = next(folder for folder in (to.absolute(), *to.absolute().parents) if folder.exists())
    terminal.say(f"{chosen.corpus} {chosen.name}: {chosen.hours:g} hours, {chosen.speakers} speakers")
    terminal.say(f"from     {chosen.url}")
    terminal.say(f"SHA-256  {chosen.sha256}")
    terminal.say(f"licence  {chosen.licence} ({chosen.licence_url})")
    terminal.say(
        f"size     {chosen.archive_bytes / 1e9:.3g} GB to fetch, {chosen.disk_bytes / 1e9:.3g} GB of disk while it"
        f" is unpacked; {shutil.disk_usage(there).free / 1e9:.3g} GB are free in {there}"
    )
