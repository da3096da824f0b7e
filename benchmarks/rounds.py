"""Measurements of one thing, one a round, and medians over them."""

from __future__ import annotations

import statistics
from collections.abc import Callable

from benchmarks.processes import Measured

__all__ = ["Rounds"]

_MS_PER_S = 1000


class Rounds:
    """What was measured of one thing, round by round."""

    def __init__(self) -> None:
        self._measured: list[Measured] = []

    def add(self, measured: Measured) -> None:
        """Add a round."""
        self._measured.append(measured)

    def median(self, of: Callable[[Measured], float]) -> float:
        """Return the median of a figure over the rounds."""
        return statistics.median(map(of, self._measured))

    @property
    def cpu_us(self) -> float:
        """CPU time of the server for each message, in µs."""
        return self.median(lambda one: one.cpu_us_per_message)

    def delay_ms(self, share: str) -> float:
        """Return the age at its client that so many messages have at most: "p50" or "p99"."""
        return self.median(lambda one: getattr(one, f"delay_{share}_s") or 0.0) * _MS_PER_S

    def ratio(self, base: Rounds, of: Callable[[Measured], float]) -> float:
        """Return the median of the rounds' own ratios: what disturbs a round disturbs both."""
        pairs = zip(self._measured, base._measured, strict=True)
        return statistics.median(of(one) / of(other) for one, other in pairs)

    def cpu_ratio(self, base: Rounds) -> float:
        """Return the ratio of CPU times."""
        return self.ratio(base, lambda one: one.cpu_us_per_message)

    def note(self) -> str:
        """Tell how much was measured, and how busy both sides were."""
        rate = self.median(lambda one: one.messages / one.seconds)
        size = self.median(lambda one: one.message_bytes)
        server = self.median(lambda one: one.server_cpu_s / one.seconds)
        load = self.median(lambda one: one.load_cpu_share)
        return (
            f"{rate:,.0f} msg/s of {size:,.0f} B, server {server:.0%} CPU, "
            f"load generator {load:.0%} CPU"
        )
