"""The DBN format: metadata at the head, then records with their length in front.

Source: https://databento.com/docs/standards-and-conventions/databento-binary-encoding
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from market_depth.errors import FeedError
from market_depth.feeds.files import read_blocks

__all__ = ["UNDEFINED_PRICE", "UNDEFINED_TIME", "DbnFile"]

_DBN_MAGIC: Final = b"DBN"
_MAX_VERSION: Final = 3
_MBO_RTYPE: Final = 0xA0
_HEADER_BYTES: Final = 16
_WORD_BYTES: Final = 4
"""A record's header counts its length in words."""
_PREAMBLE_BYTES: Final = 8
_MAX_METADATA_BYTES: Final = 64 * 1024 * 1024
UNDEFINED_TIME: Final = 2**64 - 1
UNDEFINED_PRICE: Final = 2**63 - 1

_MBO_FIELDS: Final = [
    ("length", np.uint8),
    ("rtype", np.uint8),
    ("publisher_id", np.uint16),
    ("instrument_id", np.uint32),
    ("ts_event", np.uint64),
    ("order_id", np.uint64),
    ("price", np.int64),
    ("size", np.uint32),
    ("flags", np.uint8),
    ("channel_id", np.uint8),
    ("action", np.uint8),
    ("side", np.uint8),
    ("ts_recv", np.uint64),
    ("ts_in_delta", np.int32),
    ("sequence", np.uint32),
]
_MBO_DTYPE: Final = np.dtype(_MBO_FIELDS)
_MBO_TS_OUT_DTYPE: Final = np.dtype([*_MBO_FIELDS, ("ts_out", np.uint64)])


class DbnFile:
    """A Databento file of schema mbo.

    Args:
        path: the file; `.zst` or not is told from its first bytes.

    Raises:
        FeedError: if the file can't be read or is no DBN file of schema mbo.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._metadata, _ = _read_metadata(read_blocks(path), path)

    def symbols_by_id(self) -> dict[int, str]:
        """Return the symbols of the metadata's mappings by instrument id, in the order in which
        they were asked for.

        A symbol that stands for one instrument after another (a continuous future) names the
        first; the others have their id behind it.
        """
        mappings = self._metadata.mappings
        asked_for = [symbol for symbol in self._metadata.symbols if symbol in mappings]
        symbols: dict[int, str] = {}
        for symbol in (*asked_for, *sorted(set(mappings).difference(asked_for))):
            for interval in mappings[symbol]:
                if interval["symbol"].isdigit():
                    is_taken = symbol in symbols.values()
                    name = f"{symbol}#{interval['symbol']}" if is_taken else symbol
                    symbols.setdefault(int(interval["symbol"]), name)
        return symbols

    def records(self) -> Iterator[NDArray[np.void]]:
        """Yield the file's MBO records; those of other kinds are passed over.

        Raises:
            FeedError: where the file is damaged or cut off; what came before has been yielded.
        """
        blocks = read_blocks(self.path)
        metadata, rest = _read_metadata(blocks, self.path)
        dtype = _MBO_TS_OUT_DTYPE if metadata.ts_out else _MBO_DTYPE
        for block in chain((b"",), blocks):
            records, rest = _leading_records(rest + block, dtype)
            if len(records):
                yield records
            if rest and rest[0] * _WORD_BYTES < _HEADER_BYTES:
                raise FeedError(f"{self.path} is damaged: a record of {rest[0]} words")
        _, rest = _walked_records(rest, dtype)  # shorter records of other kinds
        if rest:
            raise FeedError(f"{self.path} is cut off within its last record ({len(rest)} bytes)")


def _leading_records(data: bytes, dtype: np.dtype[np.void]) -> tuple[NDArray[np.void], bytes]:
    """Return the whole MBO records in *data*, and what follows them.

    Nearly every file has nothing but MBO records: then they are one array as they are.
    """
    count = len(data) // dtype.itemsize
    records = np.frombuffer(data, dtype, count)
    words = dtype.itemsize // _WORD_BYTES
    if (records["length"] == words).all() and (records["rtype"] == _MBO_RTYPE).all():
        return records, data[count * dtype.itemsize :]
    return _walked_records(data, dtype)


def _walked_records(data: bytes, dtype: np.dtype[np.void]) -> tuple[NDArray[np.void], bytes]:
    """Go from record to record by their lengths, up to one that is not whole or has no length."""
    kept: list[bytes] = []
    at = 0
    while at < len(data):
        length = data[at] * _WORD_BYTES
        if length < _HEADER_BYTES or at + length > len(data):
            break
        if data[at + 1] == _MBO_RTYPE and length == dtype.itemsize:
            kept.append(data[at : at + length])
        at += length
    return np.frombuffer(b"".join(kept), dtype), data[at:]


def _read_metadata(blocks: Iterator[bytes], path: Path) -> tuple[Any, bytes]:
    """Take the metadata off the head of a DBN stream; return it and the bytes read behind it."""
    try:
        import databento_dbn
    except ImportError:
        raise FeedError(
            f"{path} needs the extra 'databento': pip install 'market-depth[databento]'"
        ) from None
    data = _read_at_least(_PREAMBLE_BYTES, b"", blocks)
    if data[:3] != _DBN_MAGIC or len(data) < _PREAMBLE_BYTES:
        raise FeedError(f"{path} is not a DBN file")
    if not 1 <= data[3] <= _MAX_VERSION:
        raise FeedError(f"{path} is DBN version {data[3]}; versions 1 to 3 are known")
    end = _PREAMBLE_BYTES + int.from_bytes(data[4:_PREAMBLE_BYTES], "little")
    if end > _MAX_METADATA_BYTES:
        raise FeedError(f"{path} is damaged: metadata of {end} bytes")
    data = _read_at_least(end, data, blocks)
    try:
        metadata = databento_dbn.Metadata.decode(data[:end])
    except (databento_dbn.DBNError, ValueError) as error:
        raise FeedError(f"{path} is damaged: {error}") from None
    if metadata.schema != "mbo":
        raise FeedError(f"{path} has schema {metadata.schema}; only mbo can be played")
    return metadata, data[end:]


def _read_at_least(length: int, data: bytes, blocks: Iterator[bytes]) -> bytes:
    """Return *data* and as many blocks behind it as make it *length* long, if there are."""
    while len(data) < length and (block := next(blocks, b"")):
        data += block
    return data
