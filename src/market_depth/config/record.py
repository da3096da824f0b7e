"""The options of `market-depth record`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated

from market_depth.config.feed import FeedConfig
from market_depth.config.options import option
from market_depth.errors import ConfigError
from market_depth.protocol.messages import DataType
from market_depth.settings import AtEnd

__all__ = ["RecordConfig", "RecordedType"]

_MAX_S = 31_536_000
_MAX_BYTES = 2**50


class RecordedType(Enum):
    """What of a server's books can be recorded."""

    MBP = DataType.MBP.value
    MBO = DataType.MBO.value


@dataclass(frozen=True, slots=True)
class RecordConfig(FeedConfig):
    """What to record, and where to."""

    at_end: Annotated[AtEnd, option("at_end", "What to do at the end of a recording.")] = AtEnd.EXIT
    out: Annotated[
        Path | None,
        option("out", "File to write: NAME.parquet or NAME.dbn.zst.", "-o"),
    ] = None
    server: Annotated[
        str | None,
        option(
            "from", "Record the streams of a running server, not a feed.", metavar="ws://HOST:PORT"
        ),
    ] = None
    data_type: Annotated[RecordedType, option("data_type", "What to subscribe to with --from.")] = (
        RecordedType.MBO
    )
    levels: Annotated[
        int, option("levels", "Price levels a side with --from.", min=1, max=1_000_000)
    ] = 1000
    cut_bytes: Annotated[
        int,
        option(
            "cut_bytes", "Bytes behind which a new file begins; 0: never.", min=0, max=_MAX_BYTES
        ),
    ] = 0
    cut_s: Annotated[
        float,
        option(
            "cut_s",
            "Seconds of the market's time behind which a new file begins; 0: never.",
            min=0,
            max=_MAX_S,
        ),
    ] = 0.0
    duration_s: Annotated[
        float,
        option("duration_s", "How long to record; 0: until it is stopped.", min=0, max=_MAX_S),
    ] = 0.0

    def out_file(self) -> Path:
        """Return the file to write.

        Raises:
            ConfigError: if none is named, or if what is to be recorded has no end in time.
        """
        if self.out is None:
            raise ConfigError("--out names no file to record to")
        if self.at_end is AtEnd.LOOP and self.server is None:
            raise ConfigError("--at-end loop can't be recorded: its time goes back")
        return self.out
