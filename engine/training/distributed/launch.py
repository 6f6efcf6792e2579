"""Which of several processes this one is, where a launcher (torchrun) started several for one training run.

Light: what needs no torch asks here before torch is imported.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
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


def place(environment: Mapping[str, str] | None = None) -> Place:
    """As torchrun tells it in the environment; one of one where it does not."""
    told = os.environ if environment is None else environment
    if not all(name in told for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")):
        return Place()
    return Place(
        number=int(told["RANK"]),
        count=int(told["WORLD_SIZE"]),
        local=int(told.get("LOCAL_RANK", told["RANK"])),
        local_count=int(told.get("LOCAL_WORLD_SIZE", told["WORLD_SIZE"])),
        restarts=int(told.get("TORCHELASTIC_RESTART_COUNT", "0")),
    )
