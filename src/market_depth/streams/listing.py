"""What clients are told of symbols and of their own streams."""

from __future__ import annotations

from market_depth.protocol.encoders import Encoder
from market_depth.protocol.messages import DataType, Subscription, SymbolInfo
from market_depth.streams.admission import served_types
from market_depth.streams.chain import ChainStream
from market_depth.streams.key import ChainKey
from market_depth.streams.market import SymbolBook
from market_depth.streams.subscriber import Stream
from market_depth.streams.watch import Waiting

__all__ = ["stream_listed", "symbol_info", "waiting_listed"]


def symbol_info(symbol_book: SymbolBook, encoder: Encoder) -> SymbolInfo:
    """Return what a client wants to know of a symbol before it subscribes."""
    instrument, status = symbol_book.instrument, symbol_book.status
    return SymbolInfo(
        symbol=instrument.symbol,
        tick_size=encoder.number(instrument.tick_size, instrument.price_decimals),
        price_decimals=instrument.price_decimals,
        quantity_decimals=instrument.quantity_decimals,
        data_types=served_types(instrument),
        status=status.status.label,
        reason=status.reason.text,
    )


def stream_listed(stream: Stream | ChainStream, interval_ms: int) -> Subscription:
    """Return a stream as its client is told of it.

    Args:
        stream: an open one.
        interval_ms: of streams of the original messages.
    """
    if isinstance(stream, ChainStream):
        chain = stream.chain
        sequence = stream.sent_sequence if chain.can_skip else chain.book_sequence
        return _listed(stream.stream_id, chain.key, stream.group, sequence)
    channel = stream.channel
    return Subscription(
        stream_id=stream.stream_id,
        symbol=channel.symbol_book.instrument.symbol,
        data_type=channel.spec.data_type,
        max_levels=channel.spec.levels,
        mode="snapshot",
        interval_ms=interval_ms,
        group=None,
        checksum=False,
        sequence=stream.sent_sequence,
    )


def waiting_listed(waiting: Waiting) -> Subscription:
    """Return a stream that waits for its symbol's feed."""
    request = waiting.request
    return _listed(request.stream_id, waiting.key, request.group, None)


def _listed(stream_id: str, key: ChainKey, group: str | None, sequence: int | None) -> Subscription:
    return Subscription(
        stream_id=stream_id,
        symbol=key.symbol,
        data_type=key.data_type,
        max_levels=None if key.data_type is DataType.TRADES else key.levels,
        mode=key.mode.value,
        interval_ms=key.interval_ms,
        group=group,
        checksum=key.has_checksum,
        sequence=sequence,
    )
