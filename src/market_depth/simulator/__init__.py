"""A simulated venue: order flow that looks like a market's, matched by price and time."""

from market_depth.simulator.profiles import Profile, load_profiles
from market_depth.simulator.venue import SimulatedVenue

__all__ = ["Profile", "SimulatedVenue", "load_profiles"]
