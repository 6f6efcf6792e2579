"""Launched process: which of several this one is, where torchrun started several for one training run.

Light: what needs no torch asks here before torch is imported.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class LaunchedProcess:
    """Process `number` of `count`, `local` of `local_count` on this machine; restarts: how often all began anew."""

    number: int = 0
    count: int = 1
    local: int = 0
    local_count: int = 1
    restarts: int = 0

    @property
    def first(self) -> bool:
        """Whether this is the process that writes and speaks."""
        return self.number == 0


def this_process(environment: Mapping[str, str] | None = None) -> LaunchedProcess:
    """This process, as torchrun's environment variables describe it; one of one where there are none."""
    given = os.environ if environment is None else environment
    if not all(name in given for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")):
        return LaunchedProcess()
    return LaunchedProcess(
        number=int(given["RANK"]),
        count=int(given["WORLD_SIZE"]),
        local=int(given.get("LOCAL_RANK", given["RANK"])),
        local_count=int(given.get("LOCAL_WORLD_SIZE", given["WORLD_SIZE"])),
        restarts=int(given.get("TORCHELASTIC_RESTART_COUNT", "0")),
    )
