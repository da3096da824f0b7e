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
from market_depth.book.state import NOWHERE, BookState
from market_depth.book.table import find_slot
from market_depth.events import Events
from market_depth.jit import kernel

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
    for place in range(start, len(events)):
        slot = find_slot(index, np.uint64(events[place].instrument_id))
        if slot == NOWHERE:
            return place
        entry = entries[index[slot].order]
        state = state_at(
            template,
            (
                entry.table,
                entry.orders,
                entry.levels,
                entry.keys,
                entry.places,
                entry.depth,
                entry.totals,
            ),
            entry.order_room,
            entry.level_room,
        )
        totals = state.totals[0]
        if totals.orders == entry.order_room or totals.levels == entry.level_room:
            return place
        apply_event(state, events, place, replace_duplicate, add_unknown)
    return len(events)
