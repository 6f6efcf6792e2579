"""What projects do on the disk, away from the window's thread: bring in and write, search, tidy.

Only the values that are handed over are touched: nothing here knows the session.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from engine.api import Take, unfinished
from studio.domain.clip import Clip
from studio.project import project_file, project_folder
from studio.project.project_file import AUTOSAVE, FILE, UNTITLED_FILE, Project, moved_project
from studio.project.project_folder import MOVED, Listing, Moved
from studio.services.background_threads import unhurried


def bring_and_write(
    folder: Path, runs: Iterable[str], project: Project, untitled: Path | None
) -> dict[str, str] | OSError:
    """Bring what the project needs into its folder and write its file: what went where, or why it failed.

    Args:
        runs: folders of the runs that may be brought along. untitled: the folder that the project leaves.
    """
    wanted = {
        **{at: folder / "analysis" / os.path.basename(at) for at in analyses_of(project.clips, project.takes)},
        **{(at := os.path.dirname(t.transformed)): folder / "takes" / os.path.basename(at) for t in project.takes},
        **{run: folder / "runs" / os.path.basename(run) for run in runs},
    }
    plan = {old: str(new) for old, new in wanted.items() if not project_folder.is_inside(old, folder)}
    try:
        for name in ("analysis", "takes", "runs"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        arrived = project_folder.bring(plan)
        project = moved_project(project, Moved(arrived))
        maps = {}
        for latent, file in project.maps.items():
            maps[latent] = str(folder / "maps" / Path(file).name)
            if maps[latent] != file:
                arrived |= project_folder.bring_file(file, maps[latent])
        project.maps = maps
        project_file.write(folder / FILE, project)
        remove(folder / AUTOSAVE)
        if untitled is not None:
            for old in arrived:
                if project_folder.is_inside(old, untitled) and os.path.isdir(old):
                    (Path(old) / MOVED).touch()
            remove(untitled / UNTITLED_FILE)
    except OSError as error:
        return error
    return arrived


def analyses_of(clips: Iterable[Clip], takes: Iterable[Take]) -> set[str]:
    """Folders of the analyses that recordings or takes need."""
    needed = {clip.folder for clip in unhurried(clips) if clip.folder}
    for take in unhurried(takes):
        refs = (*take.voice, *take.emotion, *(ref for edit in take.edits for ref in edit.givers))
        needed |= {take.source, *(ref.folder for ref in refs)}
    return needed


def count_missing(recordings: list[str]) -> int:
    """How many of these files are not there."""
    there = Listing()
    return sum(path not in there for path in unhurried(recordings))


def search(folder: Path, recordings: Mapping[str, str]) -> tuple[dict[str, str], int]:
    """Where below the folder recordings lie that are not at their paths (by id), and how many these are."""
    there = Listing()
    missing = {clip_id: path for clip_id, path in unhurried(recordings.items()) if path not in there}
    return project_folder.find_by_name(folder, missing), len(missing)


def tidy(analyses: Path, used: set[str], written: set[str], moved: tuple[Path, ...]) -> None:
    """Delete analyses that nothing uses.

    Args:
        written: ids of recordings whose analyses may be in the making. moved: folders that a project has left.
    """
    begun = {folder for i in unhurried(written) for folder in (analyses / i, unfinished(analyses, i))}
    project_folder.sweep(analyses, used | begun)
    for root in moved:
        if root.is_dir():
            kept = [one for one in root.iterdir() if not (one / MOVED).exists()]
            project_folder.sweep(root, kept)


def remove(file: Path) -> None:
    """Delete a file, if it is there and can be."""
    with contextlib.suppress(OSError):  # not there, or not to be had: then it is offered once more
        file.unlink()
