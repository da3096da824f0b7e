"""The kernel that turns ITCH messages into events."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from market_depth.events import Action, BookStatus, Events, Flag, Side, StatusReason
from market_depth.feeds.itch.frames import (
    CUT_OFF,
    DAMAGED,
    byte_at,
    long_at,
    message_at,
    short_at,
    time_at,
    word_at,
)
from market_depth.feeds.itch.layouts import FRAME_BYTES, LENGTHS, STOCK_PLACES
from market_depth.feeds.itch.order_table import (
    SELL,
    call_for_order,
    find_order,
    put_order,
    remove_order,
)
from market_depth.jit import inlined_kernel, int64, kernel

__all__ = [
    "MAX_EVENTS_PER_MESSAGE",
    "NOT_TOLD",
    "NO_TRADING",
    "SEGMENT_DTYPE",
    "STATE_DTYPE",
    "TARGET_DTYPE",
    "UNDEFINED_PRICE",
    "Stop",
    "Work",
    "decode_messages",
]

MAX_EVENTS_PER_MESSAGE: Final = 3
UNDEFINED_PRICE: Final = 2**63 - 1
"""Price of an execution whose order is not known, and of a broken trade."""
NO_TRADING: Final = 1
"""Bit of `halts`: the trading state is another than trading."""
NOT_TOLD: Final = 4
"""Bit of `halts`: the trading state has not been told since the day's start."""


class Stop(IntEnum):
    """Why the kernel has stopped."""

    END = 0
    """All whole messages have been taken."""
    ROOM = 1
    """There is no room for more events."""
    TABLE = 2
    """The table of orders is half full."""
    JOINED = 3
    """An order comes before a day has started."""
    NAMED = 4
    """A message names another stock than its locate is known to be."""
    DAMAGED = 5
    """What comes next is no message."""
    STARTED = 6
    """A day has started: books are empty. That message has been taken."""
    OPENED = 7
    """The hours in which the venue takes orders have begun. That message has been taken."""


STATE_DTYPE: Final = np.dtype(
    [
        ("at", np.int64),  # the next message's place
        ("segment", np.int64),  # that it is in
        ("written", np.int64),  # events
        ("sequence", np.int64),  # of the next message
        ("latest_ns", np.int64),  # latest time of receipt
        ("midnight_ns", np.int64),  # begin of the day
        ("orders", np.int64),  # in the table
        ("begun", np.bool_),  # a day has started, or is known to have been joined
        ("stale", np.bool_),  # books are stale, so that halts are not told
        ("ended", np.bool_),  # the message before was the end of a session
        ("spun", np.bool_),  # trading states have been told since the day's start
        ("tells_lengths", np.bool_),  # not so where zeros stand in place of the lengths
    ],
    align=True,
)

SEGMENT_DTYPE: Final = np.dtype(
    [
        ("end", np.int64),  # place behind its last byte
        ("ts_recv", np.int64),  # ns since 1970 UTC, of all its messages; -1 takes their own times
    ]
)
"""Messages that have come together; only the last one's last message may be cut off."""

TARGET_DTYPE: Final = np.dtype(
    [
        ("symbol", np.uint64),  # its 8 bytes as a number, 0 where it has not been named
        ("price_unit", np.int64),  # counts in 1/10000 dollar; 0 is not wanted
        ("size_unit", np.int64),  # counts in a share
        ("instrument_id", np.uint32),  # in events
        ("halts", np.uint32),  # bits: NO_TRADING, 2 an operational halt, NOT_TOLD
    ],
    align=True,
)
"""What becomes of a stock; shape (65536,), by locate."""


class Work(NamedTuple):
    """What the kernel works on."""

    state: NDArray[np.void]
    """Shape (1,) of `STATE_DTYPE`."""
    targets: NDArray[np.void]
    table: NDArray[np.void]
    """Of `ORDER_DTYPE`; a power of two."""


class Stamp(NamedTuple):
    """What all events of a message have in common."""

    ts_event: int
    ts_recv: int
    sequence: int
    instrument_id: int


