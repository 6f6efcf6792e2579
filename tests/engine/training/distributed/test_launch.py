"""Which of several processes this one is, by what torchrun leaves in the environment."""

from __future__ import annotations

from engine.training.distributed.launch import Place, place


def test_a_process_is_alone_unless_a_launcher_says_otherwise() -> None:
    assert place({}) == place({"RANK": "1", "WORLD_SIZE": "2"}) == Place()
    ranks = {"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "4"}
    address = {"MASTER_ADDR": "here", "MASTER_PORT": "1"}
    assert place({**ranks, **address, "TORCHELASTIC_RESTART_COUNT": "2"}) == Place(5, 8, 1, 4, 2)
