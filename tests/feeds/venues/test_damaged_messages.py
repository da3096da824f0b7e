"""Messages cut, flipped and spliced: events that can be written, or one clear error."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_depth.errors import FeedError
from market_depth.events import Action, BookStatus, Side, StatusReason
from market_depth.feeds.venues import Venue
from market_depth.feeds.venues.base import LevelRows, OrderRow
from support.hypothesis_settings import relaxed
from support.venue_messages import MESSAGES, SNAPSHOT_URLS, SNAPSHOTS

MAX_INT64 = 2**63 - 1


class Writable:
    """A sink that takes only what an event has room for."""

    is_checking = True

    def _rows(self, rows: LevelRows, count_at: int | None) -> None:
        for row in rows:
            assert len(row) >= 2 if count_at is None else count_at < len(row)
            assert all(type(text) is str for text in row)

    def _numbers(self, ts_event: int, sequence: int) -> None:
        assert 0 <= ts_event <= MAX_INT64
        assert 0 <= sequence <= MAX_INT64

    def snapshot(
        self,
        symbol: str,
        bids: LevelRows,
        asks: LevelRows,
        *,
        ts_event: int = 0,
        sequence: int = 0,
        count_at: int | None = None,
    ) -> None:
        self._rows(bids, count_at)
        self._rows(asks, count_at)
        self._numbers(ts_event, sequence)

    levels = snapshot

    def orders(
        self,
        symbol: str,
        bids: list[OrderRow],
        asks: list[OrderRow],
        *,
        ts_event: int = 0,
        sequence: int = 0,
    ) -> None:
        self._numbers(ts_event, sequence)
        for row in (*bids, *asks):
            assert 0 <= row.order_id < 2**64
            assert type(row.price) is type(row.size) is str

    def order(
        self,
        symbol: str,
        action: Action,
        side: Side,
        order_id: int,
        price: str,
        size: str,
        *,
        ts_event: int = 0,
        sequence: int = 0,
        is_last: bool = True,
    ) -> None:
        self._numbers(ts_event, sequence)
        assert 0 <= order_id < 2**64
        assert type(price) is type(size) is str

    def trade(
        self,
        symbol: str,
        side: Side,
        price: str,
        size: str,
        *,
        ts_event: int = 0,
        sequence: int = 0,
        is_last: bool = True,
    ) -> None:
        self._numbers(ts_event, sequence)
        assert type(price) is type(size) is str

    def status(
        self, symbol: str, status: BookStatus, reason: StatusReason, *, ts_event: int = 0
    ) -> None:
        self._numbers(ts_event, 0)

    def expect(self, symbol: str, bids: LevelRows, asks: LevelRows, what: str) -> None:
        self._rows(bids, None)
        self._rows(asks, None)

    def checked(self, symbol: str, passed: bool, what: str, detail: str = "") -> None:
        assert passed is (not detail) or what == "known order"


VALUES = st.sampled_from(
    [
        b"0",
        b"-1",
        b"1e400",
        b"1e-400",
        b"99999999999999999999",
        b'""',
        b"null",
        b"[]",
        b"{}",
        b"1.5",
    ]
)


@st.composite
def damaged(draw: st.DrawFn, whole: list[bytes]) -> bytes:
    """Return a message with a part cut out, bytes changed, or a part of another in its place."""
    text = draw(st.sampled_from(whole))
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 40)))
    other = draw(st.sampled_from(whole))
    at = draw(st.integers(0, len(other)))
    part = draw(
        st.one_of(
            st.just(b""), st.binary(max_size=4), VALUES, st.just(other[at : at + end - start])
        )
    )
    return text[:start] + part + text[end:]


@pytest.mark.parametrize("venue", MESSAGES, ids=lambda venue: venue.name)
@relaxed
@given(data=st.data())
def test_damaged_messages_give_events_or_one_clear_error(venue: Venue, data: st.DataObject) -> None:
    whole = [json.dumps(message).encode() for message in MESSAGES[venue]]
    snapshot = [json.dumps(SNAPSHOTS.get(venue, {})).encode()]
    parser = venue.parser(Writable())  # type: ignore[arg-type]
    errors = []
    for text in whole:
        for message in (text, data.draw(damaged(whole))):
            try:
                parser.received("", message)
            except FeedError as error:
                errors.append(str(error))
    if venue in SNAPSHOT_URLS:
        try:
            parser.fetched(SNAPSHOT_URLS[venue], data.draw(damaged(snapshot)))
        except FeedError as error:
            errors.append(str(error))
    for text_of_error in errors:
        assert len(text_of_error.splitlines()) == 1
        assert len(text_of_error) < 500
