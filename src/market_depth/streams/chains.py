"""Which chains there are, and when each goes on: at its interval's moments, or at every change."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, TypeVar

import numpy as np

from market_depth.events import Action, Events, Flag
from market_depth.protocol.messages import DataType
from market_depth.protocol.requests import Mode
from market_depth.streams.beat import Beat
from market_depth.streams.chain import Chain, ChainStream
from market_depth.streams.channel import Tick
from market_depth.streams.cohort import NOTHING, FlushCount
from market_depth.streams.key import ChainKey
from market_depth.streams.subscriber import Stream
from market_depth.streams.trade_chain import TradeChain, trades_of
from market_depth.streams.view_chain import ViewChain, Workshop
from market_depth.streams.watch import Watch

__all__ = ["Chains", "changes_of"]

_LINGER_S: Final = 60.0
"""How long a chain is kept whose last stream has left: it might come back and go on."""
_MAX_LINGERING: Final = 1024
_MS_PER_S: Final = 1000
_LAST: Final = np.uint8(Flag.LAST)

AnyChain = TypeVar("AnyChain", bound=Chain)


class _Lingering(NamedTuple):
    chain: Chain
    since: float
    """Seconds of the caller's monotonic clock."""


def changes_of(
    events: Events, instrument_ids: Iterable[int], most: int | None = None
) -> Iterator[Events]:
    """Yield events in parts, each of which ends with a change of one of the instruments, or with
    the last event.

    Args:
        events: whole changes.
        instrument_ids: of the instruments.
        most: how many parts at most; `None` makes as many as there are changes.
    """
    is_wanted = np.isin(events["instrument_id"], list(instrument_ids))
    ends = np.flatnonzero(is_wanted & (events["flags"] & _LAST != 0)) + 1
    if most is not None and len(ends) > most:
        step = -(-len(ends) // max(most, 1))
        ends = ends[::-1][::step][::-1]
    start = 0
    for end in ends.tolist():
        yield events[start:end]
        start = end
    if start < len(events):
        yield events[start:]


def _changed(events: Events, *, is_one_change: bool) -> list[int]:
    """Return the instruments that are not in the midst of a change behind events."""
    if is_one_change:
        return [int(events["instrument_id"][-1])]
    backwards = events[::-1]
    ids, last_places = np.unique(backwards["instrument_id"], return_index=True)
    is_whole = backwards["flags"][last_places] & _LAST != 0
    return [int(one) for one in ids[is_whole]]


class Chains:
    """Every chain that a stream wants, or might come back to.

    Args:
        workshop: what all chains share.
    """

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop
        self._by_key: dict[ChainKey, Chain] = {}
        self._lingering: OrderedDict[ChainKey, _Lingering] = OrderedDict()
        self._beats: dict[int, Beat] = {}
        """By interval in ms."""
        self.live: dict[int, dict[Chain, None]] = {}
        """Chains that go on at every change, by instrument id."""
        self._trades: dict[int, dict[TradeChain, None]] = {}
        """Chains of trades, by instrument id."""

    @property
    def beats(self) -> Iterator[Beat]:
        """The moments at which chains are due."""
        return iter(list(self._beats.values()))

    @property
    def live_count(self) -> int:
        """How many chains go on at every change."""
        return sum(map(len, self.live.values()))

    @property
    def has_listeners(self) -> bool:
        """Whether anybody wants to hear of single events."""
        return bool(self.live or self._trades)

    def join(self, key: ChainKey, watch: Watch, tick: Tick, now: float) -> Chain:
        """Return the chain of a key, which goes on from now on at the latest."""
        self._end_lingering(now)
        chain = self._by_key.get(key)
        if chain is not None:
            return chain
        lingering = self._lingering.pop(key, None)
        if lingering is not None:
            chain = lingering.chain
            chain.watch = watch
            chain.advance(tick)
        else:
            chain = self._new_chain(key, watch, tick)
        self._by_key[key] = chain
        self._schedule(chain, now)
        return chain

    def leave(self, chain: Chain, stream: ChainStream, now: float) -> None:
        """Take a stream off its chain; the chain stands still if it was the last one."""
        stream.is_open = False
        del chain.streams[stream]
        if chain.streams:
            return
        key = chain.key
        del self._by_key[key]
        if key.interval_ms:
            beat = self._beats[key.interval_ms]
            del beat.chains[chain]
            if not beat.chains:
                del self._beats[key.interval_ms]
        else:
            _remove(self.live, _instrument_id(chain), chain)
        if isinstance(chain, TradeChain):
            _remove(self._trades, _instrument_id(chain), chain)
        elif key.mode is Mode.DELTA:
            self._lingering[key] = _Lingering(chain, now)
            if len(self._lingering) > _MAX_LINGERING:
                self._end_oldest()

    def note(self, events: Events, tick: Tick, *, is_one_change: bool) -> FlushCount:
        """Send what events that have just been applied mean to those who want every change.

        Args:
            events: a part of `changes_of`.
            tick: the moment.
            is_one_change: whether no instrument but the last one's has changed that anybody wants
                every change of.
        """
        count = self._note_trades(events, tick)
        for instrument_id in _changed(events, is_one_change=is_one_change):
            for chain in self.live.get(instrument_id, ()):
                count = count.plus(self._go_on(chain, tick))
        return count

    def _note_trades(self, events: Events, tick: Tick) -> FlushCount:
        """Take what has been traded."""
        count = NOTHING
        if not self._trades:
            return count
        is_trade = events["action"] == Action.TRADE
        if not is_trade.any():
            return count
        trades = events[is_trade]
        for instrument_id in np.unique(trades["instrument_id"]).tolist():
            chains = self._trades.get(instrument_id)
            if chains is None:
                continue
            own = trades[trades["instrument_id"] == instrument_id]
            symbol_book = next(iter(chains)).symbol_book
            book, instrument = symbol_book.book, symbol_book.instrument
            for chain in chains:
                encoder = chain.wire.encoder
                chain.add(trades_of(own, instrument, book.trade_count, encoder))
                if chain.is_full:
                    count = count.plus(self._go_on(chain, tick))
        return count

    def catch_up(self, streams: Iterable[Stream | ChainStream], tick: Tick) -> FlushCount:
        """Send the newest state to a subscriber's streams that have missed messages, those first
        that have waited longest: he may take no more than one before he is behind again."""
        lagging = [one for one in streams if isinstance(one, ChainStream) and one.skipped]
        count = NOTHING
        for stream in sorted(lagging, key=lambda one: -one.skipped):
            if stream.is_blocked:
                break
            count = count.plus(stream.chain.deliver([stream], tick, is_new=False))
        return count

    def _go_on(self, chain: Chain, tick: Tick) -> FlushCount:
        if not chain.advance(tick):
            return NOTHING
        return chain.deliver_all(tick, is_new=True).plus(FlushCount(0, 0, 0, 1))

    def _new_chain(self, key: ChainKey, watch: Watch, tick: Tick) -> Chain:
        if key.data_type is DataType.TRADES:
            chain = TradeChain(key, watch)
            self._trades.setdefault(_instrument_id(chain), {})[chain] = None
            return chain
        return ViewChain(key, watch, self._workshop, tick)

    def _schedule(self, chain: Chain, now: float) -> None:
        interval_ms = chain.key.interval_ms
        if not interval_ms:
            self.live.setdefault(_instrument_id(chain), {})[chain] = None
            return
        beat = self._beats.get(interval_ms)
        if beat is None:
            interval_s = interval_ms / _MS_PER_S
            beat = self._beats[interval_ms] = Beat(now + interval_s, interval_s)
        beat.chains[chain] = None

    def _end_lingering(self, now: float) -> None:
        while self._lingering and next(iter(self._lingering.values())).since < now - _LINGER_S:
            self._end_oldest()

    def _end_oldest(self) -> None:
        _, oldest = self._lingering.popitem(last=False)
        oldest.chain.close()


def _instrument_id(chain: Chain) -> int:
    return chain.symbol_book.instrument.instrument_id


def _remove(by_id: dict[int, dict[AnyChain, None]], instrument_id: int, chain: AnyChain) -> None:
    chains = by_id[instrument_id]
    del chains[chain]
    if not chains:
        del by_id[instrument_id]
