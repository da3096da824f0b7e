"""What Binance sends: its messages as typed structs, and their decoders.

Field names are the venue's own. A stream's message comes as it is, or wrapped with the stream's
name: `{"stream": …, "data": …}`.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from market_depth.feeds.venues.decoding import NS_PER_MS, NS_PER_US, Sequence

__all__ = [
    "BEST_MESSAGE",
    "DIFF",
    "DIFF_MESSAGE",
    "MESSAGE",
    "SNAPSHOT",
    "TICKER",
    "TICKER_MESSAGE",
    "TRADE",
    "TRADE_MESSAGE",
    "BestLevels",
    "Diff",
    "Snapshot",
    "Ticker",
    "Trade",
]

_MAX_MS: Final = (2**63 - 1) // NS_PER_MS
"""Times above are in microseconds (on demand), others in milliseconds."""

_Time = Annotated[int, msgspec.Meta(ge=0, le=(2**63 - 1) // NS_PER_US)]
_Rows = list[tuple[str, str]]


class _Timed(msgspec.Struct, kw_only=True):
    E: _Time = 0
    """When it was sent."""
    T: _Time = 0
    """When it happened, where that is told."""

    @property
    def ts_event(self) -> int:
        """Ns since 1970 UTC, 0 where no time is told."""
        time = self.T or self.E
        return time * (NS_PER_MS if time <= _MAX_MS else NS_PER_US)


class Diff(_Timed):
    """New sizes of levels (stream `depth`)."""

    s: str
    U: Sequence
    u: Sequence
    b: _Rows
    a: _Rows
    pu: Sequence | None = None

    @property
    def covers_from(self) -> int:
        """The update behind which it begins."""
        return self.U - 1 if self.pu is None else self.pu


class BestLevels(_Timed):
    """The best levels (streams `depth5`, `depth10`, `depth20`); futures name them as diffs do."""

    lastUpdateId: Sequence | None = None  # noqa: N815
    bids: _Rows = []
    asks: _Rows = []
    u: Sequence | None = None
    b: _Rows = []
    a: _Rows = []

    @property
    def update_id(self) -> int | None:
        """The last update in it, `None` if it is no such message."""
        return self.u if self.lastUpdateId is None else self.lastUpdateId


class Ticker(msgspec.Struct):
    """The best prices and sizes (stream `bookTicker`)."""

    s: str
    u: Sequence
    b: str
    B: str
    a: str
    A: str


class Trade(_Timed):
    """A trade (streams `trade` and `aggTrade`)."""

    s: str
    p: str
    q: str
    m: bool
    """Whether the buyer was the maker."""
    e: str = "trade"
    t: Sequence | None = None
    a: Sequence = 0
    X: str = "MARKET"
    """How it came about: others than those of the market are no trades with its orders."""


class Snapshot(_Timed):
    """A book by REST."""

    lastUpdateId: Sequence | None = None  # noqa: N815
    bids: _Rows = []
    asks: _Rows = []
    symbol: str = ""


class _DiffMessage(msgspec.Struct):
    data: Diff


class _BestMessage(msgspec.Struct):
    data: BestLevels


class _TickerMessage(msgspec.Struct):
    data: Ticker


class _TradeMessage(msgspec.Struct):
    data: Trade


class _Message(msgspec.Struct):
    """Any message: a stream's, wrapped or not, or a snapshot."""

    stream: str = ""
    data: msgspec.Raw = msgspec.Raw()
    e: str = ""
    u: Sequence | None = None
    B: str | int | None = None
    lastUpdateId: Sequence | None = None  # noqa: N815

    @property
    def is_spot_ticker(self) -> bool:
        """A bookTicker of the spot market does not say what it is."""
        return not self.e and self.u is not None and self.B is not None


DIFF_MESSAGE: Final = msgspec.json.Decoder(_DiffMessage)
BEST_MESSAGE: Final = msgspec.json.Decoder(_BestMessage)
TICKER_MESSAGE: Final = msgspec.json.Decoder(_TickerMessage)
TRADE_MESSAGE: Final = msgspec.json.Decoder(_TradeMessage)
DIFF: Final = msgspec.json.Decoder(Diff)
TICKER: Final = msgspec.json.Decoder(Ticker)
TRADE: Final = msgspec.json.Decoder(Trade)
SNAPSHOT: Final = msgspec.json.Decoder(Snapshot)
MESSAGE: Final = msgspec.json.Decoder(_Message)
