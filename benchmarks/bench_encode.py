"""Encoding: microseconds from a book to the JSON of a view, beside structs and msgspec."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import msgspec

from benchmarks.flow import recorded_flow
from benchmarks.harness import Report, Row, median_seconds
from market_depth.book import OrderBook
from market_depth.protocol.json_writer import JsonWriter
from market_depth.protocol.messages import DataType, MboData, MboLevel, MbpData, MbpLevel
from market_depth.protocol.times import format_timestamp
from market_depth.views import Rows, View

__all__ = ["run"]

Look = Callable[[int, int], View]
Encode = Callable[[Rows, Rows], bytes]

_LOOPS = 200
_PRICE_UNIT = 100
_QUANTITY_UNIT = 10_000


def run(*, quick: bool) -> Report:
    """Compute and encode the same views both ways."""
    report = Report("encoding a view")
    events = recorded_flow(50_000)
    book = OrderBook()
    book.apply(events)
    now_ns = int(events["ts_recv"][-1])
    writer = JsonWriter()
    repeats = 3 if quick else 15
    for levels in (20, 200):
        for data_type, look, encode in (
            (DataType.MBP, book.mbp, _encode_mbp),
            (DataType.MBO, book.mbo, _encode_mbo),
        ):
            name = data_type.value
            view = look(levels, now_ns)
            rows = len(view.bids) + len(view.asks)
            ours_us = _us(partial(_written, writer, data_type, look, levels, now_ns), repeats)
            base_us = _us(partial(_packed, encode, look, levels, now_ns), repeats)
            report.add(Row(f"{name}-{levels} with msgspec structs", base_us, "µs/view"))
            row = Row(f"{name}-{levels} market-depth", ours_us, "µs/view", "msgspec structs")
            row.ratio = ours_us / base_us
            row.goal = "≤ 30 µs" if levels == 20 else ""
            row.note = f"{rows} rows"
            report.add(row)
    return report


def _written(
    writer: JsonWriter, data_type: DataType, look: Look, levels: int, now_ns: int
) -> bytes:
    return writer.write(data_type, look(levels, now_ns), 2, 4)


def _packed(encode: Encode, look: Look, levels: int, now_ns: int) -> bytes:
    return encode(*look(levels, now_ns))


def _us(run_once: Callable[[], object], repeats: int) -> float:
    def loop() -> None:
        for _ in range(_LOOPS):
            run_once()

    return median_seconds(loop, repeats) / _LOOPS * 1e6


def _encode_mbp(bids: Rows, asks: Rows) -> bytes:
    return msgspec.json.encode(MbpData(_levels(bids, "Bid"), _levels(asks, "Ask")))


def _levels(rows: Rows, side: str) -> list[MbpLevel]:
    return [
        MbpLevel(
            price / _PRICE_UNIT, size / _QUANTITY_UNIT, count, side, total / _QUANTITY_UNIT, age
        )
        for price, size, total, count, age in rows.tolist()
    ]


def _encode_mbo(bids: Rows, asks: Rows) -> bytes:
    return msgspec.json.encode(MboData(_orders(bids, "Bid"), _orders(asks, "Ask")))


def _orders(rows: Rows, side: str) -> list[MboLevel]:
    return [
        MboLevel(
            str(order_id),
            price / _PRICE_UNIT,
            size / _QUANTITY_UNIT,
            side,
            format_timestamp(ts_event),
            age,
        )
        for order_id, price, size, ts_event, age in rows.tolist()
    ]
