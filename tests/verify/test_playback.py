"""What must hold in any recording that is played."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from market_depth.errors import FeedError
from market_depth.events import BookStatus, Events, Flag, StatusReason
from market_depth.instruments import Instrument
from market_depth.verify.findings import Check, Report
from market_depth.verify.playback import Playback, play
from support.flow import (
    ASK,
    BID,
    Event,
    add,
    at,
    batch,
    cancel,
    clear,
    modify,
    of,
    set_level,
    status,
    unfinished,
)
from support.sources import ListSource, instrument


class Source:
    """Plays one batch of events."""

    def __init__(self, *events: Event, instruments: list[Instrument] | None = None) -> None:
        one = instrument(may_cross=False, has_orders=False)
        self.instruments: Sequence[Instrument] = instruments or [one]
        self._events = batch(*events)

    def chunks(self) -> Iterator[Events]:
        yield self._events


def played(*events: Event, instruments: list[Instrument] | None = None) -> Report:
    report = Report("", [])
    play(Source(*events, instruments=instruments), report)
    return report


def check_of(report: Report, name: str) -> Check:
    (check,) = [one for one in report.checks if one.name == name]
    return check


GOOD = (at(1, set_level(BID, 100, 5)), at(2, set_level(ASK, 101, 5)))


def test_a_good_recording_passes_every_check() -> None:
    report = played(*GOOD)
    assert [(one.name, one.made, one.passed) for one in report.checks] == [
        ("times in order", 2, 2),
        ("not crossed", 2, 2),
        ("invariants", 1, 1),
    ]
    assert report.is_good
    assert (report.events, report.figures) == (2, {"level": 2})


def test_a_time_that_goes_back_is_found() -> None:
    check = check_of(played(*GOOD, at(1, set_level(ASK, 102, 5))), "times in order")
    assert (check.made, check.passed) == (3, 2)
    assert check.difference is not None
    assert check.difference.text == "event 3 came at 1, behind 2"


def test_a_time_that_goes_back_from_chunk_to_chunk_is_found() -> None:
    report = Report("", [])
    play(ListSource([at(5, add(1, BID, 1, 1))], [at(4, add(2, BID, 1, 1))]), report)
    check = check_of(report, "times in order")
    assert (check.made, check.passed) == (2, 1)


def test_a_crossed_book_is_found_and_shown() -> None:
    report = played(*GOOD, at(3, set_level(BID, 101, 7))._replace(sequence=9), *GOOD)
    check = check_of(report, "not crossed")
    assert (check.made, check.passed) == (5, 2)
    assert check.difference is not None
    assert check.difference.text == "SYM1 is crossed or locked at ts_event 3, sequence 9"
    assert "1.01 × 7" in check.difference.book[1]
    assert not report.is_good


def test_a_change_is_looked_at_when_it_is_whole() -> None:
    moved = (unfinished(set_level(ASK, 101, 0)), unfinished(set_level(BID, 101, 7)))
    report = played(*GOOD, *[at(3, one) for one in (*moved, set_level(ASK, 102, 1))])
    assert check_of(report, "not crossed").passed == 3


def test_a_stale_book_may_be_crossed() -> None:
    stale = at(3, status(BookStatus.STALE, StatusReason.GAP))
    report = played(*GOOD, stale, at(4, set_level(BID, 101, 7)))
    assert check_of(report, "not crossed").passed == 4
    assert report.figures["gaps"] == 1


def test_orders_told_one_by_one_may_cross_for_a_moment() -> None:
    events = [at(1, add(1, BID, 100, 5)), at(2, add(2, ASK, 99, 5)), at(3, cancel(1))]
    report = played(*events, instruments=[instrument(may_cross=False)])
    check = check_of(report, "orders not crossed")
    assert (check.made, check.passed, check.is_soft) == (3, 2, True)
    assert report.is_good


def test_a_venue_that_crosses_is_not_looked_at() -> None:
    report = played(*GOOD, at(3, set_level(BID, 101, 7)), instruments=[instrument()])
    assert [one.name for one in report.checks] == ["times in order", "invariants"]


@pytest.mark.parametrize("wrong", [cancel(9), modify(9, BID, 1, 1)])
def test_orders_that_are_not_there_are_found(wrong: Event) -> None:
    events = [clear(), add(1, BID, 100, 5), add(2, BID, 99, 5), cancel(2), wrong]
    check = check_of(played(*events, instruments=[instrument()]), "orders known")
    assert (check.made, check.passed) == (2, 1)


def test_a_book_that_was_joined_may_not_know_its_orders() -> None:
    events = [status(BookStatus.STALE, StatusReason.JOINED), cancel(9)]
    report = Report("", [])
    playback = play(Source(*events, instruments=[instrument()]), report)
    assert "orders known" not in [one.name for one in report.checks]
    assert playback.lacks_its_beginning


def test_gaps_are_counted_by_instrument() -> None:
    gap, good = status(BookStatus.STALE, StatusReason.GAP), status(BookStatus.RECOVERED)
    events = [of(n, one) for n in (1, 1, 2) for one in (gap, good)]
    assert played(*events, instruments=[instrument(1), instrument(2)]).figures["gaps"] == 2


def test_events_of_snapshots_are_counted_for_themselves() -> None:
    snapshot = add(1, BID, 100, 5)._replace(flags=Flag.SNAPSHOT | Flag.LAST)
    report = played(snapshot, add(2, BID, 100, 5), instruments=[instrument()])
    assert report.figures == {"add": 1, "snapshot add": 1, "order changes": 1}


def test_the_last_event_of_each_instrument_is_kept() -> None:
    source = Source(
        of(1, at(5, add(1, BID, 1, 1))._replace(sequence=7)),
        of(2, at(6, add(1, BID, 1, 1))),
        of(1, at(7, status(BookStatus.HALTED))),
        instruments=[instrument(1), instrument(2)],
    )
    playback = play(source, Report("", []))
    assert [int(playback.last[n]["ts_event"]) for n in (1, 2)] == [5, 6]


def test_what_came_before_a_damage_has_been_checked() -> None:
    report = Report("", [])
    with pytest.raises(FeedError, match="broken"):
        play(ListSource([at(1, add(1, BID, 1, 1))], failure="broken"), report)
    assert (report.events, check_of(report, "invariants").passed) == (1, 1)


def test_a_broken_book_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    report = Report("", [])
    playback = Playback(Source(instruments=[instrument()]), report)
    playback.take(batch(add(1, BID, 100, 5)))
    playback.book(1)._state.levels["size"] += 1
    playback.finish()
    check = check_of(report, "invariants")
    assert (check.made, check.passed) == (1, 0)
    assert check.difference is not None
    assert "SYM1 behind event 1: book invariant broken" in check.difference.text