_LENGTHS: Final = LENGTHS
_PLACES: Final = STOCK_PLACES
_FRAME: Final = FRAME_BYTES
_AHEAD_BYTES: Final = 512
"""How far ahead orders are called for: some twenty messages."""
_ID_BYTES: Final = 40
"""A message with an order's id, and its length, has at least so much in front of its end."""
_ROOM: Final = MAX_EVENTS_PER_MESSAGE
_UNDEFINED: Final = UNDEFINED_PRICE
_MAX_SIZE: Final = 10**9
"""No more shares than this, times 10^9, are a size."""
_ADD, _CANCEL, _TRADE = int(Action.ADD), int(Action.CANCEL), int(Action.TRADE)
_FILL, _STATUS, _NONE = int(Action.FILL), int(Action.STATUS), int(Action.NONE)
_LAST: Final = int(Flag.LAST)
_BID, _ASK, _NO_SIDE = int(Side.BID), int(Side.ASK), int(Side.NONE)
_LIVE, _HALTED = int(BookStatus.LIVE), int(BookStatus.HALTED)
_VENUE: Final = int(StatusReason.VENUE)
_END, _NO_ROOM, _TABLE, _JOINED, _NAMED, _DAMAGED, _STARTED, _OPENED = map(int, Stop)
_CUT: Final = CUT_OFF
_NO_MESSAGE: Final = DAMAGED
_TRADING_HALT, _VENUE_HALT = np.uint32(NO_TRADING), np.uint32(2)
_ANY_HALT: Final = np.uint32(NO_TRADING | 2)

_S, _H, _h = ord("S"), ord("H"), ord("h")
_A, _F, _E, _C, _X, _D, _U = (ord(kind) for kind in "AFECXDU")
_P, _Q, _B = ord("P"), ord("Q"), ord("B")
_START_OF_MESSAGES, _START_OF_HOURS = ord("O"), ord("S")
_NOT_PRINTED, _TRADING, _IS_HALTED = ord("N"), ord("T"), ord("H")
_BUY, _SELL = ord("B"), ord("S")


@inlined_kernel
def put_event(
    events: Events,
    written: int,
    stamp: Stamp,
    order_id: np.uint64,
    price: int,
    size: int,
    action: int,
    side: int,
    flags: int,
) -> int:
    """Write an event; return how many there are now."""
    event = events[written]
    event.ts_event = stamp.ts_event
    event.ts_recv = stamp.ts_recv
    event.order_id = order_id
    event.price = price
    event.size = size
    event.sequence = stamp.sequence
    event.instrument_id = stamp.instrument_id
    event.action = action
    event.side = side
    event.flags = flags
    return written + 1


@inlined_kernel
def take_shares(work: Work, slot: int, shares: int) -> None:
    """Let an order rest with fewer shares, or no more if it has no more."""
    order = work.table[slot]
    if shares >= int64(order.shares & ~SELL):
        remove_order(work.table, slot)
        work.state[0].orders -= 1
    else:
        order.shares -= np.uint32(shares)


@inlined_kernel
def execute_order(
    work: Work,
    data: NDArray[np.uint8],
    at: int,
    target: Any,
    stamp: Stamp,
    events: Events,
    written: int,
) -> int:
    """Write what an execution does (E, C)."""
    order_id = long_at(data, at + 11)
    shares = int64(word_at(data, at + 19))
    match = long_at(data, at + 23)
    price = _UNDEFINED
    side, aggressor = _NO_SIDE, _NO_SIDE
    slot = find_order(work.table, order_id)
    if slot >= 0:
        order = work.table[slot]
        is_sell = (order.shares & SELL) != 0
        price = int64(order.price) * target.price_unit
        side = _ASK if is_sell else _BID
        aggressor = _BID if is_sell else _ASK
        take_shares(work, slot, shares)
    is_printed = True
    if data[at] == _C:
        price = int64(word_at(data, at + 32)) * target.price_unit
        is_printed = data[at + 31] != _NOT_PRINTED
    if shares == 0:
        return put_event(events, written, stamp, order_id, price, 0, _NONE, side, _LAST)
    size = shares * target.size_unit
    if is_printed:
        written = put_event(events, written, stamp, match, price, size, _TRADE, aggressor, 0)
    written = put_event(events, written, stamp, order_id, price, size, _FILL, side, 0)
    return put_event(events, written, stamp, order_id, price, size, _CANCEL, side, _LAST)


