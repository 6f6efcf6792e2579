"""Made v0_1/ with Triptych 0.1.0, so that later versions can be held against it.

It was run at commit 62f3061 with one thread (OMP_NUM_THREADS=1) in the project's folder:

    PYTHONPATH=.:tests/compatibility python tests/compatibility/make_v0_1.py numbers

It need not run with later versions, and what it made is not to be made again: that would be another version's.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import cases
import engine_door
import numpy as np

from engine.api import StoredClip


def numbers(folder: Path) -> None:
    """numbers.npz: of ten clips what the starter makes of them; of four transfers mels and envelopes."""
    paths = cases.paths() | {cases.SOURCE: cases.write_source(folder)}
    clips = {
        name: engine_door.analysed({name: path}, folder / "clips", cases.STARTER)[name]
        for name, path in paths.items()
    }
    kept: cases.Arrays = {}
    for name, clip in clips.items():
        h, m, z = engine_door.encoded(clip, cases.STARTER)
        meta = (Path(clip.folder) / "meta.json").read_text("utf-8").replace(str(folder), "/clips-of-0.1.0")
        kept[f"{name}/meta"] = np.array(meta)
        kept[f"{name}/mel"], kept[f"{name}/f0"] = np.array(clip.array("mel")), np.array(clip.array("f0"))
        kept[f"{name}/h"], kept[f"{name}/m"], kept[f"{name}/z"] = h, m, z[:: cases.KEPT_Z]
    folders = {name: clip.folder for name, clip in clips.items()}
    for name, request in cases.transfers(folders, folder / "takes").items():
        take, mel = engine_door.rendered(request)
        assert len(mel) == len(StoredClip(take.source).array("mel")), "the edit must change nearly everything"
        kept[f"transfer/{name}/mel"] = mel
        kept[f"transfer/{name}/envelope_db"] = cases.envelope_db(take.transformed)
        kept[f"transfer/{name}/control_envelope_db"] = cases.envelope_db(take.control)
    np.savez_compressed(cases.DATA / "numbers.npz", **kept)


if __name__ == "__main__":
    makers = {"numbers": numbers}
    cases.DATA.mkdir(exist_ok=True)
    for wanted in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as temporary:
            os.environ["TRIPTYCH_HOME"] = os.path.join(temporary, "home")
            makers[wanted](Path(temporary))
