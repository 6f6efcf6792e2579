"""The packaged program: what PyInstaller starts. The same command line as `triptych`."""

import multiprocessing
import sys

if __name__ == "__main__":
    # First of all: in a packaged program a worker process starts here again, with its orders on the command line.
    multiprocessing.freeze_support()
    from engine.__main__ import main

    sys.exit(main())
