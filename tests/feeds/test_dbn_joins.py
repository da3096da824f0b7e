"""What a recording of orders says of its books: joined in mid-session, gaps, made good."""

from __future__ import annotations

from pathlib import Path

import pytest

from market_depth.events import Action, BookStatus, Flag, StatusReason
from market_depth.feeds.dbn import DbnSource
from support.dbn_files import Record, dbn, metadata
from support.flow import Event, events_of

CLEAR = Record("R", "N", size=0, order_id=0)
ADD = Record()
LAST, SNAPSHOT = Flag.LAST, Flag.SNAPSHOT
BAD = Flag.MAYBE_BAD_BOOK
JOINED = (BookStatus.STALE, StatusReason.JOINED)
GAP = (BookStatus.STALE, StatusReason.GAP)
LIVE = (BookStatus.LIVE, StatusReason.NONE)
RECOVERED = (BookStatus.RECOVERED, StatusReason.NONE)


def flagged(record: Record, flags: int) -> Record:
    return record._replace(flags=flags)


def told(path: Path, *records: Record) -> list[object]:
    """Return what is played: the letter of each record, and each status in between."""
    path.write_bytes(dbn(*records, joins=True, head=metadata({7: "ESH4", 9: "NQH4"})))
    events = [event for chunk in DbnSource(path).chunks() for event in events_of(chunk)]
    return [word(event) for event in events]


def word(event: Event) -> object:
    if event.action == Action.STATUS:
        assert event.flags == LAST
        return BookStatus(event.size), StatusReason(event.price)
    return chr(event.action)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "recording.dbn"


def test_a_day_from_its_start_needs_no_status(path: Path) -> None:
    assert told(path, CLEAR, ADD, ADD) == ["R", "A", "A"]


def test_a_snapshot_at_the_start_needs_no_status(path: Path) -> None:
    records = [flagged(CLEAR, SNAPSHOT), flagged(ADD, SNAPSHOT), flagged(ADD, SNAPSHOT | LAST)]
    assert told(path, *records, ADD) == ["R", "A", "A", "A"]
    assert told(path, *records[1:], ADD) == ["A", "A", "A"]


def test_a_join_in_mid_session_is_stale_from_the_start(path: Path) -> None:
    assert told(path, ADD, ADD) == [JOINED, "A", "A"]


def test_a_join_is_live_behind_a_clear(path: Path) -> None:
    assert told(path, ADD, CLEAR, ADD) == [JOINED, "A", "R", LIVE, "A"]


def test_a_join_is_live_when_the_snapshot_is_whole(path: Path) -> None:
    snapshot = [flagged(CLEAR, SNAPSHOT), flagged(ADD, SNAPSHOT), flagged(ADD, SNAPSHOT | LAST)]
    assert told(path, ADD, *snapshot, ADD) == [JOINED, "A", "R", "A", "A", LIVE, "A"]


def test_a_snapshot_without_a_clear_replaces_what_a_join_has_gathered(path: Path) -> None:
    snapshot = [flagged(ADD, SNAPSHOT), flagged(ADD, SNAPSHOT | LAST)]
    assert told(path, ADD, *snapshot) == [JOINED, "A", "R", "A", "A", LIVE]


def test_a_snapshot_that_does_not_flag_its_end_ends_with_the_next_record(path: Path) -> None:
    snapshot = [flagged(CLEAR, SNAPSHOT), flagged(ADD, SNAPSHOT)]
    assert told(path, ADD, *snapshot, ADD) == [JOINED, "A", "R", "A", LIVE, "A"]


def test_a_gap_is_stale_until_the_next_clear(path: Path) -> None:
    bad = flagged(ADD, LAST | BAD)
    assert told(path, CLEAR, ADD, bad, bad, ADD, CLEAR, ADD) == [
        "R", "A", GAP, "A", "A", "A", "R", RECOVERED, "A",
    ]  # fmt: skip


def test_a_clear_that_may_be_bad_makes_nothing_good(path: Path) -> None:
    bad = flagged(CLEAR, LAST | BAD)
    assert told(path, CLEAR, bad, ADD, CLEAR) == ["R", GAP, "R", "A", "R", RECOVERED]


def test_each_instrument_has_a_status_of_its_own(path: Path) -> None:
    other = ADD._replace(instrument_id=9)
    assert told(path, CLEAR, other, ADD, other) == ["R", JOINED, "A", "A", "A"]


def test_a_status_has_the_time_and_instrument_of_its_event(path: Path) -> None:
    late = CLEAR._replace(instrument_id=9, ts_event=ADD.ts_event + 5, ts_recv=ADD.ts_recv + 7)
    path.write_bytes(dbn(late._replace(action="A"), late, joins=True))
    events = [event for chunk in DbnSource(path).chunks() for event in events_of(chunk)]
    assert len(events) == 4
    for event in (events[0], events[3]):
        assert (event.ts_event, event.ts_recv) == (late.ts_event, late.ts_recv)
        assert event.instrument_id == 9


def test_a_recording_played_again_begins_again(path: Path) -> None:
    path.write_bytes(dbn(ADD, CLEAR, joins=True))
    source = DbnSource(path)
    rounds = [[event for chunk in source.chunks() for event in events_of(chunk)] for _ in "12"]
    assert rounds[0] == rounds[1]
