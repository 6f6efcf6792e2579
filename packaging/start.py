#!/usr/bin/env python3
"""Open Triptych; the first time, set up everything it needs.

    python3 packaging/start.py                  the studio
    python3 packaging/start.py PROJECT          the studio with a project open
    python3 packaging/start.py --check DIR      the main job without a person; its results are left in DIR
    python3 packaging/start.py --set-up-only    set up and stop

Works from any folder, with nothing but Python 3.11 or newer. Exit status: 0 all well, 1 the set-up failed,
2 a wrong command line, 3 there is no display to open a window on; else the studio's own.
"""

# Kept to syntax that an old Python can read, so that it can say that it is too old.
import os
import shutil
import subprocess
import sys

TYPE_CHECKING = False  # as typing's, which an old Python may lack
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from environment import Environment

OLDEST = (3, 11)


def main(arguments: "list[str]") -> int:
    """Set up what is missing, then become the studio. Returns an exit status."""
    if tuple(sys.version_info) < OLDEST:
        return _hand_to_a_newer_python(arguments)
    from argparse import ArgumentParser, RawDescriptionHelpFormatter

    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("project", nargs="?", help="a project to open")
    parser.add_argument(
        "--check", metavar="DIR", help="do the main job without a person, offscreen; results in DIR"
    )
    parser.add_argument("--with", metavar="FOLDER", dest="folder", help="recordings for --check (else the example)")
    parser.add_argument("--set-up-only", action="store_true", help="set up and stop")
    wanted = parser.parse_args(arguments)
    if wanted.folder and not wanted.check:
        parser.error("--with needs --check DIR")

    from environment import SetUpError

    try:
        environment = set_up()
    except SetUpError as error:
        return _stop(error.what, error.hint)
    except OSError as error:
        return _stop(f"The set-up failed: {error}.", "Correct that, then start again.")
    except KeyboardInterrupt:
        return _stop("The set-up was interrupted.", "Start again: it goes on where it stopped.", status=130)
    if wanted.set_up_only:
        return 0
    if wanted.check:
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        options = ["--with", wanted.folder] if wanted.folder else []
        return _become(environment.python, ["-m", "studio.selftest.check", wanted.check, *options])
    if not has_display():
        return _stop(
            "Triptych is set up, but there is no display to open its window on: neither DISPLAY nor "
            "WAYLAND_DISPLAY is set.",
            "Log in at a screen, or come in by `ssh -X`, or use a virtual one: `xvfb-run -a python3 "
            "packaging/start.py`. Without any screen, `python3 packaging/start.py --check DIR` does the whole main "
            "job and leaves its results in DIR, and `.venv/bin/triptych --help` lists the commands for a terminal.",
            status=3,
        )
    return _become(environment.python, ["-m", "studio", *([wanted.project] if wanted.project else [])])


def set_up(extras: "frozenset[str]" = frozenset(), more_packages: "Sequence[str]" = ()) -> "Environment":
    """Make the environment and the system ready. A finished set-up costs a few milliseconds.

    Args:
        extras: names of optional dependencies in pyproject.toml.
        more_packages: Debian packages wanted besides Qt's libraries; never insisted on.

    Returns:
        The Environment, ready.

    Raises:
        SetUpError: something is missing that cannot be had without the user.
    """
    from pathlib import Path

    from environment import Environment

    environment = Environment(Path(__file__).resolve().parent.parent)
    _provide_from_the_system(more_packages, with_venv=not environment.is_ready(extras))
    environment.prepare(_say, extras)
    return environment


def has_display(environ: "Mapping[str, str]" = os.environ, platform: str = sys.platform) -> bool:
    """Whether a window can be opened: always off Linux, and where Qt was told to draw elsewhere."""
    if not platform.startswith("linux"):
        return True
    return any(environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))


def _provide_from_the_system(more_packages: "Sequence[str]", with_venv: bool) -> None:
    """Install with apt what is missing and may be installed; otherwise say the exact line.

    Args:
        more_packages: wished for besides.
        with_venv: whether Python's own venv, which Debian packs apart, is needed.
    """
    import system_libraries as system
    from environment import SetUpError

    lacking = system.missing()
    no_venv = with_venv and not _has_venv()
    if not lacking and not no_venv and not more_packages:
        return
    names = ", ".join([*(["Python's venv"] if no_venv else []), *(library.soname for library in lacking)])
    may_install = system.has_apt() and system.is_root()
    if may_install:
        if names:
            _say(f"Missing from the system: {names}.")
        system.apt_update()  # first, as a bare image has no lists, and packages are named by them
    packages = [
        *(["python{}.{}-venv".format(*sys.version_info[:2])] if no_venv else []),
        *system.package_names(lacking),
    ]
    if may_install:
        # One unknown name makes apt refuse the whole line, so what is only wished for has its own.
        for line in (packages, list(more_packages)):
            if line:
                _say(f"Installing with apt: {' '.join(line)} ...")
                if not system.apt_install(line):
                    _say("apt could not install all of them.")
        lacking = system.missing(lacking)
        no_venv = no_venv and not _has_venv()
    if not lacking and not no_venv:
        return
    if system.has_apt():
        hint = "Install them with: " + system.apt_line(packages)
    else:
        hint = "Install the packages of your system that hold them."
    if no_venv or any(library.needed_for == "drawing" for library in lacking):
        raise SetUpError(f"Missing from the system, and Triptych cannot work without: {names}.", hint)
    reasons = " and ".join(sorted({library.needed_for for library in lacking}))
    _say(f"Note: missing from the system, for {reasons}: {names}. {hint}")


def _has_venv() -> bool:
    from importlib import invalidate_caches
    from importlib.util import find_spec

    invalidate_caches()
    return find_spec("venv") is not None and find_spec("ensurepip") is not None


def _hand_to_a_newer_python(arguments: "list[str]") -> int:
    for minor in (14, 13, 12, 11):
        newer = shutil.which(f"python3.{minor}")
        if newer and subprocess.call([newer, "-c", "import venv"], stderr=subprocess.DEVNULL) == 0:
            return subprocess.call([newer, os.path.abspath(__file__), *arguments])
    return _stop(
        "Triptych needs Python 3.11 or newer; this is Python {}.{}.".format(*sys.version_info[:2]),
        "Install a newer Python, then start again with it: python3.12 packaging/start.py",
    )


def _become(python: "Path", arguments: "list[str]") -> int:
    """Replace this process by the studio, so that signals and the exit status are its own."""
    sys.stdout.flush()
    # -P: a folder named `studio` where the user happens to stand must not be taken for ours.
    command = [str(python), "-P", *arguments]
    if os.name == "nt":  # Windows' exec returns to the shell at once
        return subprocess.call(command)
    return os.execv(command[0], command)


def _say(words: str) -> None:
    print(words, flush=True)


def _stop(what: str, hint: str, status: int = 1) -> int:
    print(what + "\n" + hint, file=sys.stderr, flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
