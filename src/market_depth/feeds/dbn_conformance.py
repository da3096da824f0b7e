"""Every record of a Databento file decoded, whatever its schema, encoding and version.

Also files that can't be played: definitions, statistics, bars; fragments, which are records without
metadata; and DBZ, the older encoding. Lengths are checked here; the fields are decoded by
Databento's own library.

Source: https://databento.com/docs/standards-and-conventions/databento-binary-encoding
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from market_depth.errors import FeedError
from market_depth.feeds.dbn.file import is_dbn, read_recording
from market_depth.feeds.dbn.layouts import HEADER_BYTES, WORD_BYTES
from market_depth.feeds.files import head_of, read_blocks

__all__ = ["decode_all"]

_SEND_TIME_BYTES: Final = 8
_VERSIONS: Final = (1, 2, 3)


class _Kind(NamedTuple):
    name: str
    lengths: tuple[int, int, int]
    """Bytes in versions 1, 2 and 3."""


def _always(name: str, length: int) -> _Kind:
    return _Kind(name, (length, length, length))


_KINDS: Final = {
    0x00: _always("trades", 48),
    0x01: _always("mbp-1", 80),
    0x0A: _always("mbp-10", 368),
    0x11: _always("ohlcv", 56),
    0x12: _always("status", 40),
    0x13: _Kind("definition", (360, 400, 520)),
    0x14: _always("imbalance", 112),
    0x15: _Kind("error", (80, 320, 320)),
    0x16: _Kind("symbol-mapping", (80, 176, 176)),
    0x17: _Kind("system", (80, 320, 320)),
    0x18: _Kind("statistics", (64, 64, 80)),
    0x20: _always("ohlcv-1s", 56),
    0x21: _always("ohlcv-1m", 56),
    0x22: _always("ohlcv-1h", 56),
    0x23: _always("ohlcv-1d", 56),
    0x24: _always("ohlcv-eod", 56),
    0xA0: _always("mbo", 56),
    0xB1: _always("cmbp-1", 80),
    0xC0: _always("cbbo-1s", 80),
    0xC1: _always("cbbo-1m", 80),
    0xC2: _always("tcbbo", 80),
    0xC3: _always("bbo-1s", 80),
    0xC4: _always("bbo-1m", 80),
}
"""By rtype."""


def decode_all(path: Path) -> Mapping[str, int]:
    """Decode a file; return how many records of each kind there are.

    Raises:
        FeedError: if it can't be read, is no such file, or a record is damaged.
    """
    try:
        import databento_dbn
    except ImportError:
        raise FeedError(
            f"{path} needs the extra 'databento': pip install 'market-depth[databento]'"
        ) from None
    version: int | None
    if is_dbn(head_of(path)):
        metadata, offset, blocks = read_recording(path)
        version, has_send_times = metadata.version, metadata.has_send_times
    else:
        version, has_send_times, offset, blocks = None, False, 0, read_blocks(path)
    walk = _Walk(path, version, _SEND_TIME_BYTES if has_send_times else 0, offset)
    decoder: Any = None
    decoded = 0
    for records in walk.whole_records(blocks):
        if decoder is None:
            decoder = databento_dbn.DBNDecoder(
                has_metadata=False, ts_out=has_send_times, input_version=walk.version
            )
        try:
            decoder.write(records)
            decoded += len(decoder.decode())
        except (databento_dbn.DBNError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise FeedError(f"{path} is damaged before byte {walk.offset}: {reason}") from None
    if decoded != walk.counts.total():
        raise FeedError(
            f"{path}: of {walk.counts.total()} records databento_dbn decodes only {decoded}"
        )
    return walk.counts


class _Walk:
    """Goes from record to record, and checks what each says of itself."""

    def __init__(self, path: Path, version: int | None, extra_bytes: int, offset: int) -> None:
        self.counts: Counter[str] = Counter()
        self.offset = offset
        self._path = path
        self._versions: tuple[int, ...] = _VERSIONS if version is None else (version,)
        self._extra_bytes = extra_bytes

    @property
    def version(self) -> int:
        """The newest version of which all records so far can be."""
        return self._versions[-1]

    def whole_records(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Yield blocks cut between records."""
        rest = b""
        for block in blocks:
            data = rest + block
            at = 0
            while at < len(data):
                length = data[at] * WORD_BYTES
                if length < HEADER_BYTES:
                    raise FeedError(
                        f"{self._path} is damaged: a record of {data[at]} words at byte "
                        f"{self.offset + at}"
                    )
                if at + length > len(data):
                    break
                self._count(data[at + 1], length, self.offset + at)
                at += length
            if at:
                yield data[:at]
            self.offset += at
            rest = data[at:]
        if rest:
            raise FeedError(
                f"{self._path} is cut off within its last record ({len(rest)} bytes), at byte "
                f"{self.offset}"
            )

    def _count(self, rtype: int, length: int, offset: int) -> None:
        kind = _KINDS.get(rtype)
        if kind is None:
            raise FeedError(f"{self._path}: a record of unknown kind {rtype} at byte {offset}")
        versions = tuple(
            version
            for version in self._versions
            if kind.lengths[version - 1] + self._extra_bytes == length
        )
        if not versions:
            raise FeedError(
                f"{self._path}: a record of kind {kind.name} with {length} bytes at byte {offset}"
            )
        self._versions = versions
        self.counts[kind.name] += 1