@inlined_kernel
def reduce_order(
    work: Work,
    data: NDArray[np.uint8],
    at: int,
    target: Any,
    stamp: Stamp,
    events: Events,
    written: int,
) -> int:
    """Write what a cancel or a delete does (X, D)."""
    order_id = long_at(data, at + 11)
    is_delete = data[at] == _D
    shares = int64(0) if is_delete else int64(word_at(data, at + 19))
    price, side = _UNDEFINED, _NO_SIDE
    slot = find_order(work.table, order_id)
    if slot >= 0:
        order = work.table[slot]
        price = int64(order.price) * target.price_unit
        side = _ASK if (order.shares & SELL) != 0 else _BID
        take_shares(work, slot, int64(SELL) if is_delete else shares)
    action = _CANCEL if is_delete or shares else _NONE
    size = shares * target.size_unit
    return put_event(events, written, stamp, order_id, price, size, action, side, _LAST)


@inlined_kernel
def add_order(
    work: Work,
    order_id: np.uint64,
    is_sell: bool,
    shares: int,
    price: np.uint64,
    target: Any,
    stamp: Stamp,
    events: Events,
    written: int,
) -> int:
    """Write what a new order does (A, F, and the second half of U)."""
    if shares:
        added = put_order(work.table, order_id, np.uint32(price), shares, is_sell)
        work.state[0].orders += added
    side = _ASK if is_sell else _BID
    size = shares * target.size_unit
    units = int64(price) * target.price_unit
    return put_event(events, written, stamp, order_id, units, size, _ADD, side, _LAST)


@inlined_kernel
def replace_order(
    work: Work,
    data: NDArray[np.uint8],
    at: int,
    target: Any,
    stamp: Stamp,
    events: Events,
    written: int,
) -> int:
    """Write what a replacement does (U): the new order has the side of the old one.

    Of an order that is not known the side can't be told, so that no new one is added.
    """
    old_id = long_at(data, at + 11)
    slot = find_order(work.table, old_id)
    if slot < 0:
        return put_event(events, written, stamp, old_id, _UNDEFINED, 0, _CANCEL, _NO_SIDE, _LAST)
    order = work.table[slot]
    is_sell = (order.shares & SELL) != 0
    price = int64(order.price) * target.price_unit
    remove_order(work.table, slot)
    work.state[0].orders -= 1
    side = _ASK if is_sell else _BID
    written = put_event(events, written, stamp, old_id, price, 0, _CANCEL, side, 0)
    new_id, shares = long_at(data, at + 19), int64(word_at(data, at + 27))
    new_price = word_at(data, at + 31)
    return add_order(work, new_id, is_sell, shares, new_price, target, stamp, events, written)


@kernel
def tell_other(
    work: Work,
    data: NDArray[np.uint8],
    at: int,
    target: Any,
    stamp: Stamp,
    events: Events,
    written: int,
) -> int:
    """Write what trades beside the displayed book and halts do (P, Q, B, H, h)."""
    kind = int64(data[at])
    if kind == _B:
        match = long_at(data, at + 11)
        return put_event(events, written, stamp, match, _UNDEFINED, 0, _NONE, _NO_SIDE, _LAST)
    if kind in (_P, _Q):
        is_cross = kind == _Q
        shares = long_at(data, at + 11) if is_cross else word_at(data, at + 20)
        if shares == 0:  # a cross that did not happen
            return written
        size = int64(min(shares, np.uint64(_MAX_SIZE))) * target.size_unit
        price = int64(word_at(data, at + (27 if is_cross else 32))) * target.price_unit
        match = long_at(data, at + (31 if is_cross else 36))
        return put_event(events, written, stamp, match, price, size, _TRADE, _NO_SIDE, _LAST)
    if kind == _H:
        halt = _TRADING_HALT if data[at + 19] != _TRADING else np.uint32(0)
        target.halts = (target.halts & _VENUE_HALT) | halt
    else:
        halt = _VENUE_HALT if data[at + 20] == _IS_HALTED else np.uint32(0)
        target.halts = (target.halts & ~_VENUE_HALT) | halt
    if work.state[0].stale or not work.state[0].begun:
        return written
    is_halted = (target.halts & _ANY_HALT) != 0
    status, reason = (_HALTED, _VENUE) if is_halted else (_LIVE, 0)
    return put_event(events, written, stamp, np.uint64(0), reason, status, _STATUS, _NO_SIDE, _LAST)


