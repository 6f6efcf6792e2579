"""Probes: what is asked of the engine, and whose numbers are on the board."""

from __future__ import annotations

from stage import Idle, analysed, model_info

from engine.api import Probe, ProbeDone, ProbeResult, ProbeScore
from studio.services.messages import Message
from studio.session.session import Session

NAMES = [f"{'abc'[i % 3]}{i}" for i in range(12)]


def result(task: str, h: float) -> ProbeResult:
    return ProbeResult(task, "accuracy", "speaker-disjoint", {"h": ProbeScore(40, h, h, h, 0.5, (h,), {})}, ())


def test_too_few_recordings_are_not_probed(session: Session, link: Idle, said: list[Message]) -> None:
    analysed(session, *NAMES[:3])
    assert session.probes.run() is None
    assert "at least 10" in said[-1].what
    assert link.asked(Probe) == []


def test_results_come_one_by_one_and_stay_when_all_is_done(session: Session) -> None:
    ids = analysed(session, *NAMES)
    job = session.probes.run()
    assert job is not None
    job.begin()
    job.partial.emit(result("gender", 0.9))
    assert list(session.probes.board.results) == ["gender"]
    both = (result("gender", 0.9), result("speaker", 0.8))
    job.done.emit(ProbeDone(both, session.probes.board.model_hash, 12, 1.0))
    assert list(session.probes.board.results) == ["gender", "speaker"]
    assert session.probes.board.done
    assert session.probes.board.job is None
    assert not session.probes.are_stale()
    session.library.set_label(ids[:1], "speaker", "somebody else")
    assert session.probes.are_stale()


def test_another_model_or_project_begins_an_empty_board(session: Session) -> None:
    analysed(session, *NAMES)
    for leave in (lambda: session.model.use(model_info("cd" * 32)), session.project.new):
        job = session.probes.run()
        if job is None:  # nothing is analysed with the other model
            analysed(session, *(f"n{name}" for name in NAMES))
            job = session.probes.run()
        assert job is not None
        job.begin()
        leave()
        job.partial.emit(result("gender", 0.9))
        assert session.probes.board.results == {}
        assert session.probes.board.job is None
