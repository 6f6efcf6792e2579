"""Which of several processes this one is, by what torchrun leaves in the environment."""

from __future__ import annotations

from engine.training.distributed.launch import LaunchedProcess, this_process


def test_a_process_is_alone_unless_a_launcher_says_otherwise() -> None:
    assert this_process({}) == this_process({"RANK": "1", "WORLD_SIZE": "2"}) == LaunchedProcess()
    ranks = {"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "4"}
    address = {"MASTER_ADDR": "here", "MASTER_PORT": "1"}
    assert this_process({**ranks, **address, "TORCHELASTIC_RESTART_COUNT": "2"}) == LaunchedProcess(5, 8, 1, 4, 2)
