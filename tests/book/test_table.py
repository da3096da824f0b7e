"""The hash table beside a dict: what is in it is found, wherever others came and went."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from market_depth.book.state import NOWHERE, new_state
from market_depth.book.table import find_slot, insert_order, rebuild_table, remove_slot
from support.hypothesis_settings import relaxed

ROOM = 16
"""Orders that the table is made for; it has twice as many slots."""

# Multiples of 2^60 all have their home in the first slot: they form one long run.
IDS = [*[number << 60 for number in range(12)], *range(1, 20), 2**64 - 1]


@relaxed
@given(st.lists(st.sampled_from(IDS), max_size=80))
def test_what_is_in_the_table_is_found_and_nothing_else(toggled: list[int]) -> None:
    table = new_state(ROOM, 1).table
    held: dict[int, int] = {}
    for place, order_id in enumerate(toggled):
        if order_id in held:
            del held[order_id]
            remove_slot(table, find_slot(table, np.uint64(order_id)))
        elif len(held) < ROOM:
            held[order_id] = place
            insert_order(table, np.uint64(order_id), place)
        for wanted in IDS:
            slot = find_slot(table, np.uint64(wanted))
            found = None if slot == NOWHERE else int(table["order"][slot])
            assert found == held.get(wanted)
        assert np.count_nonzero(table["order"] != NOWHERE) == len(held)


def test_a_rebuilt_table_holds_the_live_orders() -> None:
    state = new_state(ROOM, 1)
    state.orders["order_id"][:5] = [0, 1 << 60, 7, 2**64 - 1, 9]
    state.orders["level"][:5] = [0, 0, NOWHERE, 0, 0]
    state.totals["orders_used"] = 4
    rebuild_table(state)
    slots = [find_slot(state.table, np.uint64(number)) for number in (0, 1 << 60, 2**64 - 1)]
    assert state.table["order"][slots].tolist() == [0, 1, 3]
    assert find_slot(state.table, np.uint64(7)) == NOWHERE
    assert find_slot(state.table, np.uint64(9)) == NOWHERE
