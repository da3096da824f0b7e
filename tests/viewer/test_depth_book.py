"""The books of the browser's client, and what they are made of."""

from __future__ import annotations

import json
import random
import zlib
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from support.checksum_vectors import PATH
from support.depth_client import LIBRARY
from support.documents import ROOT, code_blocks
from support.follower import Follower
from support.node import told_by

UNITS = ROOT / "tests" / "viewer" / "depth-units.mjs"
MBP = {"data_type": "MBP", "price_decimals": 2, "quantity_decimals": 0}
MBO = {**MBP, "data_type": "MBO"}


def done(task: str, given: Any) -> Any:
    """Have Node.js do a task."""
    return told_by(UNITS, LIBRARY.as_uri(), given={"task": task, "given": given})


def test_the_checksums_of_the_vectors_are_found() -> None:
    vectors = json.loads(PATH.read_text())["vectors"]
    expected = [[True, vector["checksum"]] for vector in vectors]
    (beyond,) = [at for at, one in enumerate(vectors) if "of which doubles lose" in one["name"]]
    expected[beyond][1] = None  # NaN: it can't be told
    assert done("vectors", vectors) == expected


@pytest.mark.parametrize(("stream_id", "kind"), [("p", MBP), ("o", MBO)])
def test_the_worked_examples_of_the_contract_lead_where_it_says(
    stream_id: str, kind: dict[str, Any]
) -> None:
    blocks = code_blocks("docs/protocol.md", "json")
    messages = [
        message
        for message in map(json.loads, blocks)
        if message["type"] in ("MarketData", "MarketDelta") and message["stream_id"] == stream_id
    ]
    found = done("messages", {**kind, "messages": messages})
    follower = Follower(2, 0, kind["data_type"])
    for block in blocks:
        message = json.loads(block, parse_float=Decimal)
        if message.get("stream_id") == stream_id and message["type"].startswith("Market"):
            follower.take(message)
    assert [one["fits"] for one in found] == [True, True]
    assert [one["checksum"] for one in found] == [one["checksum"] for one in messages]
    shown = follower.bids, follower.asks
    if kind is MBP:
        expected = [[[price / 100, size, count] for price, size, count in side] for side in shown]
        assert found[-1]["rows"] == expected
        assert found[-1]["figures"] == [10244, 10246, 2, 10245]
    else:
        expected = [[[name, price / 100, size] for name, price, size in side] for side in shown]
        assert [[row[:3] for row in side] for side in found[-1]["rows"]] == expected
        assert found[-1]["sums"] == [[[300, 1000], [1, 2]], [[3700], [2]]]
        assert found[0]["marketTimeMs"] == ms("2025-09-16T04:18:26.506069Z")


def test_an_empty_side_has_no_prices() -> None:
    data = {"bids": [], "asks": [level(2.0, 3)]}
    (found,) = done("messages", {**MBP, "messages": [whole(data)]})
    assert found["figures"] == [None, 200, None, None]  # JSON's way to say NaN
    assert found["sums"] == [[[], []], [[3], [-1]]]


@pytest.mark.parametrize(
    "change",
    [
        {"bids": [{"price": 0.5, "quantity": 0}], "asks": []},
        {"bids": [{"price": 2.0, "quantity": 0}], "asks": []},
    ],
    ids=str,
)
def test_a_level_that_is_not_there_can_not_go(change: dict[str, Any]) -> None:
    data = {"bids": [level(1.0, 5)], "asks": [level(2.0, 3)]}
    first, second = done("messages", {**MBP, "messages": [whole(data), delta(change)]})
    assert (first["fits"], second["fits"]) == (True, False)


@pytest.mark.parametrize(
    "row",
    [
        {"action": "Cancel", "order_id": "9", "price": 1.0},
        {"action": "Update", "order_id": "9", "price": 1.0, "quantity": 3},
        {"action": "Add", "order_id": "1", "price": 0.5, "quantity": 3, "timestamp": ""},
    ],
    ids=lambda row: row["action"],
)
def test_an_order_that_is_not_as_told_does_not_fit(row: dict[str, Any]) -> None:
    data = {"bids": [order("1", 1.0, 5)], "asks": []}
    change = {"bids": [row], "asks": []}
    first, second = done("messages", {**MBO, "messages": [whole(data), delta(change)]})
    assert (first["fits"], second["fits"]) == (True, False)


@pytest.mark.parametrize("prices", [[1.0, 2.0], [1.0, 1.0]])
def test_a_view_that_is_not_best_first_is_none(prices: list[float]) -> None:
    for kind, rows in (
        (MBP, [level(price, 5) for price in prices]),
        (MBO, [order("7", price, 5) for price in prices]),
    ):
        data = {"bids": rows, "asks": []}
        (found,) = done("messages", {**kind, "messages": [whole(data)]})
        assert not found["fits"]


