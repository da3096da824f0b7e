"""Recording: events become files that can be played again. It knows no clients."""

from market_depth.recording.recorder import Cut, Recorder

__all__ = ["Cut", "Recorder"]
