"""Sources of events held in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from market_depth.errors import FeedError
from market_depth.events import Events
from market_depth.instruments import Instrument
from support.flow import Event, batch_of


def instrument(
    instrument_id: int = 1,
    symbol: str | None = None,
    *,
    price_decimals: int = 2,
    quantity_decimals: int = 0,
    has_orders: bool = True,
    may_cross: bool = True,
) -> Instrument:
    return Instrument(
        instrument_id=instrument_id,
        symbol=symbol or f"SYM{instrument_id}",
        price_decimals=price_decimals,
        quantity_decimals=quantity_decimals,
        tick_size=1,
        has_orders=has_orders,
        may_cross=may_cross,
    )


class ListSource:
    """Plays chunks of events from a list; fails behind them if it is told to."""

    def __init__(
        self, *chunks: Sequence[Event], instrument_id: int = 1, failure: str | None = None
    ) -> None:
        self._chunks = chunks
        self._instrument = instrument(instrument_id)
        self._failure = failure

    @property
    def instruments(self) -> Sequence[Instrument]:
        return [self._instrument]

    def chunks(self) -> Iterator[Events]:
        for chunk in self._chunks:
            yield batch_of(
                event._replace(instrument_id=self._instrument.instrument_id) for event in chunk
            )
        if self._failure is not None:
            raise FeedError(self._failure)
