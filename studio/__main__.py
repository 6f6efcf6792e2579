"""python -m studio: open the window. Qt is imported inside main, so that engine processes that are spawned from
here, and import this module again, do not load it."""

from __future__ import annotations

import sys
from multiprocessing import freeze_support


def main(arguments: list[str] | None = None) -> int:
    """Open the studio; the exit status."""
    from studio.app import run

    return run(sys.argv[1:] if arguments is None else arguments)


if __name__ == "__main__":
    freeze_support()
    sys.exit(main())
