"""openTSNE's optimiser as a map uses it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import openTSNE
import pytest

from engine.api.errors import Cancelled
from engine.maps import tsne
from engine.maps.neighbours import NeighbourIndex

Values = np.ndarray


@pytest.fixture
def values() -> Values:
    random = np.random.default_rng(0)
    return (10 * random.normal(size=(3, 16)))[np.arange(60) % 3] + random.normal(size=(60, 16))


def nothing(_share: float) -> None:
    return


def begun(values: Values, check: Callable[[float], None] = nothing, seed: int = 0) -> tsne.TsneMap:
    return tsne.begin(NeighbourIndex(values), values[:, :2].astype(np.float32), 10.0, seed, check, 1)


def test_affinities_are_those_of_opentsne(monkeypatch: pytest.MonkeyPatch, values: Values) -> None:
    monkeypatch.setattr(tsne, "BLOCK_ROWS", 7)
    expected = openTSNE.affinity.PerplexityBasedNN(values, perplexity=10.0, method="exact").P
    found = begun(values)
    ordered = expected.toarray()[found.order][:, found.order]
    np.testing.assert_allclose(found.embedding.affinities.P.toarray(), ordered, atol=1e-6)


def test_rows_are_drawn_from_the_start_and_given_back_in_the_order_of_the_points(values: Values) -> None:
    found = begun(values)
    assert sorted(found.order.tolist()) == list(range(60))
    start = values[:, :2] / values[:, 0].std()
    np.testing.assert_allclose(found.xy, 1e-4 * start, atol=5e-6)


def test_a_run_that_is_watched_gives_the_same_map(values: Values) -> None:
    seen: list[int] = []

    def watch(done: int, divergence: float, xy: np.ndarray) -> bool:
        seen.append(done)
        assert np.isfinite(divergence)
        assert xy.shape == (60, 2)
        return False

    first, second = begun(values), begun(values)
    assert tsne.optimise(first, 100, early=True, watch=watch, threads=1)
    assert tsne.optimise(second, 100, early=True, watch=lambda *_: False, threads=1)
    np.testing.assert_array_equal(first.xy, second.xy)
    assert seen == [9, 19, *range(29, 100, 10)]


@pytest.mark.parametrize("error", [None, Cancelled])
def test_a_run_broken_off_while_attraction_is_exaggerated_leaves_the_affinities(
    values: Values, error: type[Exception] | None
) -> None:
    fitted = begun(values)
    affinities = fitted.embedding.affinities.P.copy()

    def watch(*_now: object) -> bool:
        if error is not None:
            raise error
        return True

    if error is None:
        assert not tsne.optimise(fitted, 100, early=True, watch=watch, threads=1)
    else:
        with pytest.raises(error):
            tsne.optimise(fitted, 100, early=True, watch=watch, threads=1)
    np.testing.assert_array_equal(fitted.embedding.affinities.P.toarray(), affinities.toarray())


def test_a_check_ends_every_step_of_the_beginning(monkeypatch: pytest.MonkeyPatch, values: Values) -> None:
    monkeypatch.setattr(tsne, "BLOCK_ROWS", 20)
    shares: list[float] = []
    begun(values, shares.append)
    for last in range(1, len(shares) + 1):
        counted: list[float] = []

        def stop(share: float, counted: list[float] = counted, last: int = last) -> None:
            counted.append(share)
            if len(counted) == last:
                raise Cancelled

        with pytest.raises(Cancelled):
            begun(values, stop)
    assert len(shares) >= 7
