"""The test vectors of the checksum: `docs/checksum-vectors.json` is written by

    PYTHONPATH=tests python -m support.checksum_vectors

Rows are written by the server's own encoder, texts by the follower of the tests.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from market_depth.protocol.checksum import level_checksum, order_checksum
from market_depth.protocol.json_writer import JsonWriter
from market_depth.protocol.messages import DataType
from market_depth.views import View
from support.documents import ROOT
from support.follower import Follower
from support.views import level_rows, order_rows

PATH = ROOT / "docs" / "checksum-vectors.json"

_ABOUT = (
    "Test vectors of the checksum of MarketData and MarketDelta, as protocol.md defines it: the "
    "CRC-32 of `text`, which is made of the numbers in `data` as counts of their last decimal."
)
_TIME_NS = 1_757_996_306_806_069_000

LevelKey = tuple[int, int]
OrderKey = tuple[int, int, int]


class Vector(NamedTuple):
    """A view in counts of the last decimal: (price, quantity) a level, or (id, price, quantity)
    an order."""

    name: str
    data_type: DataType
    price_decimals: int
    quantity_decimals: int
    bids: Sequence[Any]
    asks: Sequence[Any]

    def view(self) -> View:
        """Return the rows that a server would have."""
        rows = _orders if self.data_type is DataType.MBO else _levels
        return View(rows(self.bids), rows(self.asks))

    def checksum(self) -> int:
        """Return the checksum by the project's own function."""
        of = order_checksum if self.data_type is DataType.MBO else level_checksum
        return of(self.bids, self.asks)

    def text(self) -> str:
        """Return what the checksum is made of."""
        sides = (
            [(str(row[0]), *row[1:]) for row in side] if self.data_type is DataType.MBO else side
            for side in (self.bids, self.asks)
        )
        bids, asks = map(list, sides)
        return Follower(0, 0, self.data_type.value, bids=bids, asks=asks).checksum_text()


def _levels(side: Iterable[LevelKey]) -> Any:
    rows = list(side)
    totals = accumulate(quantity for _, quantity in rows)
    return level_rows(
        *(
            (price, quantity, total, 1 + place % 3, 100 * place)
            for place, ((price, quantity), total) in enumerate(zip(rows, totals, strict=True))
        )
    )


def _orders(side: Iterable[OrderKey]) -> Any:
    return order_rows(
        *(
            (order_id, price, quantity, _TIME_NS - 1_000_000 * place, place)
            for place, (order_id, price, quantity) in enumerate(side)
        )
    )


def _ladder(best: int, step: int, levels: int) -> list[LevelKey]:
    """Return levels that go away from the best price, each with another quantity."""
    return [(best + place * step, 100 + 7 * place) for place in range(levels)]


def _queues(best: int, step: int, levels: int, first_id: int) -> list[OrderKey]:
    """Return levels of one, two or three orders, whose ids do not go up within a queue."""
    return [
        (first_id + 10 * place + (5 * number) % 7, best + place * step, 10 + place + number)
        for place in range(levels)
        for number in range(1 + place % 3)
    ]


MBP, MBO, BBO = DataType.MBP, DataType.MBO, DataType.BBO

VECTORS = [
    Vector("an empty book", MBP, 2, 0, [], []),
    Vector("an empty book by order", MBO, 2, 0, [], []),
    Vector("bids alone", MBP, 2, 0, [(10_245, 5000), (10_244, 100)], []),
    Vector("asks alone", MBP, 2, 0, [], [(10_246, 3000)]),
    Vector("orders of one side", MBO, 2, 0, [], [(42, 10_246, 3000), (17, 10_246, 1)]),
    Vector("one level a side", MBP, 2, 0, [(10_245, 5000)], [(10_251, 700)]),
    Vector("fewer than ten levels", MBP, 2, 0, _ladder(10_245, -1, 3), _ladder(10_250, 5, 4)),
    Vector("exactly ten levels", MBP, 2, 0, _ladder(10_245, -1, 10), _ladder(10_246, 1, 10)),
    Vector("more than ten levels", MBP, 2, 0, _ladder(10_245, -1, 11), _ladder(10_246, 1, 13)),
    Vector("decimals of which the last are zeros", MBP, 2, 2, [(10_200, 50)], [(10_250, 100)]),
    Vector("no decimals", MBP, 0, 0, _ladder(43_000, -1, 2), _ladder(43_001, 1, 2)),
    Vector("eight decimals", MBP, 8, 8, [(1234, 1)], [(1235, 2_100_000_000_000_000)]),
    Vector("prices below zero", MBP, 2, 0, [(-3763, 12), (-3764, 5)], [(-3700, 3), (-5, 8)]),
    Vector("prices on both sides of zero", MBP, 2, 0, [(-5, 1), (-10, 2)], [(0, 3), (5, 4)]),
    Vector("best bid and offer", BBO, 2, 0, [(10_245, 5000)], [(10_246, 3000)]),
    Vector("best bid alone", BBO, 2, 3, [(10_245, 1500)], []),
    Vector(
        "levels merged into steps of 0.50",
        MBP,
        2,
        0,
        [(10_200, 9000), (10_150, 400), (10_000, 10)],
        [(10_250, 8000), (10_300, 70)],
    ),
    Vector(
        "several orders a level, ids in no order",
        MBO,
        2,
        0,
        [(9, 10_245, 1), (3, 10_245, 2), (7, 10_245, 3), (1, 10_244, 4)],
        [(8, 10_246, 5), (2, 10_246, 6)],
    ),
    Vector(
        "orders of more than ten levels",
        MBO,
        2,
        0,
        _queues(10_245, -1, 12, 1_000_000),
        _queues(10_246, 2, 11, 2_000_000),
    ),
    Vector(
        "ids of 64 bits, which no double holds",
        MBO,
        2,
        0,
        [(2**64 - 1, 10_245, 5), (2**63, 10_245, 6)],
        [(2**53 + 1, 10_246, 7), (0, 10_247, 8)],
    ),
    Vector(
        "orders with eight decimals at prices below zero",
        MBO,
        8,
        8,
        [(5, -150_000_000, 12_345_678), (6, -150_000_001, 100_000_000)],
        [(4, -149_999_999, 1)],
    ),
    Vector(
        "quantities beyond 2^53, of which doubles lose the last digits",
        MBP,
        2,
        8,
        [(10_245, 2**53 + 1)],
        [(10_246, 2**63 - 1)],
    ),
]


def document() -> str:
    """Return the file's text: JSON, an object of several lines for each vector."""
    return (
        f'{{\n"description": {json.dumps(_ABOUT)},\n"vectors": [\n'
        + ",\n".join(map(_written, VECTORS))
        + "\n]\n}\n"
    )


def _written(vector: Vector) -> str:
    decimals = vector.price_decimals, vector.quantity_decimals
    data = JsonWriter().write(vector.data_type, vector.view(), *decimals).decode()
    return (
        f'{{"name": {json.dumps(vector.name)},\n'
        f' "data_type": "{vector.data_type.value}",'
        f' "price_decimals": {decimals[0]}, "quantity_decimals": {decimals[1]},\n'
        f' "data": {data},\n'
        f' "text": "{vector.text()}",\n'
        f' "checksum": {vector.checksum()}}}'
    )


def main(path: Path = PATH) -> None:
    """Write the file."""
    path.write_text(document())


if __name__ == "__main__":
    main()
