"""The options of the commands: each named, typed, explained and bounded in one place.

An option comes from the command line, else from the environment (`MARKET_DEPTH_` and its name),
else from the TOML file of `--config`, else it has its default.
"""

from market_depth.config.feed import SIMULATOR, FeedConfig
from market_depth.config.record import RecordConfig
from market_depth.config.serve import Address, ServeConfig
from market_depth.config.toml_file import read_config_file

__all__ = [
    "SIMULATOR",
    "Address",
    "FeedConfig",
    "RecordConfig",
    "ServeConfig",
    "read_config_file",
]
