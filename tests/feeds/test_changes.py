"""Chunks cut anew so that each ends with a whole change."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_depth.errors import FeedError
from market_depth.events import Events, Flag
from market_depth.feeds import changes
from market_depth.feeds.changes import changes_by_time, flag_last_by_time, whole_changes
from support.flow import Event, batch, batch_of, events_of, unfinished
from support.hypothesis_settings import relaxed


def chunks_of(*chunks: str) -> list[Events]:
    """Return chunks of events: a letter each, a capital one ends a change."""
    return [batch_of(_event(letter) for letter in chunk) for chunk in chunks]


def _event(letter: str) -> Event:
    return Event(order_id=ord(letter), flags=Flag.LAST if letter.isupper() else 0)


def cut(*chunks: str) -> list[str]:
    """Return what whole_changes makes of chunks, as letters."""
    return [
        "".join(chr(event.order_id) for event in events_of(events))
        for events in whole_changes(chunks_of(*chunks))
    ]


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ([], []),
        (["ABC"], ["ABC"]),
        (["abC", "dE"], ["abC", "dE"]),
        (["abCde", "fG"], ["abC", "defG"]),
        (["a", "b", "c", "D"], ["abcD"]),
        (["aBc", "d", "e", "FgHi", "j"], ["aB", "cdeFgH", "ij"]),
        (["", "a", "", "B", ""], ["aB"]),
        (["abc"], ["abc"]),
        (["AB", "c"], ["AB", "c"]),
    ],
)
def test_chunks_end_with_a_whole_change(chunks: list[str], expected: list[str]) -> None:
    assert cut(*chunks) == expected


@relaxed
@given(st.lists(st.text("abcD", max_size=6), max_size=12))
def test_no_event_is_lost_and_none_moved(chunks: list[str]) -> None:
    pieces = cut(*chunks)
    assert "".join(pieces) == "".join(chunks)
    assert all(pieces)
    assert all(piece[-1] == "D" for piece in pieces[:-1])


def test_an_endless_change_is_handed_on_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "MAX_CHANGE_EVENTS", 5)
    assert cut("ab", "cd", "ef", "g", "H") == ["abcdef", "gH"]


def test_whole_changes_before_an_error_have_been_handed_on() -> None:
    def broken() -> Iterator[Events]:
        yield from chunks_of("aBc", "d")
        raise FeedError("broken")

    pieces = whole_changes(broken())
    assert len(next(pieces)) == 2
    with pytest.raises(FeedError, match="broken"):
        next(pieces)


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ([], []),
        ([[]], []),
        ([[5]], [[5]]),
        ([[5, 5]], [[5, 5]]),
        ([[5, 5, 6]], [[5, 5], [6]]),
        ([[5, 6], [6, 6], [6, 7]], [[5], [6, 6, 6, 6], [7]]),
        ([[5], [], [6]], [[5], [6]]),
        ([[5, 6, 7, 7], [8]], [[5, 6], [7, 7], [8]]),
    ],
)
def test_events_of_one_time_are_one_change_across_chunks(
    chunks: list[list[int]], expected: list[list[int]]
) -> None:
    pieces = list(
        changes_by_time(
            batch(*[unfinished(Event(ts_event=time)) for time in times]) for times in chunks
        )
    )
    assert [piece["ts_event"].tolist() for piece in pieces] == expected
    for piece in pieces:
        times = piece["ts_event"].tolist()
        ends = [place for place in range(len(times)) if times[place] not in times[place + 1 :]]
        assert np.flatnonzero(piece["flags"] & np.uint8(Flag.LAST)).tolist() == ends


def test_an_endless_time_is_handed_on_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "MAX_CHANGE_EVENTS", 5)
    chunks = [batch(*[unfinished(Event(ts_event=5))] * 2) for _ in range(4)]
    assert [len(piece) for piece in changes_by_time(chunks)] == [6, 2]


@pytest.mark.parametrize(
    ("times", "last"),
    [
        ([], []),
        ([5], [True]),
        ([5, 5, 5], [False, False, True]),
        ([5, 6, 6, 7], [True, False, True, True]),
        ([6, 5, 6], [True, True, True]),
    ],
)
def test_the_last_event_of_a_time_is_flagged(times: list[int], last: list[bool]) -> None:
    events = batch(*[Event(ts_event=time, flags=Flag.SNAPSHOT) for time in times])
    flag_last_by_time(events)
    flags = [Flag.SNAPSHOT | Flag.LAST if is_last else Flag.SNAPSHOT for is_last in last]
    assert [event.flags for event in events_of(events)] == flags
