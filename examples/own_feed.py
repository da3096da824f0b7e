"""A feed of one's own: lines of "SECONDS SIDE PRICE SIZE", a price level's new size, served.

python examples/own_feed.py FILE [HOST:PORT]
"""

import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from market_depth.app import run
from market_depth.config import ServeConfig
from market_depth.events import NO_ORDER_COUNT, Action, Events, Flag, Side, empty_events
from market_depth.feeds import PacedFeed
from market_depth.instruments import Instrument, parse_units


class LevelLines:
    """A source: what it is about, and its events in the order of their times."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.instruments = [Instrument(1, "OWN", 2, 0, tick_size=1, has_orders=False)]

    def chunks(self) -> Iterator[Events]:
        """Yield arrays of events; each line is a change of its own, so each is flagged LAST."""
        for line in self.path.read_text().splitlines():
            seconds, side, price, size = line.split()
            events = empty_events(1)
            events["ts_event"] = events["ts_recv"] = int(Decimal(seconds) * 10**9)
            events["instrument_id"] = 1
            events["action"], events["flags"] = Action.LEVEL, Flag.LAST
            events["side"] = Side.BID if side == "bid" else Side.ASK
            events["price"], events["size"] = parse_units(price, decimals=2), int(size)
            events["order_id"] = NO_ORDER_COUNT
            yield events


if __name__ == "__main__":
    path, addr = [*sys.argv[1:], "127.0.0.1:8080"][:2]
    run(ServeConfig(addr=addr), PacedFeed([LevelLines(Path(path))], speed=1.0))
