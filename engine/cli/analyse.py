"""`triptych analyse`: the latents of recordings as a table."""

from __future__ import annotations

import argparse
import tempfile

from engine import jobs
from engine.api import Export, ExportDone
from engine.api.errors import EngineError
from engine.cli.common import Facts, analyse_all, check_suffix, model_named, recordings
from engine.cli.terminal import Terminal


def analyse(options: argparse.Namespace, terminal: Terminal) -> Facts:
    """Analyse the recordings named, write their latents, and name those that could not be read."""
    model = model_named(options)
    check_suffix(options.out, (".csv", ".npz", ".parquet"))
    named, skipped = recordings(options.paths, terminal)
    with tempfile.TemporaryDirectory(prefix="triptych-") as folder:
        done, clips, failed = analyse_all(named, model, folder, options.device, terminal)
        if not clips:
            raise EngineError(
                f"None of the {len(named)} recordings could be analysed: {failed[0].what}", failed[0].hint
            )
        pairs = tuple((named[int(clip.clip_id)], clip.folder) for clip in clips)
        written = jobs.run(Export(pairs, options.out, options.latent, model), terminal.report, terminal.control)
    assert isinstance(written, ExportDone)
    facts = {name: getattr(done, name) for name in ("clips", "audio_s", "seconds", "device")}
    facts |= {"files": list(written.files), "rows": written.rows, "model_hash": clips[0].model_hash}
    facts["failed"] = [{"path": f.path, "what": f.what, "hint": f.hint} for f in (*skipped, *failed)]
    return facts
