"""Many books at once: where each one's arrays are, so that one kernel can apply mixed events.

A feed of thousands of symbols hands over batches in which nearly every event is another
symbol's. To sort them by symbol and call a kernel for each costs more than to apply them: about
1 µs an event at two events a call. So kernels find a book's arrays by their addresses.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np import arrayobj
from numpy.typing import NDArray

from market_depth.book.apply import apply_event
from market_depth.book.state import (
    ASKS,
    BIDS,
    NOWHERE,
    POOLED_LEVEL_DTYPE,
    POOLED_ORDER_DTYPE,
    SLOT_DTYPE,
    TOTALS_DTYPE,
    BookState,
)
from market_depth.book.table import find_slot, home_slot
from market_depth.events import Events, Side
from market_depth.jit import call_for, inlined_kernel, kernel

__all__ = ["ENTRY_DTYPE", "apply_mixed", "entry_of"]

ENTRY_DTYPE = np.dtype(
    [
        *((name, np.uint64) for name in BookState._fields),  # addresses of the arrays
        ("order_room", np.int64),
        ("level_room", np.int64),
    ]
)


def entry_of(state: BookState) -> tuple[int, ...]:
    """Return the entry of a book, of `ENTRY_DTYPE`; it is good as long as the arrays live."""
    addresses = [int(array.ctypes.data) for array in state]
    return (*addresses, len(state.orders), len(state.levels))


_arrays: Any = arrayobj
_codegen: Any = cgutils
_intrinsic: Callable[[Callable[..., Any]], Callable[..., BookState]] = intrinsic


@_intrinsic
def state_at(
    _typing: Any, template: Any, addresses: Any, order_room: Any, level_room: Any
) -> tuple[Any, Callable[..., Any]]:
    """Return the `BookState` whose arrays are at *addresses*.

    Numba's own `carray` returns an array from a function, which kernels without reference
    counts can't do.

    Args:
        template: any BookState; only its type is used.
        addresses: of the arrays, in the order of the fields.
        order_room: length of `orders`.
        level_room: length of `levels`.
    """

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        _, places, orders, levels = arguments
        one, two = orders.type(1), orders.type(2)
        shapes = {
            "table": (builder.mul(two, orders),),
            "orders": (orders,),
            "levels": (levels,),
            "keys": (two, levels),
            "places": (two, levels),
            "depth": (two,),
            "totals": (one,),
        }
        arrays = []
        for number, (name, array_type) in enumerate(
            zip(template.fields, template.types, strict=True)
        ):
            array = _arrays.make_array(array_type)(context, builder)
            data_type = context.get_data_type(array_type.dtype)
            size = context.get_constant(types.intp, context.get_abi_sizeof(data_type))
            shape = shapes[name]
            strides = [size] if len(shape) == 1 else [builder.mul(shape[1], size), size]
            address = builder.extract_value(places, number)
            _arrays.populate_array(
                array,
                data=builder.inttoptr(address, data_type.as_pointer()),
                shape=_codegen.pack_array(builder, shape),
                strides=_codegen.pack_array(builder, strides),
                itemsize=size,
                meminfo=None,
            )
            arrays.append(array._getvalue())
        return context.make_tuple(builder, template, arrays)

    return template(template, addresses, types.int64, types.int64), generate


_FEW_BOOKS = 64
"""So many are in the processor's cache anyway."""
_BOOK_AHEAD, _ORDER_AHEAD, _LEVEL_AHEAD = 24, 12, 6
"""How many events ahead a book, an order and its level are called for: where each is, is told by
the one before."""
_SLOT_BYTES = SLOT_DTYPE.itemsize
_ORDER_BYTES = POOLED_ORDER_DTYPE.itemsize
_LEVEL_BYTES = POOLED_LEVEL_DTYPE.itemsize
_STATUS_PLACE = TOTALS_DTYPE.itemsize - 24
"""In totals: status, reason and time come last."""
_ASK = int(Side.ASK)


@inlined_kernel
def entry_place(index: NDArray[np.void], event: Any) -> int:
    """Return the place of an event's book in the entries, NOWHERE if it has none."""
    slot = find_slot(index, np.uint64(event.instrument_id))
    return NOWHERE if slot == NOWHERE else index[slot].order


