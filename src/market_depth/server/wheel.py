"""Periodic work for many connections with one timer.

Members sit in slots that are visited one after another; each is visited once a period, and
their visits are spread over it. A timer of its own per connection would cost more memory and
wake the loop for each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

__all__ = ["Wheel"]

Member = TypeVar("Member")

_SLOTS = 20


class Wheel(Generic[Member]):
    """Visits its members once a period.

    Args:
        period_s: time between two visits of a member.
        visit: called with the members of a slot; it may remove any of them.
    """

    __slots__ = ("_next", "_period_s", "_slot_of", "_slots", "_timer", "_visit")

    def __init__(self, period_s: float, visit: Callable[[Iterable[Member]], None]) -> None:
        self._period_s = period_s
        self._visit = visit
        self._slots: list[dict[Member, None]] = [{} for _ in range(_SLOTS)]
        self._slot_of: dict[Member, int] = {}
        self._next = 0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, member: Member) -> None:
        """Visit *member* from now on, a period from now for the first time."""
        slot = (self._next - 1) % _SLOTS
        self._slots[slot][member] = None
        self._slot_of[member] = slot
        if self._timer is None:
            self._arm()

    def remove(self, member: Member) -> None:
        """Visit *member* no more; it may have been removed already."""
        slot = self._slot_of.pop(member, None)
        if slot is not None:
            del self._slots[slot][member]
        if not self._slot_of:
            self.stop()

    def stop(self) -> None:
        """Visit nobody until a member is added."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._period_s / _SLOTS, self._turn)

    def _turn(self) -> None:
        members = list(self._slots[self._next])
        self._next = (self._next + 1) % _SLOTS
        self._arm()
        if members:
            self._visit(members)
