"""Small made-up files of every format that can be played, to be damaged."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import zipfile
from collections.abc import Callable, Iterator
from struct import pack
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from market_depth.feeds.event_table import EventTables, Part
from market_depth.feeds.venues import Venue
from market_depth.feeds.venues.registry import VENUES
from support import iex_files, itch_files
from support.dbn_files import (
    TIME_NS,
    LevelRecord,
    busy,
    dbn,
    levels_dbn,
    metadata,
    zstd_frames,
)
from support.flow import ASK, BID, add, at, batch, cancel, modify, of, set_level
from support.pcap_files import pcap, pcapng
from support.sources import instrument
from support.venue_messages import MESSAGES, MS_LINES, SNAPSHOT_URLS, SNAPSHOTS

__all__ = ["PACKINGS", "SEEDS", "Seed", "seed_called"]


class Seed(NamedTuple):
    """A file to be damaged."""

    format: str
    """Its format's name."""
    label: str
    """What tells it from others of the format."""
    name: str
    """What the format wants the file to be called."""
    data: bytes
    beside: tuple[tuple[str, bytes], ...] = ()
    """Name and content of files that have to lie beside it."""

    def __str__(self) -> str:
        return f"{self.format}-{self.label}" if self.label else self.format


LOBSTER_NAME: Final = "ACME_2012-06-21_34200000_57600000_{}_2.csv"
LOBSTER_MESSAGES: Final = b"""\
34200.004241176,1,11,18,1000000,1
34200.1,4,12,5,1000200,-1
34201.000000001,2,11,8,1000000,1
34203.5,7,0,0,-1,-1
"""
LOBSTER_BOOK: Final = b"""\
1000200,15,1000000,18,1000300,20,999900,9
1000200,10,1000000,18,1000300,20,999900,9
1000200,10,1000000,10,1000300,20,999900,9
1000200,10,1000000,10,1000300,20,-9999999999,0
"""
TARDIS_BOOK: Final = b"""\
exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount
x,BTC,1000,1100,true,bid,100.5,2
x,BTC,1000,1100,true,ask,101,0.25
x,ETH,2000,2100,true,bid,100.5,7
x,BTC,2000,2100,false,bid,100.25,1e-7
x,BTC,2500,2600,false,ask,101,0
"""
TARDIS_SNAPSHOTS: Final = b"""\
exchange,symbol,timestamp,local_timestamp,asks[0].price,asks[0].amount,bids[0].price,bids[0].amount
x,BTC,1000,1100,101,1,100,2
x,BTC,2000,2100,101,1,99.5,2
x,BTC,3000,3100,101,1,,
"""
TARDIS_TRADES: Final = b"""\
exchange,symbol,timestamp,local_timestamp,id,side,price,amount
x,BTC,2040,2100,a1,buy,101,0.5
x,BTC,2041,2101,a2,sell,100.5,1
"""
CRAN: Final = b"""\
type,time,id,price,size,type,status
A,3000,11,25.88,350,BID,FALSE
A,2000,12,25.9,100,ASK,TRUE
R,4000,11,50
T,4000,3550,25.88,300,FALSE
C,4001,12
"""
DBN_CSV_MBO: Final = b"""\
ts_recv,ts_event,instrument_id,action,side,price,size,order_id,flags,sequence,symbol
1703548799000000001,1703548799000000000,7,R,N,,0,0,8,1,ESH4
1703548799000000002,1703548799000000000,7,A,B,4810.25,3,11,130,2,ESH4
1703548799000000003,1703548799000000000,7,A,A,4810.5,5,12,128,3,ESH4
1703548799000000004,1703548799000000004,8,A,B,12.5,5,18446744073709551615,128,3,NQH4
1703548799000000005,1703548799000000005,7,C,B,4810.25,3,11,128,4,ESH4
"""
DBN_CSV_MBP: Final = b"""\
ts_event,action,side,price,size,bid_px_00,ask_px_00,bid_sz_00,ask_sz_00,bid_ct_00,ask_ct_00
2023-12-25T21:05:48.1Z,A,B,4810250000000,3,4810250000000,4810500000000,3,4,1,2
2023-12-25 21:05:48.2+00:00,T,A,4810250000000,1,4810250000000,4810500000000,2,4,1,2
2023-12-25T21:05:49Z,C,A,4810500000000,4,4810250000000,,2,0,1,0
"""
COINBASE_ORDERS: Final = b"""\
{"product":"BTC-USD","level":3,"captured_at":"2026-08-07T20:04:10Z","sequence":133905824031,\
"bids":[["64934.31","0.0536205","60de12d8-f80b-4848-adbc-2b17375a9216"],\
["64934.31","1","dde97b89-4982-45fe-ac8e-0c3c7b694fde"]],\
"asks":[["64935","0.00000001","0eff0ee4-3383-4a6f-9718-a31864a945df"]]}"""
COINBASE_LEVELS: Final = b"""\
{"bids":[["64934.31","1.05",2]],"asks":[["64935","0.00000001",1]],"sequence":5,\
"time":"2026-08-07T20:04:10.5Z"}"""

