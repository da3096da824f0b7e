"""Every venue whose messages are read, and how a recording's is told."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Final

from market_depth.feeds.captures import addresses_in, is_capture, messages_in
from market_depth.feeds.venues import (
    binance,
    bitfinex,
    bitget,
    bitmex,
    bitstamp,
    bybit,
    coinbase,
    ftx,
    independent_reserve,
    kraken,
    kraken_futures,
    okx,
)
from market_depth.feeds.venues.base import Venue
from market_depth.feeds.venues.decoding import url_parts

__all__ = ["VENUES", "venue_of"]

VENUES: Final[tuple[Venue, ...]] = (
    binance.SPOT,
    binance.FUTURES,
    bitfinex.VENUE,
    bitget.VENUE,
    bitmex.VENUE,
    bitstamp.VENUE,
    bybit.VENUE,
    coinbase.VENUE,
    ftx.VENUE,
    independent_reserve.VENUE,
    kraken.VENUE,
    kraken_futures.VENUE,
    okx.VENUE,
)

_TRIED_MESSAGES: Final = 200


@lru_cache(maxsize=4)
def venue_of(head: bytes) -> Venue | None:
    """Return whose messages a file with these first bytes has, `None` if that can't be told.

    The addresses that it names decide, or else the first message that a venue recognises.
    """
    if not is_capture(head):
        return None
    hosts = _hosts(addresses_in(head))
    for venue in VENUES:
        if not hosts.isdisjoint(venue.hosts):
            return venue
    for message in islice(messages_in(Path(), head), _TRIED_MESSAGES):
        for venue in VENUES:
            if venue.recognises(message.text):
                return venue
    return None


def _hosts(addresses: Iterable[str]) -> set[str]:
    return {url_parts(address).hostname or "" for address in addresses}