@pytest.mark.parametrize("kind", [MBP, MBO], ids=lambda kind: kind["data_type"])
def test_a_copy_stays_as_it_is_and_is_a_book_of_its_own(kind: dict[str, Any]) -> None:
    if kind is MBP:
        first = {"bids": [level(1.0, 5), level(0.5, 4)], "asks": [level(2.0, 3)]}
        second = {"bids": [{"price": 1.0, "quantity": 0}], "asks": [level(2.5, 9)]}
        third = {"bids": [level(0.75, 1)], "asks": [{"price": 2.0, "quantity": 0}]}
    else:
        first = {"bids": [order("1", 1.0, 5), order("2", 1.0, 4)], "asks": [order("3", 2.0, 3)]}
        cut = {"action": "Update", "order_id": "2", "price": 1.0, "quantity": 1}
        gone = {"action": "Cancel", "order_id": "1", "price": 1.0}
        second = {"bids": [gone, cut], "asks": []}
        third = {"bids": [gone], "asks": []}
    states = done("copies", {**kind, "first": first, "second": second, "third": third})
    whole_book, copied, changed, kept, still_changed, changed_copy = states
    assert copied == whole_book
    assert changed != whole_book
    assert kept == whole_book
    assert still_changed == changed
    assert changed_copy not in (changed, whole_book)


def test_a_side_grows_as_far_as_it_must() -> None:
    chance = random.Random(3)
    prices = list(range(1, 701))
    chance.shuffle(prices)
    adds = [
        delta({"bids": [level(price / 100, price)], "asks": [level(price / 100, price)]})
        for price in prices
    ]
    chance.shuffle(prices)
    cuts = [
        delta({"bids": [{"price": price / 100, "quantity": 0}], "asks": []}) for price in prices
    ]
    messages = [whole({"bids": [], "asks": []}), *adds, *cuts[:-1]]
    found = done("messages", {**MBP, "messages": messages})
    assert all(one["fits"] for one in found)
    bids, asks = found[len(adds)]["rows"]
    assert asks == [[price / 100, price, None] for price in range(1, 701)]
    assert bids == asks[::-1]
    assert found[-1]["rows"][0] == [[prices[-1] / 100, prices[-1], None]]


def test_times_are_read_to_the_microsecond() -> None:
    texts = [
        "2025-09-16T04:18:26.806069Z",
        "2025-09-16T23:59:59.999999999Z",
        "2024-02-29T00:00:00Z",
        "1970-01-01T00:00:00.5Z",
        "2025-12-31T12:30:00.123456789Z",
        "2025-09-16T04:18:26.806069Z",
    ]
    for text, found in zip(texts, done("times", texts), strict=True):
        assert abs(found - ms(text)) < 0.0006, text
    assert done("times", ["", "not a time", None]) == [None, None, None]


def test_numbers_and_texts_have_the_checksums_of_zlib() -> None:
    numbers = [0, 7, 10, 123456789, 10**9, 10**9 - 1, 2**31, 10**15 + 1, 2**52, -5, -(10**12)]
    assert done("crcs", numbers) == [zlib.crc32(str(one).encode()) for one in numbers]
    assert done("crcs", [2**52 + 1, 2**63]) == [None, None]
    texts = ["", "|", "1000760:10245:300"]
    assert done("crcs", texts) == [zlib.crc32(one.encode()) for one in texts]


@pytest.mark.parametrize("decimals", [0, 1, 2, 4, 8])
def test_numbers_become_their_exact_counts(decimals: int) -> None:
    chance = random.Random(decimals)
    counts = [chance.randrange(2 ** chance.randrange(1, 53)) for _ in range(5000)]
    counts += [0, 1, 2**52 - 1, -12345, *range(10_000, 10_300)]
    texts = [str(Decimal(count).scaleb(-decimals)) for count in counts]
    found = done("units", {"decimals": decimals, "texts": texts})
    assert found == [[count, True, count] for count in counts]


def test_decimals_can_be_told_from_numbers() -> None:
    assert done("decimals", [5, 0.5, 102.45, 0.001, 1e-8, 67252.5]) == [0, 1, 2, 3, 8, 1]


def ms(text: str) -> float:
    seconds, _, fraction = text.removesuffix("Z").partition(".")
    start = datetime.fromisoformat(f"{seconds}+00:00").timestamp() * 1000
    return start + float(f"0.{fraction or 0}") * 1000


def level(price: float, quantity: int) -> dict[str, Any]:
    return {"price": price, "quantity": quantity, "order_count": None}


def order(name: str, price: float, quantity: int) -> dict[str, Any]:
    timestamp = "2025-09-16T04:18:26.806069Z"
    row = {"order_id": name, "price": price, "quantity": quantity}
    return {**row, "timestamp": timestamp, "age_ms": 1}


def whole(data: dict[str, Any]) -> dict[str, Any]:
    return {"type": "MarketData", "data": data, "event_timestamp": None}


def delta(data: dict[str, Any]) -> dict[str, Any]:
    return {"type": "MarketDelta", "data": data, "event_timestamp": None}