@inlined_kernel
def take_message(
    work: Work,
    data: NDArray[np.uint8],
    at: int,
    target: Any,
    stamp: Stamp,
    events: Events,
    written: int,
) -> int:
    """Write what a message does to a stock that is wanted; return how many events there are."""
    kind = int64(data[at])
    if kind in (_A, _F):
        order_id, shares = long_at(data, at + 11), int64(word_at(data, at + 20))
        price, is_sell = word_at(data, at + 32), data[at + 19] != _BUY
        return add_order(work, order_id, is_sell, shares, price, target, stamp, events, written)
    if kind in (_D, _X):
        return reduce_order(work, data, at, target, stamp, events, written)
    if kind == _U:
        return replace_order(work, data, at, target, stamp, events, written)
    if kind in (_E, _C):
        return execute_order(work, data, at, target, stamp, events, written)
    if kind in (_P, _H, _Q, _h, _B):
        return tell_other(work, data, at, target, stamp, events, written)
    return written


@inlined_kernel
def why_not(work: Work, data: NDArray[np.uint8], at: int, has_room: bool) -> int:
    """Return a `Stop` if a message can't be taken yet, or at all."""
    state = work.state[0]
    kind = int64(data[at])
    if kind in (_A, _F) and data[at + 19] != _BUY and data[at + 19] != _SELL:
        return _DAMAGED
    place = _PLACES[np.uint64(kind)]
    if place and work.targets[short_at(data, at + 1)].symbol != long_at(data, at + place):
        return _NAMED
    if kind in (_A, _D, _U, _E, _X, _F, _C):
        if not state.begun:
            return _JOINED
        if state.orders >= len(work.table) // 2:
            return _TABLE
    return _END if has_room else _NO_ROOM


@inlined_kernel
def look_ahead(work: Work, data: NDArray[np.uint8], at: int, end: int) -> int:
    """Call for the orders of messages up to a place; return where the next message would be."""
    while at < end:
        kind = byte_at(data, at + _FRAME)
        length = _LENGTHS[kind]
        if length == 0:
            break
        if kind in (_A, _F, _D, _X, _U, _E, _C):
            call_for_order(work.table, long_at(data, at + _FRAME + 11))
        if kind == _U:
            call_for_order(work.table, long_at(data, at + _FRAME + 19))
        at += _FRAME + length
    return at


@kernel
def decode_messages(
    data: NDArray[np.uint8], segments: NDArray[np.void], work: Work, events: Events
) -> int:
    """Write messages as events, from where the state says on; return why it stopped, a `Stop`.

    Args:
        data: messages, each with its length in front.
        segments: of *data*, of `SEGMENT_DTYPE`, in order.
        work: see there; changed.
        events: where to.
    """
    state = work.state[0]
    at = state.at
    ahead = at
    written = 0
    segment = state.segment
    stop = _END
    while segment < len(segments):
        end = segments[segment].end
        length = message_at(data, at, end, state.tells_lengths)
        if length <= 0:
            if length == _CUT:
                if at < end or segment + 1 == len(segments):
                    break
                segment += 1
                continue
            if length == _NO_MESSAGE or state.ended:
                stop = _DAMAGED
                break
            state.ended = True
            state.begun = False
            state.sequence = 1
            at += _FRAME
            continue
        start = at + _FRAME
        stop = why_not(work, data, start, written + _ROOM <= len(events))
        if stop != _END:
            break
        ahead = look_ahead(
            work, data, max(ahead, at), min(at + _AHEAD_BYTES, len(data) - _ID_BYTES)
        )
        at = start + length
        sequence = state.sequence
        state.sequence = sequence + 1
        state.ended = False
        kind = int64(data[start])
        if kind == _S and data[start + 11] in (_START_OF_MESSAGES, _START_OF_HOURS):
            stop = _STARTED if data[start + 11] == _START_OF_MESSAGES else _OPENED
            break
        if kind == _H:
            state.spun = True
        target = work.targets[short_at(data, start + 1)]
        if target.price_unit == 0:
            continue
        ts_event = state.midnight_ns + time_at(data, start)
        ts_recv = segments[segment].ts_recv
        state.latest_ns = max(state.latest_ns, ts_event if ts_recv < 0 else ts_recv)
        stamp = Stamp(ts_event, state.latest_ns, sequence, target.instrument_id)
        written = take_message(work, data, start, target, stamp, events, written)
    state.at = at
    state.segment = segment
    state.written = written
    return stop
