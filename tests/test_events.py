"""The event record, and how batches are cut and split."""

from __future__ import annotations

import pytest

from market_depth.events import (
    EVENT_DTYPE,
    NO_ORDER_COUNT,
    Action,
    Flag,
    Side,
    empty_events,
    last_complete_event,
)
from support.flow import Event, batch, batch_of, events_of


def test_codes_are_databentos_letters() -> None:
    letters = {action.name: chr(action) for action in Action}
    assert letters == {
        "ADD": "A",
        "CANCEL": "C",
        "MODIFY": "M",
        "CLEAR": "R",
        "TRADE": "T",
        "FILL": "F",
        "LEVEL": "L",
        "STATUS": "S",
        "NONE": "N",
    }
    assert {side.name: chr(side) for side in Side} == {"BID": "B", "ASK": "A", "NONE": "N"}


def test_flags_are_databentos_bits() -> None:
    assert {flag.name: flag.bit_length() - 1 for flag in Flag} == {
        "LAST": 7,
        "TOP_OF_BOOK": 6,
        "SNAPSHOT": 5,
        "MBP": 4,
        "BAD_TS_RECV": 3,
        "MAYBE_BAD_BOOK": 2,
    }


def test_a_record_holds_every_order_id_price_and_time() -> None:
    event = Event(
        ts_event=2**63 - 1,
        ts_recv=-(2**63),
        order_id=NO_ORDER_COUNT,
        price=-(2**63),
        size=2**63 - 1,
        sequence=2**64 - 1,
        instrument_id=2**32 - 1,
        action=255,
        side=255,
        flags=255,
    )
    assert events_of(batch(event)) == [event]
    assert EVENT_DTYPE.names == Event._fields


def test_new_events_are_zeros() -> None:
    events = empty_events(3)
    assert events.dtype == EVENT_DTYPE
    assert events_of(events) == [Event(action=0, side=0, flags=0, instrument_id=0)] * 3
    assert len(empty_events(0)) == 0


@pytest.mark.parametrize(
    ("flags", "complete"),
    [
        ([], 0),
        ([0], 0),
        ([0, 0, 0], 0),
        ([Flag.LAST], 1),
        ([0, Flag.LAST], 2),
        ([Flag.LAST, 0], 1),
        ([Flag.LAST, 0, Flag.LAST | Flag.SNAPSHOT, 0, Flag.SNAPSHOT], 3),
        ([Flag.TOP_OF_BOOK, Flag.MAYBE_BAD_BOOK], 0),
    ],
)
def test_whole_changes_end_behind_the_last_flag(flags: list[int], complete: int) -> None:
    events = batch_of(Event(flags=flag) for flag in flags)
    assert last_complete_event(events) == complete