@inlined_kernel
def state_of(template: BookState, entry: Any) -> BookState:
    """Return the book of an entry."""
    addresses = (
        entry.table,
        entry.orders,
        entry.levels,
        entry.keys,
        entry.places,
        entry.depth,
        entry.totals,
    )
    return state_at(template, addresses, entry.order_room, entry.level_room)


@inlined_kernel
def call_for_book(entry: Any, event: Any) -> None:
    """Call for what tells where an event's order and level are."""
    call_for(entry.totals)
    call_for(entry.totals + np.uint64(_STATUS_PLACE))
    call_for(entry.depth)
    home = home_slot(event.order_id, 2 * entry.order_room - 1)
    call_for(entry.table + np.uint64(_SLOT_BYTES * home))


@inlined_kernel
def call_for_order(state: BookState, entry: Any, event: Any) -> None:
    """Call for an event's order, or the record that a new one will get, and its side's best levels'
    prices."""
    side = ASKS if event.side == _ASK else BIDS
    best = side * entry.level_room + max(state.depth[side] - 1, 0)
    call_for(entry.keys + np.uint64(8 * best))
    call_for(entry.places + np.uint64(4 * best))
    slot = find_slot(state.table, event.order_id)
    if slot != NOWHERE:
        order = state.table[slot].order
    else:
        order = state.totals[0].orders_free
        if order == NOWHERE:
            order = state.totals[0].orders_used
    address = entry.orders + np.uint64(_ORDER_BYTES * order)
    call_for(address)
    call_for(address + np.uint64(_ORDER_BYTES - 1))


@inlined_kernel
def call_for_level(state: BookState, entry: Any, event: Any) -> None:
    """Call for an event's level, and for the orders beside its own."""
    slot = find_slot(state.table, event.order_id)
    if slot == NOWHERE:
        side = ASKS if event.side == _ASK else BIDS
        level = state.places[side, max(state.depth[side] - 1, 0)]
    else:
        order = state.orders[state.table[slot].order]
        level = order.level
        call_for(entry.orders + np.uint64(_ORDER_BYTES * max(order.previous, 0)))
        call_for(entry.orders + np.uint64(_ORDER_BYTES * max(order.next, 0)))
    address = entry.levels + np.uint64(_LEVEL_BYTES * max(level, 0))
    call_for(address)
    call_for(address + np.uint64(_LEVEL_BYTES - 1))


@inlined_kernel
def look_ahead(
    template: BookState,
    entries: NDArray[np.void],
    index: NDArray[np.void],
    events: Events,
    place: int,
) -> None:
    """Call for what events behind a place will touch."""
    if place + _BOOK_AHEAD < len(events):
        event = events[place + _BOOK_AHEAD]
        number = entry_place(index, event)
        if number != NOWHERE:
            call_for_book(entries[number], event)
    if place + _ORDER_AHEAD < len(events):
        event = events[place + _ORDER_AHEAD]
        number = entry_place(index, event)
        if number != NOWHERE:
            call_for_order(state_of(template, entries[number]), entries[number], event)
    if place + _LEVEL_AHEAD < len(events):
        event = events[place + _LEVEL_AHEAD]
        number = entry_place(index, event)
        if number != NOWHERE:
            call_for_level(state_of(template, entries[number]), entries[number], event)


@kernel
def apply_mixed(
    template: BookState,
    entries: NDArray[np.void],
    index: NDArray[np.void],
    events: Events,
    start: int,
    replace_duplicate: bool,
    add_unknown: bool,
) -> int:
    """Apply events of many books from *start* on, until they are through, a pool is full or an
    instrument is unknown.

    Args:
        template: the state of any book.
        entries: where the books are, of `ENTRY_DTYPE`.
        index: table of `market_depth.book.table`: instrument id → place in *entries*.
        events: what to apply.
        start: place of the first event.
        replace_duplicate: see `BookPolicy`.
        add_unknown: see `BookPolicy`.

    Returns:
        The place of the first event that was not applied; the number of events when all were.
    """
    is_far = len(entries) > _FEW_BOOKS
    for place in range(start, len(events)):
        if is_far:
            look_ahead(template, entries, index, events, place)
        number = entry_place(index, events[place])
        if number == NOWHERE:
            return place
        entry = entries[number]
        state = state_of(template, entry)
        totals = state.totals[0]
        if totals.orders == entry.order_room or totals.levels == entry.level_room:
            return place
        apply_event(state, events, place, replace_duplicate, add_unknown)
    return len(events)
