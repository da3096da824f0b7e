"""Whether a subscription can be met, and what it comes to."""

from __future__ import annotations

import re
from typing import Final

from market_depth.errors import ConfigError, ErrorCode, RequestError, quoted
from market_depth.instruments import Instrument, format_units, parse_units
from market_depth.protocol.messages import DataType
from market_depth.protocol.requests import Mode, Subscribe
from market_depth.protocol.wire import Wire
from market_depth.settings import MAX_INTERVAL_MS
from market_depth.streams.key import ChainKey
from market_depth.streams.market import SymbolBook
from market_depth.streams.subscriber import Subscriber

__all__ = [
    "MAX_INTERVAL_MS",
    "chain_key",
    "require_levels",
    "require_room",
    "require_served",
    "served_types",
    "shown_levels",
    "unavailable",
]

_DECIMAL: Final = re.compile(r"\d+(\.\d+)?", re.ASCII)


def served_types(instrument: Instrument) -> list[DataType]:
    """Return what there is to be had of an instrument."""
    return [one for one in DataType if one is not DataType.MBO or instrument.has_orders]


def require_levels(levels: int, most: int, stream_id: str | None = None) -> None:
    """Refuse more price levels than the server shows.

    Raises:
        RequestError: 400.
    """
    if not 1 <= levels <= most:
        raise RequestError(
            ErrorCode.BAD_REQUEST, f"max_levels: expected 1 to {most}, got {levels}", stream_id
        )


def require_served(
    symbol_book: SymbolBook, data_type: DataType, stream_id: str | None = None
) -> None:
    """Refuse orders of a feed that has none.

    Raises:
        RequestError: 400.
    """
    if data_type is DataType.MBO and not symbol_book.instrument.has_orders:
        symbol = symbol_book.instrument.symbol
        raise RequestError(
            ErrorCode.BAD_REQUEST,
            f"data_type: the feed of {symbol} reports no single orders, ask for MBP",
            stream_id,
        )


def unavailable(symbol_book: SymbolBook, stream_id: str | None = None) -> RequestError:
    """Return the refusal, 503, of a book that can't be shown now."""
    problem = f"the feed of {symbol_book.instrument.symbol} is down: {symbol_book.status}"
    return RequestError(ErrorCode.UNAVAILABLE, problem, stream_id)


def shown_levels(data_type: DataType, levels: int) -> int:
    """Return how many price levels a side are shown, whatever is asked for of BBO and trades."""
    if data_type is DataType.BBO:
        return 1
    return 0 if data_type is DataType.TRADES else levels


def require_room(subscriber: Subscriber, stream_id: str, most: int) -> None:
    """Refuse a stream whose name is taken, or one too many.

    Raises:
        RequestError: 409 or 429.
    """
    if stream_id in subscriber.streams:
        problem = f"stream_id {stream_id!r} is already in use on this connection"
        raise RequestError(ErrorCode.CONFLICT, problem, stream_id)
    if len(subscriber.streams) + len(subscriber.waiting or ()) >= most:
        problem = f"too many streams: this connection may have {most}"
        raise RequestError(ErrorCode.TOO_MANY, problem, stream_id)


def chain_key(
    request: Subscribe,
    instrument: Instrument,
    wire: Wire,
    *,
    interval_ms: int,
    min_interval_ms: int,
) -> ChainKey:
    """Return what an extended subscription comes to.

    Args:
        request: what is asked for.
        instrument: of its symbol.
        wire: how the subscriber's messages travel.
        interval_ms: the server's usual interval.
        min_interval_ms: the shortest that it allows.

    Raises:
        RequestError: 400 if fields do not go together, or the step does not fit the tick.
    """
    data_type = request.data_type
    mode = request.mode or Mode.SNAPSHOT
    is_trades = data_type is DataType.TRADES
    if is_trades:
        _refuse(request, request.mode is Mode.DELTA, 'mode: trades have no "delta"')
        _refuse(request, bool(request.checksum), "checksum: trades have none")
    if request.resume is not None:
        _refuse(request, mode is not Mode.DELTA, 'resume: only mode "delta" can go on')
    if request.group is not None:
        _refuse(request, data_type is not DataType.MBP, "group: only MBP can be merged into steps")
    wanted_ms = request.interval_ms
    if wanted_ms is None:
        wanted_ms = 0 if is_trades else interval_ms
    return ChainKey(
        symbol=instrument.symbol,
        data_type=data_type,
        levels=shown_levels(data_type, request.levels),
        step=0 if request.group is None else _step(request, request.group, instrument),
        mode=mode,
        interval_ms=min(max(wanted_ms, min_interval_ms), max(MAX_INTERVAL_MS, interval_ms)),
        has_checksum=bool(request.checksum),
        wire=wire,
    )


def _step(request: Subscribe, group: str, instrument: Instrument) -> int:
    tick = instrument.tick_size
    try:
        step = parse_units(group if _DECIMAL.fullmatch(group) else "", instrument.price_decimals)
    except ConfigError:
        step = 0
    shown = format_units(tick, instrument.price_decimals)
    _refuse(
        request,
        step <= 0 or step % tick != 0,
        f"group: expected a multiple of the tick {shown}, got {quoted(group)}",
    )
    return step


def _refuse(request: Subscribe, is_wrong: bool, problem: str) -> None:
    if is_wrong:
        raise RequestError(ErrorCode.BAD_REQUEST, problem, request.stream_id)
