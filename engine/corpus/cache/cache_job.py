"""Cache job: report what the cache holds, set its limit, clear it."""

from __future__ import annotations

from engine.api import CacheState, CareForCache, ControlSignal, Report
from engine.corpus.cache import eviction
from engine.corpus.cache.index import Index
from engine.corpus.cache.location import cache_dir


def manage(request: CareForCache, report: Report, control: ControlSignal) -> CacheState:
    """Clear the cache or change its limit, as requested; returns what it holds then.

    Raises:
        CorpusError: its folder cannot be used.
    """
    folder = cache_dir()
    with Index(folder) as index:
        if request.limit_bytes is not None:
            index.set_limit(request.limit_bytes)
            eviction.make_room(index)
        if request.clear:
            eviction.clear(index)
        recordings, clips = index.count()
        return CacheState(str(folder), eviction.used_bytes(index), index.limit_bytes, recordings, clips)
