"""The kernel that turns ITCH messages into events."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from market_depth.events import Action, BookStatus, Events, Flag, Side, StatusReason
from market_depth.feeds.itch.frames import (
    CUT_OFF,
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
from market_depth.feeds.itch.records import (
    MAX_EVENTS_PER_MESSAGE,
    NO_TRADING,
    UNDEFINED_PRICE,
    VENUE_HALT,
    Stop,
    Work,
)
from market_depth.jit import inlined_kernel, int64, kernel

__all__ = ["decode_messages"]


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
"""How far ahead orders are called for: some fifteen messages."""
_ID_BYTES: Final = 40
"""Enough for a length, and a message up to the end of its last order id."""
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
_TRADING_HALT, _VENUE_HALT = np.uint32(NO_TRADING), np.uint32(VENUE_HALT)
_ANY_HALT: Final = np.uint32(NO_TRADING | VENUE_HALT)

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


@inlined_kernel
def end_session(state: Any) -> None:
    """Begin to count anew behind the end of a session."""
    state.ended = True
    state.begun = False
    state.sequence = 1


@inlined_kernel
def stamp_of(state: Any, data: NDArray[np.uint8], at: int, ts_recv: int, target: Any) -> Stamp:
    """Return what the events of the next message have in common."""
    ts_event = state.midnight_ns + time_at(data, at)
    state.latest_ns = max(state.latest_ns, ts_event if ts_recv < 0 else ts_recv)
    return Stamp(ts_event, state.latest_ns, state.sequence, target.instrument_id)


@inlined_kernel
def note_message(state: Any, data: NDArray[np.uint8], at: int) -> int:
    """Note that a message has been taken; return a `Stop` if it is about all stocks."""
    state.sequence += 1
    state.ended = False
    kind = data[at]
    if kind == _H:
        state.spun = True
    if kind != _S:
        return _END
    if data[at + 11] == _START_OF_MESSAGES:
        return _STARTED
    return _OPENED if data[at + 11] == _START_OF_HOURS else _END


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
        if length == _CUT:
            if segment + 1 == len(segments):
                break
            segment += 1
            continue
        if length == 0 and not state.ended:
            end_session(state)
            at += _FRAME
            continue
        if length <= 0:
            stop = _DAMAGED
            break
        start = at + _FRAME
        stop = why_not(work, data, start, written + _ROOM <= len(events))
        if stop != _END:
            break
        ahead = look_ahead(
            work, data, max(ahead, at), min(at + _AHEAD_BYTES, len(data) - _ID_BYTES)
        )
        at = start + length
        target = work.targets[short_at(data, start + 1)]
        if target.price_unit != 0:
            stamp = stamp_of(state, data, start, segments[segment].ts_recv, target)
            written = take_message(work, data, start, target, stamp, events, written)
        stop = note_message(state, data, start)
        if stop != _END:
            break
    state.at = at
    state.segment = segment
    state.written = written
    return stop