_DBN_LEVELS: Final = [
    LevelRecord([(100_000_000_000, 5, 2)], [(100_250_000_000, 7, 3)], ts_recv=TIME_NS),
    LevelRecord(action="T", ts_recv=TIME_NS + 1),
    LevelRecord([(99_750_000_000, 4, 1)], [(100_250_000_000, 7, 3)], ts_recv=TIME_NS + 2),
]
_DEEP: Final = (
    [iex_files.START, iex_files.directory("ACME"), iex_files.status("ACME", "T")],
    [
        iex_files.level("ACME", "B", 10_0000, 100, is_last=False),
        iex_files.level("ACME", "A", 10_0100, 200),
    ],
    [iex_files.trade("ACME", 10_0100, 50), iex_files.level("ACME", "A", 10_0100, 150)],
    [iex_files.operational("ACME", "O"), iex_files.level("ACME", "B", 10_0000, 0)],
)
_ITCH: Final = [
    *itch_files.opening(itch_files.ACME, itch_files.BOLT),
    itch_files.add(itch_files.ACME, 11),
    itch_files.add(itch_files.BOLT, 12, "S", 50, 20_0000, participant="GSCO"),
    itch_files.execute(itch_files.ACME, 11, 30),
    itch_files.execute(itch_files.BOLT, 12, 10, price=20_0100),
    itch_files.cancel(itch_files.ACME, 11, 20),
    itch_files.replace(itch_files.ACME, 11, 13, 40, 10_0500),
    itch_files.trade(itch_files.ACME, 5, 10_0000),
    itch_files.cross(itch_files.ACME, 5, 10_0000),
    itch_files.broken(itch_files.ACME, 6),
    itch_files.trading(itch_files.BOLT, "H"),
    itch_files.delete(itch_files.ACME, 13),
]
_RECORDED: Final = (
    batch(
        at(TIME_NS, of(7, add(11, BID, 10_000, 3))),
        at(TIME_NS + 1, of(7, add(12, ASK, 10_001, 4))),
        at(TIME_NS + 1, of(3, set_level(BID, 7, 1, 2))),
    ),
    batch(at(TIME_NS + 2, of(7, modify(11, BID, 10_000, 2))), at(TIME_NS + 3, of(7, cancel(12)))),
)
_TABLES: Final = EventTables(
    pa, [instrument(7, "BTCUSD", quantity_decimals=8), instrument(3, "ÅÄÖ-X")], Part()
)


def _journal(**options: Any) -> bytes:
    sink = pa.BufferOutputStream()
    writing = pa.ipc.IpcWriteOptions(**options)
    with pa.ipc.new_stream(sink, _TABLES.schema, options=writing) as stream:
        for events in _RECORDED:
            stream.write_batch(_TABLES.batch(events))
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _parquet(**options: Any) -> bytes:
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, _TABLES.schema, **options) as writer:
        for events in _RECORDED:
            writer.write_batch(_TABLES.batch(events))
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _dbz() -> bytes:
    """Return the encoding before DBN: metadata in a skippable frame, and records."""
    symbol = b"ESH4".ljust(22, b"\0")
    target = b"7".ljust(22, b"\0")
    mappings = zstd_frames(
        b"\0" * 4
        + pack("<I", 1)
        + symbol
        + b"\0" * 8
        + pack("<I", 1)
        + symbol
        + pack("<III", 1, 20_231_225, 20_231_226)
        + target
    )
    fixed = pack("<4s16sHQQQQBBB39x", b"DBZ\x01", b"GLBX.MDP3", 0, TIME_NS, 0, 0, 3, 0, 0, 1)
    frame = fixed + mappings
    records = dbn(*busy(3), head=b"")
    return pack("<II", 0x184D2A51, len(frame)) + frame + zstd_frames(records)


def _text(message: object) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode()


