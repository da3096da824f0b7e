"""How connection and symbols are, from what the client tells."""

from __future__ import annotations

import time

from market_depth.client import Event, EventKind
from market_depth.protocol.messages import DataType, SymbolInfo
from market_depth.terminal.condition import Condition
from market_depth.terminal.depth import Link


def test_the_next_attempt_is_known_until_it_is_made() -> None:
    condition = Condition()
    assert condition.link == Link()
    condition.take(Event(EventKind.DISCONNECTED, "closed with 1006"))
    assert condition.link == Link(is_up=False)

    begun_s = time.monotonic()
    condition.take(Event(EventKind.RECONNECTING, "", wait_s=40.0))
    retry_at_s = condition.link.retry_at_s
    assert retry_at_s is not None
    assert begun_s + 40 <= retry_at_s <= time.monotonic() + 40
    assert condition.link == Link(is_up=False, retry_at_s=retry_at_s)

    condition.take(Event(EventKind.RECONNECTED, ""))
    assert condition.link == Link()
    assert condition.health.reconnects == 1


def test_a_symbol_is_live_unless_it_is_told_to_be_otherwise() -> None:
    condition = Condition()
    listed = SymbolInfo("AAA", 1, 0, 0, [DataType.MBP], "Halted", "auction")
    condition.begin([listed])
    assert condition.status_of("AAA") == ("Halted", "auction")
    assert condition.status_of("BBB") == ("Live", "")

    stale = Event(EventKind.STATUS, "BBB: Stale gap", "BBB", status="Stale", reason="gap")
    condition.take(stale)
    condition.take(Event(EventKind.STATUS, "", "AAA", status="Recovered"))
    assert condition.status_of("BBB") == ("Stale", "gap")
    assert condition.status_of("AAA") == ("Live", "")

    condition.take(Event(EventKind.RECONNECTED, ""))
    assert condition.status_of("BBB") == ("Live", ""), "what is not live the server says anew"
