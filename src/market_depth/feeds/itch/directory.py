"""Stocks and their locates: Nasdaq numbers its stocks anew each day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from market_depth.errors import FeedError
from market_depth.feeds.complaints import no_such_symbol
from market_depth.feeds.itch.frames import long_at, message_at, short_at
from market_depth.feeds.itch.layouts import (
    FRAME_BYTES,
    MAX_MESSAGE_BYTES,
    PRICE_DECIMALS,
    STOCK_BYTES,
    STOCK_PLACES,
)
from market_depth.feeds.itch.records import NOT_TOLD, TARGET_DTYPE
from market_depth.instruments import Instrument, refined
from market_depth.jit import int64, kernel

__all__ = ["Batch", "Directory", "Stocks"]

Batch = tuple[bytes, bool]
"""Messages, the first of them whole, and whether they have lengths in front, not zeros."""

_LOCATES: Final = 65_536
_TICK: Final = 100
"""One cent."""
_SCANNED_BYTES: Final = 256 * 1024 * 1024

_PLACES: Final = STOCK_PLACES
_FRAME: Final = FRAME_BYTES
_S, _O = ord("S"), ord("O")
_ORDERS: Final = tuple(ord(kind) for kind in "AFECXDU")
_V, _W = ord("V"), ord("W")
_UNNAMED: Final = np.uint64(1)


@kernel
def note_stocks(
    data: NDArray[np.uint8],
    tells_lengths: bool,
    symbols: NDArray[np.uint64],
    flags: NDArray[np.bool_],
) -> int:
    """Note the stocks that messages name first; return the place behind the last message.

    Args:
        data: messages, each with its length in front.
        tells_lengths: False where zeros stand in place of the lengths.
        symbols: shape (65536,), by locate: 0 is not seen, 1 has no symbol yet; changed.
        flags: [0] a day has started, [1] and there were orders since; changed.
    """
    at = 0
    while True:
        length = message_at(data, at, len(data), tells_lengths)
        if length < 0:
            return at
        start = at + _FRAME
        at = start + length
        if length == 0:
            continue
        kind = int64(data[start])
        if kind == _S:
            flags[0] = flags[0] or data[start + 11] == _O
        elif kind in _ORDERS:
            flags[1] = flags[0]
        locate = short_at(data, start + 1)
        if symbols[locate] > _UNNAMED or kind in (_S, _V, _W):
            continue
        place = _PLACES[kind]
        symbols[locate] = long_at(data, start + place) if place else _UNNAMED


class Stocks:
    """The stocks of a day, found in its beginning: where it has started, orders come, and all that
    are wanted have been named, or 256 MiB have been looked at.

    Args:
        batches: messages; what the last one of a batch lacks is in the next.
        wanted: symbols; `None` wants everything.

    Raises:
        FeedError: if nothing can be read.
    """

    def __init__(self, batches: Iterable[Batch], wanted: Sequence[str] | None) -> None:
        found = np.zeros(_LOCATES, np.uint64)
        flags = np.zeros(2, np.bool_)
        wanted_numbers = np.array([_number(symbol) for symbol in wanted or ()], np.uint64)
        scanned = 0
        rest = b""
        try:
            for batch, tells_lengths in batches:
                data = rest + batch
                done = note_stocks(np.frombuffer(data, np.uint8), tells_lengths, found, flags)
                rest = data[done:]
                scanned += done
                is_through = flags[1] and np.isin(wanted_numbers, found).all()
                is_damaged = len(rest) >= _FRAME + MAX_MESSAGE_BYTES
                if is_through or is_damaged or scanned >= _SCANNED_BYTES:
                    break
        except FeedError:
            if not scanned:
                raise
        found[0] = 0
        self.symbols = {
            locate: _text(int(found[locate])) or str(locate)
            for locate in np.flatnonzero(found).tolist()
        }
        """By locate; a stock that no message names has its locate as its symbol."""


class Directory:
    """The instruments of days: one symbol is one instrument, with the locate of the first day that
    has it as its id, if that is free.

    Args:
        days: the stocks of each.
        name: of the first file, for errors.
        known: instruments by symbol whose decimals and tick are to be used.
        symbols: what is wanted; `None` wants everything.

    Raises:
        FeedError: if a symbol is not there.
    """

    def __init__(
        self,
        days: Sequence[Stocks],
        name: str,
        known: Mapping[str, Instrument],
        symbols: Sequence[str] | None,
    ) -> None:
        ids = _ids(days)
        wanted = list(ids) if symbols is None else list(dict.fromkeys(symbols))
        for symbol in wanted:
            if symbol not in ids:
                raise no_such_symbol(name, symbol, ids)
        self.instruments = [_instrument(ids[one], one, known.get(one)) for one in wanted]
        self._by_symbol = {one.symbol: one for one in self.instruments}

    def targets(self, stocks: Stocks) -> NDArray[np.void]:
        """Return what becomes of a day's stocks, shape (65536,) of `TARGET_DTYPE`, by locate."""
        targets = np.zeros(_LOCATES, TARGET_DTYPE)
        for locate, symbol in stocks.symbols.items():
            targets[locate] = self._target(symbol)
        return targets

    def target_of(self, number: int) -> NDArray[np.void]:
        """Return what becomes of a stock, shape () of `TARGET_DTYPE`.

        Args:
            number: its symbol's 8 bytes.
        """
        target = self._target(_text(number))
        target["symbol"] = number
        return target

    def _target(self, symbol: str) -> NDArray[np.void]:
        target = np.zeros((), TARGET_DTYPE)
        target["symbol"] = _number(symbol)
        target["halts"] = NOT_TOLD
        instrument = self._by_symbol.get(symbol)
        if instrument is not None:
            target["price_unit"] = 10 ** (instrument.price_decimals - PRICE_DECIMALS)
            target["size_unit"] = 10**instrument.quantity_decimals
            target["instrument_id"] = instrument.instrument_id
        return target


def _number(symbol: str) -> int:
    """Return a symbol's 8 bytes as a number; 0 of what can be none."""
    raw = symbol.ljust(STOCK_BYTES).encode("ascii", "replace")
    return int.from_bytes(raw, "big") if len(raw) == STOCK_BYTES else 0


def _text(number: int) -> str:
    """Return the symbol with these 8 bytes, empty if they can be none."""
    text = number.to_bytes(STOCK_BYTES, "big").rstrip().decode("ascii", "replace")
    return text if text.isascii() and text.isprintable() and " " not in text else ""


def _ids(days: Sequence[Stocks]) -> dict[str, int]:
    ids: dict[str, int] = {}
    taken: set[int] = set()
    clashing: list[str] = []
    for stocks in days:
        for locate, symbol in stocks.symbols.items():
            if symbol in ids:
                continue
            if locate in taken:
                clashing.append(symbol)
            else:
                ids[symbol] = locate
                taken.add(locate)
    free = _free_ids(taken)
    for symbol in clashing:
        if symbol not in ids:
            ids[symbol] = next(free)
    return ids


def _free_ids(taken: set[int]) -> Iterator[int]:
    number = 1
    while True:
        if number not in taken:
            yield number
        number += 1


def _instrument(number: int, symbol: str, known: Instrument | None) -> Instrument:
    return refined(Instrument(number, symbol, PRICE_DECIMALS, 0, _TICK), known)