def _captures(venue: Venue) -> dict[str, bytes]:
    """Return a venue's messages in each form of a capture."""
    texts = [_text(message) for message in MESSAGES[venue]]
    address = b"wss://" + venue.hosts[0].encode() + b"/ws"
    url = SNAPSHOT_URLS.get(venue, "").encode()
    body = _text(SNAPSHOTS.get(venue))
    opened = {"t": "connect", "conn": "A.ws.1", "ts": 1.5, "addr": address.decode()}
    objects: list[dict[str, object]] = [opened]
    lines = [address + b" <-> 1.5"]
    for place, text in enumerate(texts, 2):
        lines.append(b"%d.25: " % place + text)
        objects.append({"t": "recv", "conn": "A.ws.1", "ts": place, "data": text.decode()})
    if url:
        lines.insert(2, url + b" -> 2.5: " + body)
        objects.insert(2, {"t": "http", "ts": 2.5, "url": url.decode(), "data": body.decode()})
    forms = {
        "text": lines,
        "objects": [_text(one) for one in objects],
        "ns": [b"%d " % (TIME_NS + place) + text for place, text in enumerate(texts)],
        "ms": [b"%d " % (TIME_NS // 10**6) + text for text in MS_LINES.get(venue, ())],
        "bare": texts,
    }
    captures = {form: b"\n".join([*parts, b""]) for form, parts in forms.items() if parts}
    return captures | {"array": b"[" + b",\n".join(texts) + b"]"}


def _made() -> Iterator[Seed]:
    yield Seed("parquet", "", "a.parquet", _parquet())
    yield Seed("parquet", "zstd", "a.parquet", _parquet(compression="zstd"))
    yield Seed("arrows", "", "a.parquet.arrows", _journal())
    yield Seed("arrows", "zstd", "a.parquet.arrows", _journal(compression="zstd"))
    yield Seed("dbn", "mbo", "a.dbn", dbn(*busy(4)))
    yield Seed("dbn", "v1", "a.dbn", dbn(*busy(3), head=metadata(version=1), joins=True))
    yield Seed("dbn", "mbp", "a.dbn", levels_dbn(*_DBN_LEVELS))
    yield Seed(
        "dbn", "trades", "a.dbn", levels_dbn(LevelRecord(levels=0, action="T"), schema="trades")
    )
    yield Seed("dbn", "dbz", "a.dbz", _dbz())
    for kind, other, data, beside in (
        ("message", "orderbook", LOBSTER_MESSAGES, LOBSTER_BOOK),
        ("orderbook", "message", LOBSTER_BOOK, LOBSTER_MESSAGES),
    ):
        pair = (LOBSTER_NAME.format(other), beside)
        yield Seed("lobster", kind, LOBSTER_NAME.format(kind), data, (pair,))
    yield Seed("tardis", "book", "a.csv", TARDIS_BOOK)
    yield Seed("tardis", "snapshots", "a.csv", TARDIS_SNAPSHOTS)
    yield Seed("tardis", "trades", "a.csv", TARDIS_TRADES)
    yield Seed("cran-orderbook", "", "ACME.txt", CRAN)
    yield Seed("dbn-csv", "mbo", "a.csv", DBN_CSV_MBO)
    yield Seed("dbn-csv", "mbp", "a.csv", DBN_CSV_MBP)
    yield Seed("coinbase-rest", "orders", "BTC-USD.json", COINBASE_ORDERS)
    yield Seed("coinbase-rest", "levels", "BTC-USD.json", COINBASE_LEVELS)
    deep = iex_files.Stream().packets(*_DEEP)
    yield Seed("iex-deep", "pcap", "a.pcap", pcap(*deep, in_ns=True))
    yield Seed("iex-deep", "pcapng", "a.pcapng", pcapng(*deep))
    yield Seed("itch", "", itch_files.NAME, itch_files.framed(_ITCH))
    yield Seed("itch-pcap", "pcap", "a.pcap", pcap(*itch_files.packets(_ITCH), order=">"))
    yield Seed("itch-pcap", "pcapng", "a.pcapng", pcapng(*itch_files.packets(_ITCH)))
    for venue in VENUES:
        for form, data in _captures(venue).items():
            yield Seed(venue.name, form, "capture", data)


SEEDS: Final = tuple(_made())


def seed_called(label: str) -> Seed:
    """Return the file that `str` gives this label."""
    (seed,) = (one for one in SEEDS if str(one) == label)
    return seed


def _zipped(data: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("content", data)
    return archive.getvalue()


PACKINGS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "zstd": zstd_frames,
    "xz": lzma.compress,
    "zip": _zipped,
}
"""How a file can be packed."""
