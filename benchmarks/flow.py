"""Order flow for the book benchmarks: a simulated market's, recorded once."""

from __future__ import annotations

import numpy as np

from market_depth.events import Events
from market_depth.simulator import SimulatedVenue, load_profiles

__all__ = ["recorded_flow"]


def recorded_flow(length: int) -> Events:
    """Return a simulated market's first *length* events, its opening snapshot included."""
    venue = SimulatedVenue(load_profiles()["BTCUSD"], rate_hz=1e6, seed=1, begin_ns=10**18)
    parts = []
    total = 0
    for chunk in venue.chunks():
        parts.append(chunk)
        total += len(chunk)
        if total >= length:
            break
    return np.concatenate(parts)[:length]
