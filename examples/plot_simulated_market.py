"""Draw what the simulated market looks like: depth profile, order sizes, spread and mid price.

    python examples/plot_simulated_market.py [SYMBOL] [--hours 24] [--out market.png]

Needs the extra `plot`: pip install 'market-depth[plot]'
"""

from __future__ import annotations

import argparse

import matplotlib as mpl
import numpy as np

mpl.use("Agg")

import matplotlib.pyplot as plt

from market_depth.book import OrderBook
from market_depth.events import Action
from market_depth.simulator import Profile, SimulatedVenue, load_profiles

_TICKS_SHOWN = 60
_NS_PER_HOUR = 3_600_000_000_000


class Observed:
    """A simulated market, looked at once per chunk of events."""

    def __init__(self, profile: Profile, hours: float) -> None:
        tick = profile.instrument.tick_size
        venue = SimulatedVenue(profile, rate_hz=15, seed=1, begin_ns=0, chunk_events=600)
        book = OrderBook()
        profiles, sizes, spreads, mids, times = [], [], [], [], []
        for events in venue.chunks():
            book.apply(events)
            time_ns = int(events["ts_recv"][-1])
            view = book.mbp(_TICKS_SHOWN, time_ns)
            best_bid, best_ask = int(view.bids["price"][0]), int(view.asks["price"][0])
            profiles.append(_by_distance(view.bids["price"], view.bids["size"], best_bid, tick))
            sizes.append(events["size"][events["action"] == Action.ADD])
            spreads.append((best_ask - best_bid) // tick)
            mids.append((best_ask + best_bid) / 2)
            times.append(time_ns / _NS_PER_HOUR)
            if time_ns > hours * _NS_PER_HOUR:
                break
        self.depth = np.mean(profiles, axis=0)
        self.sizes = np.concatenate(sizes)
        self.spreads = np.array(spreads)
        self.mids = np.array(mids)
        self.hours = np.array(times)


def _by_distance(prices: np.ndarray, sizes: np.ndarray, best: int, tick: int) -> np.ndarray:
    """Return the size at each distance from the best price, in ticks."""
    depth = np.zeros(_TICKS_SHOWN)
    distances = np.abs(prices - best) // tick
    near = distances < _TICKS_SHOWN
    depth[distances[near]] = sizes[near]
    return depth


def draw(profile: Profile, observed: Observed, path: str) -> None:
    """Draw four panels into *path*."""
    instrument = profile.instrument
    lots = 10.0**-instrument.quantity_decimals
    figure, ((depth, sizes), (spread, mid)) = plt.subplots(2, 2, figsize=(11, 7))
    figure.suptitle(f"{instrument.symbol}, simulated, {observed.hours[-1]:.0f} hours")
    depth.bar(range(_TICKS_SHOWN), observed.depth * lots, color="#4477aa")
    depth.set(title="Mean depth", xlabel="ticks behind the best bid", ylabel="size")
    edges = np.geomspace(observed.sizes.min(), observed.sizes.max() + 1, 50) * lots
    sizes.hist(observed.sizes * lots, edges, color="#4477aa")
    sizes.set(title="Sizes of new orders", xscale="log", yscale="log", xlabel="size")
    shares = np.bincount(observed.spreads)[1:11] / len(observed.spreads)
    spread.bar(range(1, len(shares) + 1), shares, color="#4477aa")
    spread.set(title="Spread", xlabel="ticks", ylabel="share of the time")
    mid.plot(observed.hours, observed.mids * 10.0**-instrument.price_decimals, color="#4477aa")
    mid.set(title="Mid price", xlabel="hours")
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> None:
    """Simulate, and draw."""
    profiles = load_profiles()
    parser = argparse.ArgumentParser(description="Draw what the simulated market looks like.")
    parser.add_argument("symbol", nargs="?", default="BTCUSD", choices=sorted(profiles))
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--out", default="market.png")
    options = parser.parse_args()
    profile = profiles[options.symbol]
    draw(profile, Observed(profile, options.hours), options.out)
    print(f"written to {options.out}")


if __name__ == "__main__":
    main()
