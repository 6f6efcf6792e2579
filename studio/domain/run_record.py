"""Training runs as the studio lists them: the run's own folder is the truth."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.api import EngineError, Heard, KeptCheckpoint, RunSpec, TrainDone, TrainPoint, checkpoints_of, heard_of
from engine.api.stored_values import converted

BEST = "best.triptych.safetensors"
LAST = "last.triptych.safetensors"
STATE_FILES = ("state.safetensors", "state.previous.safetensors")


@dataclass
class RunRecord:
    """One run.

    state: running, paused, done, stopped (ended early, can go on), failed (error says why).
    done: the result, if the run ended in this session. What is read of its checkpoints is renewed by `look_again`.
    """

    run_dir: str
    name: str
    state: str
    points: list[TrainPoint] = field(default_factory=list)
    done: TrainDone | None = None
    error: tuple[str, str] | None = None
    started_at: float = 0.0  # seconds since the epoch
    checkpoints: tuple[KeptCheckpoint, ...] = ()  # kept on the way, in the order of their steps
    heard: Heard = field(default_factory=Heard)  # auditions and probes of them

    def look_again(self) -> None:
        """Read anew what the run's folder says of its checkpoints."""
        self.checkpoints = checkpoints_of(self.run_dir)
        self.heard = heard_of(self.run_dir, self.checkpoints)

    @property
    def best(self) -> str | None:
        """The best checkpoint so far, if any was saved."""
        return self._existing(BEST) or self._existing(LAST)

    @property
    def resumable(self) -> bool:
        """Whether it ended early; without a saved state it then begins anew."""
        return self.state in ("stopped", "failed")

    @property
    def has_state(self) -> bool:
        return any(self._existing(name) for name in STATE_FILES)

    def _existing(self, name: str) -> str | None:
        path = Path(self.run_dir) / name
        return str(path) if path.is_file() else None


def discover(runs_dir: Path) -> list[RunRecord]:
    """Every run below a folder, oldest first. What holds no readable run is passed over."""
    if not runs_dir.is_dir():
        return []
    found = [record for folder in runs_dir.iterdir() if (record := read(folder)) is not None]
    return sorted(found, key=lambda record: (record.started_at, record.name))


def read(folder: Path) -> RunRecord | None:
    """A run by what its folder holds; None if it holds none."""
    try:
        spec = RunSpec.read(folder)
        started_at = (folder / "spec.json").stat().st_mtime
    except (EngineError, OSError):
        return None
    points, finished = _read_log(folder / "log.jsonl")
    record = RunRecord(
        run_dir=str(folder),
        name=spec.name or folder.name,
        state="done" if finished else "stopped",
        points=points,
        started_at=started_at,
    )
    record.look_again()
    return record


def _read_log(path: Path) -> tuple[list[TrainPoint], bool]:
    """The curves, and whether the run came to its planned end. A line half written is passed over."""
    points: list[TrainPoint] = []
    finished = False
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:  # killed before it logged anything
        return points, finished
    for line in lines:
        try:
            values = converted(json.loads(line), dict[str, Any])
            event = values.get("event")
            if event in ("train", "validation"):
                points.append(converted(values | {"split": event}, TrainPoint))
            elif event in ("done", "start", "resume", "stopped"):
                finished = event == "done"
        except ValueError:
            continue
    return points, finished
