"""A made-up day of Nasdaq TotalView-ITCH 5.0, as large as wanted, the same each time.

The mix is that of a real day: of 100 messages about 45 add an order, 41 delete, 8 replace, 3
execute and 2 cancel one. Activity falls with a stock's rank by Zipf's law: the busiest 1 % of 8,000
stocks have a quarter of it. Messages come in bursts: one in four is about the stock of the one
before. (By the gaps between the messages of LOBSTER's samples, with 10,000 other messages a second
in the market, it would be 46 of 100 for ten levels of AAPL, 18 for the best level of AMZN.) Half of
the orders that go have come within the last 25,000 messages, a fifth are older than 500,000. The
number of orders that rest is bounded. Prices lie around one fixed price a stock, so that books are
never crossed: what is unlike a market is that it does not move.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from market_depth.jit import inlined_kernel, int64, kernel

__all__ = ["FILE_NAME", "write_day"]

FILE_NAME: Final = "12302019.NASDAQ_ITCH50"
"""What Nasdaq would call the file."""

_BLOCK_BYTES: Final = 8 * 1024 * 1024
_MAX_FRAME: Final = 52
_OPEN_NS: Final = 4 * 3600 * 10**9
_DAY_NS: Final = 16 * 3600 * 10**9
_DRAWS: Final = 1 << 18
_POOL_SHARE: Final = 4
"""Room in the pool of orders, per order that may rest."""
_BURST_SHARE: Final = 0.3
_RECENT: Final = 8
"""Orders of each stock that a burst may be about."""

_RESTING_DTYPE: Final = np.dtype(
    [
        ("order_id", np.uint64),
        ("price", np.uint32),
        ("shares", np.uint32),  # 0 where the order is gone
        ("locate", np.uint16),
        ("is_sell", np.bool_),
    ],
    align=True,
)
_STATE_DTYPE: Final = np.dtype(
    [
        ("random", np.uint64),
        ("messages", np.int64),
        ("live", np.int64),
        ("used", np.int64),
        ("next_id", np.uint64),
        ("match", np.uint64),
        ("locate", np.int64),  # of the message before
    ]
)
_RECENT_DTYPE: Final = np.dtype([("order_id", np.uint64), ("place", np.int64)])

_UPDATES: Final = np.array([0.425, 0.505, 0.537, 0.538, 0.555, 0.560])
"""Shares of messages, one upon the other: D, U, E, C, X, P; the rest are adds."""
_D, _U, _E, _C, _X, _P, _A, _F = range(8)
_KINDS: Final = np.frombuffer(b"DUECXPAF", np.uint8)
_LENGTHS: Final = np.array([19, 35, 31, 36, 23, 44, 36, 40], np.int64)
_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)


class _Market(NamedTuple):
    """What the kernel works on."""

    state: NDArray[np.void]
    pool: NDArray[np.void]
    """Orders in the order in which they came, with gaps."""
    draws: NDArray[np.uint16]
    """Locates, each as often as its stock is active."""
    mids: NDArray[np.uint32]
    """Around what prices lie, by locate."""
    symbols: NDArray[np.uint64]
    recent: NDArray[np.void]
    """The last orders of each stock, shape (locates, 8); some may be gone, or elsewhere."""


@inlined_kernel
def draw(state: NDArray[np.void]) -> np.uint64:
    """Return a random number (splitmix64)."""
    state[0].random += _GOLDEN
    mixed = state[0].random
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.uint64(mixed ^ (mixed >> np.uint64(31)))


@inlined_kernel
def fraction(state: NDArray[np.void]) -> float:
    """Return a random number in (0, 1]."""
    return (float(draw(state) >> np.uint64(11)) + 1.0) * 2.0**-53


@inlined_kernel
def put_number(data: NDArray[np.uint8], at: int, number: np.uint64, length: int) -> None:
    """Write a big-endian number."""
    for place in range(length):
        data[at + place] = np.uint8(
            (number >> np.uint64(8 * (length - 1 - place))) & np.uint64(255)
        )


@kernel
def pack_pool(market: _Market) -> None:
    """Close the gaps between orders."""
    kept = 0
    for place in range(market.state[0].used):
        if market.pool[place].shares != 0:
            market.pool[kept] = market.pool[place]
            kept += 1
    market.state[0].used = kept


@inlined_kernel
def is_burst(market: _Market) -> bool:
    """Whether the next message is to be about the stock of the one before."""
    return fraction(market.state) < _BURST_SHARE and market.state[0].locate > 0


@kernel
def pick_order(market: _Market) -> int:
    """Return the place of an order that rests: mostly of a young one."""
    used = market.state[0].used
    if is_burst(market):
        one = market.recent[market.state[0].locate, draw(market.state) & np.uint64(_RECENT - 1)]
        order = market.pool[min(one.place, used - 1)]
        if order.order_id == one.order_id and order.shares != 0:
            return int64(min(one.place, used - 1))
    place = used - 1 - int64(used * fraction(market.state) ** 6)
    place = max(place, 0)
    while place > 0 and market.pool[place].shares == 0:
        place -= 1
    while market.pool[place].shares == 0:
        place += 1
    return int64(place)


@kernel
def new_price(market: _Market, locate: int, is_sell: bool) -> int:
    """Return a price for an order: most are near the touch, some are far away."""
    ticks = 1 + min(int64(3.0 * (fraction(market.state) ** -0.7 - 1.0)), 500)
    mid = int64(market.mids[locate])
    return mid + 100 * ticks if is_sell else max(mid - 100 * ticks, 100)


@kernel
def put_order(market: _Market, locate: int, is_sell: bool) -> int:
    """Let a new order rest; return its place."""
    state = market.state[0]
    place = int64(state.used)
    state.used = place + 1
    state.live += 1
    state.next_id += np.uint64(1 + (draw(market.state) & np.uint64(3)))
    order = market.pool[place]
    order.order_id = state.next_id
    order.price = new_price(market, locate, is_sell)
    order.shares = 100 * (1 + int64(draw(market.state) & np.uint64(7)))
    order.locate = locate
    order.is_sell = is_sell
    recent = market.recent[locate, draw(market.state) & np.uint64(_RECENT - 1)]
    recent.order_id = order.order_id
    recent.place = place
    return place


@kernel
def write_new(market: _Market, data: NDArray[np.uint8], at: int, kind: int) -> int:
    """Write the body of an order that is new (A, F), or of a trade (P); return its locate."""
    locate = int64(market.draws[draw(market.state) & np.uint64(_DRAWS - 1)])
    if is_burst(market):
        locate = int64(market.state[0].locate)
    is_sell = (draw(market.state) & np.uint64(1)) != 0
    place = put_order(market, locate, is_sell)
    order = market.pool[place]
    put_number(data, at + 11, order.order_id if kind != _P else np.uint64(0), 8)
    data[at + 19] = ord("S") if is_sell and kind != _P else ord("B")
    put_number(data, at + 20, np.uint64(order.shares), 4)
    put_number(data, at + 24, market.symbols[locate], 8)
    put_number(data, at + 32, np.uint64(order.price), 4)
    if kind == _F:
        put_number(data, at + 36, np.uint64(0x4E534451), 4)
    elif kind == _P:
        market.state[0].match += np.uint64(1)
        put_number(data, at + 36, market.state[0].match, 8)
        order.shares = 0
        market.state[0].live -= 1
        market.state[0].used -= 1
    return locate


@kernel
def write_update(market: _Market, data: NDArray[np.uint8], at: int, kind: int) -> int:
    """Write the body of a message about an order that rests (D, U, E, C, X); return its locate."""
    state = market.state[0]
    order = market.pool[pick_order(market)]
    locate = int64(order.locate)
    put_number(data, at + 11, order.order_id, 8)
    taken = int64(order.shares)
    if kind in (_E, _C, _X) and (kind == _X or draw(market.state) & np.uint64(1)):
        taken = min(taken, 100)
    if kind == _U:
        other = market.pool[put_order(market, locate, order.is_sell)]
        put_number(data, at + 19, other.order_id, 8)
        put_number(data, at + 27, np.uint64(other.shares), 4)
        put_number(data, at + 31, np.uint64(other.price), 4)
    elif kind != _D:
        put_number(data, at + 19, np.uint64(taken), 4)
    if kind in (_E, _C):
        state.match += np.uint64(1)
        put_number(data, at + 23, state.match, 8)
    if kind == _C:
        data[at + 31] = ord("Y")
        put_number(data, at + 32, np.uint64(order.price), 4)
    order.shares -= np.uint32(taken)
    if order.shares == 0:
        state.live -= 1
    return locate


@kernel
def write_messages(
    market: _Market, data: NDArray[np.uint8], messages: int, most_resting: int
) -> int:
    """Write messages until there are so many, or there is no room; return how many bytes."""
    state = market.state[0]
    at = 0
    while state.messages < messages and at + _MAX_FRAME <= len(data):
        if state.used + 2 > len(market.pool) or state.used > 2 * state.live + 1000:
            pack_pool(market)
        share = fraction(market.state)
        kind = _D
        while kind < _A and share > _UPDATES[kind]:
            kind += 1
        if kind == _A and draw(market.state) % np.uint64(72) == 0:
            kind = _F
        if kind == _D and state.live < 0.9 * most_resting and share < 0.2:
            kind = _A
        if state.live < 100:
            kind = _A
        elif state.live >= most_resting and kind in (_A, _F):
            kind = _D
        length = _LENGTHS[kind]
        put_number(data, at, np.uint64(length), 2)
        start = at + 2
        data[start] = _KINDS[kind]
        if kind in (_A, _F, _P):
            locate = write_new(market, data, start, kind)
        else:
            locate = write_update(market, data, start, kind)
        state.locate = locate
        put_number(data, start + 1, np.uint64(locate), 2)
        put_number(data, start + 3, np.uint64(0), 2)
        time_ns = _OPEN_NS + int64(float(_DAY_NS) * state.messages / messages)
        put_number(data, start + 5, np.uint64(time_ns), 6)
        state.messages += 1
        at = start + length
    return at


def write_day(
    path: Path, messages: int, *, stocks: int = 8000, most_resting: int = 1_000_000, seed: int = 1
) -> None:
    """Write a day as a file of messages with their lengths in front.

    Args:
        path: where to.
        messages: how many are about orders and trades; a few a stock come before.
        stocks: how many there are.
        most_resting: most orders that rest at a time.
        seed: another one makes another day.
    """
    symbols = [_symbol(number) for number in range(stocks)]
    market = _new_market(symbols, most_resting, seed)
    data = np.zeros(_BLOCK_BYTES, np.uint8)
    with path.open("wb") as file:
        file.write(_opening(symbols))
        while length := write_messages(market, data, messages, most_resting):
            file.write(data[:length].data)
        file.write(_framed(b"S", 0, _OPEN_NS + _DAY_NS, b"C"))


def _new_market(symbols: list[str], most_resting: int, seed: int) -> _Market:
    random = np.random.default_rng(seed)
    stocks = len(symbols)
    state = np.zeros(1, _STATE_DTYPE)
    state["random"] = seed
    activity = (random.permutation(stocks) + 20.0) ** -1.0
    ends = np.cumsum(activity / activity.sum())
    places = np.searchsorted(ends, (np.arange(_DRAWS) + 0.5) / _DRAWS)
    mids = np.zeros(stocks + 1, np.uint32)
    mids[1:] = 100 * np.exp(random.uniform(np.log(500), np.log(30_000), stocks)).astype(np.int64)
    numbers = [int.from_bytes(symbol.ljust(8).encode(), "big") for symbol in symbols]
    return _Market(
        state,
        np.zeros(_POOL_SHARE * most_resting + 4096, _RESTING_DTYPE),
        (np.minimum(places, stocks - 1) + 1).astype(np.uint16),
        mids,
        np.array([0, *numbers], np.uint64),
        np.zeros((stocks + 1, _RECENT), _RECENT_DTYPE),
    )


def _opening(symbols: list[str]) -> bytes:
    """Return what comes before the first order."""
    time_ns = _OPEN_NS - 10**9
    parts = [_framed(b"S", 0, time_ns, b"O")]
    for locate, symbol in enumerate(symbols, 1):
        stock = symbol.ljust(8).encode()
        parts.append(
            _framed(b"R", locate, time_ns, stock + b"QN" + struct.pack(">I", 100) + b"N" * 14)
        )
        parts.append(_framed(b"H", locate, time_ns, stock + b"T     "))
        parts.append(_framed(b"Y", locate, time_ns, stock + b"0"))
    parts.append(_framed(b"S", 0, time_ns, b"S"))
    return b"".join(parts)


def _framed(kind: bytes, locate: int, time_ns: int, body: bytes) -> bytes:
    message = kind + struct.pack(">HH", locate, 0) + time_ns.to_bytes(6, "big") + body
    return struct.pack(">H", len(message)) + message


def _symbol(number: int) -> str:
    """Return a symbol of four letters."""
    letters = ""
    for _ in range(4):
        number, letter = divmod(number, 26)
        letters = chr(ord("A") + letter) + letters
    return letters
