"""The books of many instruments."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from market_depth.book.book import BookPolicy, DuplicateAdd, OrderBook, UnknownModify, kernel_events
from market_depth.book.directory import ENTRY_DTYPE, apply_mixed, entry_of
from market_depth.book.state import BookState, empty_table, new_state
from market_depth.book.table import insert_order
from market_depth.errors import BookError
from market_depth.events import Events

__all__ = ["Books"]

_FEW_BOOKS = 64
"""Up to so many books each begins with the usual room, with more with little: room for 1,024
orders in each of 8,000 books would be 700 MB."""
_LITTLE_ROOM = 32


class Books:
    """One order book an instrument, to which mixed events are applied.

    Args:
        instrument_ids: of the instruments; they must differ.
        policy: how the books take events that do not fit.
    """

    __slots__ = ("_add_unknown", "_by_id", "_entries", "_index", "_replace_duplicate", "_template")

    def __init__(self, instrument_ids: Iterable[int], policy: BookPolicy) -> None:
        ids = list(instrument_ids)
        self._replace_duplicate = policy.duplicate_add is DuplicateAdd.REPLACE
        self._add_unknown = policy.unknown_modify is UnknownModify.ADD
        self._template = new_state(1, 1)
        self._entries = np.zeros(len(ids), ENTRY_DTYPE)
        self._index = empty_table(1 << (2 * max(len(ids), 1)).bit_length())
        self._by_id: dict[int, OrderBook] = {}
        room = {"orders": _LITTLE_ROOM, "levels": _LITTLE_ROOM} if len(ids) > _FEW_BOOKS else {}
        for place, instrument_id in enumerate(ids):
            insert_order(self._index, np.uint64(instrument_id), place)

            def moved(state: BookState, place: int = place) -> None:
                self._entries[place] = entry_of(state)

            self._by_id[instrument_id] = OrderBook(policy, moved=moved, **room)

    def __getitem__(self, instrument_id: int) -> OrderBook:
        return self._by_id[instrument_id]

    def apply(self, events: Events) -> None:
        """Apply *events*, shape (n,) of `EVENT_DTYPE`, each to its instrument's book, in order.

        Raises:
            BookError: if *events* is no such array, or names an instrument that has no book; all
                before has been applied.
        """
        events = kernel_events(events)
        length = len(events)
        done = 0
        while True:
            done = apply_mixed(
                self._template,
                self._entries,
                self._index,
                events,
                done,
                self._replace_duplicate,
                self._add_unknown,
            )
            if done == length:
                return
            instrument_id = int(events["instrument_id"][done])
            book = self._by_id.get(instrument_id)
            if book is None:
                raise BookError(f"events of an unknown instrument id {instrument_id}")
            book.grow()
