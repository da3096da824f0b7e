"""Events for tests, written as one reads them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from market_depth.events import (
    EVENT_DTYPE,
    NO_ORDER_COUNT,
    Action,
    BookStatus,
    Events,
    Flag,
    Side,
    StatusReason,
)

BID, ASK = Side.BID, Side.ASK


class Event(NamedTuple):
    """One event, fields as in `EVENT_DTYPE`; by itself a whole change."""

    ts_event: int = 0
    ts_recv: int = 0
    order_id: int = 0
    price: int = 0
    size: int = 0
    sequence: int = 0
    instrument_id: int = 1
    action: int = Action.NONE
    side: int = Side.NONE
    flags: int = Flag.LAST


def add(order_id: int, side: Side, price: int, size: int, ts_event: int = 0) -> Event:
    return Event(
        ts_event=ts_event, order_id=order_id, price=price, size=size, action=Action.ADD, side=side
    )


def cancel(order_id: int, size: int = 0, side: Side = Side.NONE, price: int = 0) -> Event:
    return Event(order_id=order_id, price=price, size=size, action=Action.CANCEL, side=side)


def modify(order_id: int, side: Side, price: int, size: int, ts_event: int = 0) -> Event:
    return add(order_id, side, price, size, ts_event)._replace(action=Action.MODIFY)


def set_level(side: Side, price: int, size: int, count: int = NO_ORDER_COUNT) -> Event:
    return Event(order_id=count, price=price, size=size, action=Action.LEVEL, side=side)


def clear() -> Event:
    return Event(action=Action.CLEAR)


def status(status: BookStatus, reason: StatusReason = StatusReason.NONE) -> Event:
    return Event(action=Action.STATUS, size=status, price=reason)


def at(time_ns: int, event: Event) -> Event:
    """Return *event*, happened and received at a time."""
    return event._replace(ts_event=time_ns, ts_recv=time_ns)


def of(instrument_id: int, event: Event) -> Event:
    """Return *event* about an instrument."""
    return event._replace(instrument_id=instrument_id)


def unfinished(event: Event) -> Event:
    """Return *event* as a part of a change whose last event is yet to come."""
    return event._replace(flags=event.flags & ~Flag.LAST)


def batch(*events: Event) -> Events:
    """Return *events* as books take them."""
    return batch_of(events)


def batch_of(events: Iterable[Event]) -> Events:
    """Return *events* as books take them."""
    return np.array([tuple(event) for event in events], EVENT_DTYPE)


def events_of(events: Events) -> list[Event]:
    """Return an array of events one by one."""
    return [Event(*fields) for fields in events.tolist()]
