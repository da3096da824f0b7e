"""Subscribers share their moments in groups whose moments lie apart."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_depth.streams.cohort import Cohort
from market_depth.streams.cohorts import COHORT_SUBSCRIBERS
from support.hypothesis_settings import relaxed
from support.subscribers import BEGIN_S, INTERVAL_S, Collector, Server, order


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (10.0, 10.5),
        (10.1, 10.5),
        (10.49, 10.5),
        (10.5, 11.0),
        (10.75, 11.0),
        (99.9, 100.0),
    ],
)
def test_a_late_flush_does_not_shift_the_beat(now: float, due: float) -> None:
    cohort = Cohort(10.0, 0.5)
    cohort.postpone(now)
    assert cohort.due == pytest.approx(due)


@relaxed
@given(
    st.floats(0, 1e6),
    st.floats(0.001, 3600),
    st.floats(0, 1e5),
)
def test_the_next_moment_is_less_than_an_interval_away(
    due: float, interval: float, late: float
) -> None:
    cohort = Cohort(due, interval)
    cohort.postpone(due + late)
    wait = cohort.due - (due + late)
    assert -1e-6 < wait <= interval + 1e-6
    beats = (cohort.due - due) / interval
    assert beats == pytest.approx(round(beats), abs=1e-3)


@pytest.fixture
def server() -> Server:
    server = Server()
    server.apply(*[order(number) for number in range(10)])
    return server


def test_streams_are_due_an_interval_after_they_were_opened(server: Server) -> None:
    server.subscriber()
    assert server.manager.next_due() == pytest.approx(BEGIN_S + INTERVAL_S)


def test_all_streams_of_a_subscriber_are_due_together(server: Server) -> None:
    subscriber = server.subscriber("a")
    server.now_s += 0.2
    server.subscribe(subscriber, "b", max_levels=7)
    subscriber.take()
    server.apply(order(10))
    server.manager.flush(BEGIN_S + INTERVAL_S, server.wall_ns)
    assert [update["stream_id"] for update in subscriber.take()] == ["a", "b"]


def test_nothing_is_flushed_before_it_is_due(server: Server) -> None:
    subscriber = server.subscriber()
    server.apply(order(10))
    assert server.manager.flush(BEGIN_S + 0.9 * INTERVAL_S, server.wall_ns) == (0, 0, 0, 0)
    assert subscriber.take() == []
    assert server.manager.flush(BEGIN_S + INTERVAL_S, server.wall_ns).messages == 1


def test_a_flush_long_overdue_is_made_up_for_once(server: Server) -> None:
    subscriber = server.subscriber()
    server.apply(order(10))
    server.now_s += 10.5 * INTERVAL_S
    server.manager.flush(server.now_s, server.wall_ns)
    assert len(subscriber.take()) == 1
    assert server.manager.next_due() == pytest.approx(BEGIN_S + 11 * INTERVAL_S)


def cohorts_of(server: Server) -> list[Cohort]:
    return list(server.manager._cohorts)


def test_subscribers_are_spread_over_cohorts_whose_moments_lie_apart(server: Server) -> None:
    for _ in range(3 * COHORT_SUBSCRIBERS + 1):
        server.subscriber()
    sizes = [len(cohort.subscribers) for cohort in cohorts_of(server)]
    assert sizes == [COHORT_SUBSCRIBERS] * 3 + [1]
    phases = sorted((cohort.due - BEGIN_S) % INTERVAL_S for cohort in cohorts_of(server))
    gaps = [later - earlier for earlier, later in pairwise(phases)]
    assert min(gaps) > 0.1 * INTERVAL_S


def test_a_new_cohorts_first_moment_is_less_than_an_interval_away(server: Server) -> None:
    for _ in range(3 * COHORT_SUBSCRIBERS + 1):
        server.subscriber()
    assert all(BEGIN_S < cohort.due <= BEGIN_S + INTERVAL_S for cohort in cohorts_of(server))


def test_one_call_flushes_the_cohort_that_has_waited_longest(server: Server) -> None:
    for _ in range(2 * COHORT_SUBSCRIBERS + 1):
        server.subscriber()
    server.apply(order(10))
    dues = sorted(cohort.due for cohort in cohorts_of(server))
    sizes = {cohort.due: len(cohort.subscribers) for cohort in cohorts_of(server)}
    now = BEGIN_S + 2 * INTERVAL_S
    flushed = []
    encoded = 0
    while (due := server.manager.next_due()) is not None and due <= now:
        flushed.append(due)
        count = server.manager.flush(now, server.wall_ns)
        assert count.messages == sizes[due]
        encoded += count.encoded
    assert flushed == dues
    assert encoded == 1, "once for all cohorts, as the book has not changed between them"


def test_within_an_interval_every_subscriber_is_told_once(server: Server) -> None:
    subscribers = [server.subscriber() for _ in range(COHORT_SUBSCRIBERS + 20)]
    server.apply(order(10))
    end = BEGIN_S + INTERVAL_S
    while (due := server.manager.next_due()) is not None and due <= end:
        server.manager.flush(due, server.wall_ns)
    assert {len(subscriber.frames) for subscriber in subscribers} == {1}


def test_a_place_that_was_left_is_filled_first(server: Server) -> None:
    subscribers = [server.subscriber() for _ in range(COHORT_SUBSCRIBERS + 1)]
    server.manager.drop(subscribers[7])
    newcomer = server.subscriber()
    assert newcomer.cohort is cohorts_of(server)[0]


def test_an_empty_cohort_keeps_its_beat_and_does_not_flush_at_once(server: Server) -> None:
    server.manager.drop(server.subscriber())
    assert server.manager.next_due() is None
    server.now_s += 100.5 * INTERVAL_S
    server.subscriber()
    assert server.manager.next_due() == pytest.approx(BEGIN_S + 101 * INTERVAL_S)


def test_what_a_flush_did_is_told(server: Server) -> None:
    quick, slow = server.subscriber("q"), server.subscriber("s")
    slow.is_blocked = True
    server.apply(order(10))
    server.now_s += INTERVAL_S
    count = server.manager.flush(server.now_s, server.wall_ns)
    assert (count.messages, count.skipped, count.encoded) == (1, 1, 1)
    assert count.size_bytes == len(quick.frames[0])
    assert isinstance(slow, Collector)
    assert slow.frames == []
