"""Check of the main job without a person: python -m studio.selftest.check DIR [--with FOLDER] [--train-seconds S]

Opens the real window, drops recordings on it, analyses them, trains `quick` briefly, takes that model, draws the
map, drops one speaker's voice on another's clip at the transfer desk and exports the embeddings. Leaves window.png,
embeddings.csv, map.png, original.wav, reconstruction.wav, transferred.wav and report.json in DIR; exit status 0
only if all of it happened. The program's home is a folder inside DIR: nothing of the person's own is touched.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    """Read the command line, prepare DIR and do the job. Returns an exit status; 2 for a bad command line."""
    parser = argparse.ArgumentParser(
        prog="python -m studio.selftest.check", description="The main job without a person."
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="where the results are left")
    parser.add_argument(
        "--with", type=Path, dest="recordings", metavar="FOLDER", help="recordings (else the example voices)"
    )
    parser.add_argument(
        "--train-seconds", type=float, default=30.0, metavar="S", help="how long `quick` is trained (30)"
    )
    wanted = parser.parse_args(arguments)
    folder = wanted.folder.absolute()
    recordings = None if wanted.recordings is None else wanted.recordings.absolute()
    if recordings is not None and not recordings.is_dir():
        return _refuse(f"{recordings} is no folder.", "Give a folder of recordings after --with.")
    home = folder / "home"
    try:
        shutil.rmtree(home, ignore_errors=True)  # an earlier check's
        home.mkdir(parents=True)
    except OSError as error:
        return _refuse(f"{folder} cannot be written: {error.strerror}.", "Give another folder.")
    os.environ["TRIPTYCH_HOME"] = str(home)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

    # Here, not above: worker processes import this module, and they have no use for a window.
    from studio.selftest.main_job import MainJob

    return MainJob(folder, recordings, wanted.train_seconds).run()


def _refuse(what: str, hint: str) -> int:
    print(f"{what}\n{hint}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
