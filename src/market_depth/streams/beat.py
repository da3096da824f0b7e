"""The chains of one interval, which are due together."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from market_depth.streams.chain import Chain
from market_depth.streams.channel import Tick
from market_depth.streams.cohort import NOTHING, FlushCount, postponed

__all__ = ["Beat"]

_STREAMS_A_TURN = 500
"""Streams written to before others get their turn: about 3 ms of writing."""
_CHAINS_A_TURN = 64
"""Chains looked at before others do."""


class Beat:
    """The moments at which chains of one interval are due.

    All streams of a chain get a message before the chain makes the next one, however many turns
    that takes.

    Args:
        due: when its chains are due first, in seconds of the caller's monotonic clock.
        interval: time from one moment to the next, in seconds.
    """

    __slots__ = ("_turns", "chains", "due", "interval")

    def __init__(self, due: float, interval: float) -> None:
        self.due = due
        self.interval = interval
        self.chains: dict[Chain, None] = {}
        self._turns: Iterator[FlushCount] | None = None

    @property
    def is_unfinished(self) -> bool:
        """Whether a flush goes on in another turn."""
        return self._turns is not None

    def flush(self, tick: Tick, now: float) -> FlushCount:
        """Write what is due, a turn's worth of it; it stays due until all is written."""
        if self._turns is None:
            self._turns = self._flush(tick)
        count = next(self._turns, None)
        if count is None:
            self._turns = None
            self.due = postponed(self.due, self.interval, now)
            return NOTHING
        return count

    def _flush(self, tick: Tick) -> Iterator[FlushCount]:
        """Write what is due, turn by turn."""
        total, chains = NOTHING, 0
        for chain in list(self.chains):
            if chain not in self.chains:  # its last stream has left since
                continue
            is_new = chain.advance(tick)
            chains += 1
            if is_new:
                total = total.plus(FlushCount(0, 0, 0, 1))
            if is_new or chain.has_lagging:
                chain.has_lagging = False
                streams = iter(list(chain.streams))
                # What must not be left out must not be overtaken by the next either.
                most = _STREAMS_A_TURN if chain.can_skip else None
                while part := list(islice(streams, most)):
                    total = total.plus(chain.deliver(part, tick, is_new=is_new))
                    if total.messages >= _STREAMS_A_TURN:
                        yield total
                        total, chains = NOTHING, 0
            if chains >= _CHAINS_A_TURN:
                yield total
                total, chains = NOTHING, 0
        if total.messages or total.encoded or total.skipped:
            yield total
