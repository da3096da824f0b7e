from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from market_depth.book import OrderBook
from market_depth.errors import FeedError
from market_depth.events import Action, Flag, Side
from market_depth.feeds.base import OpenOptions
from market_depth.feeds.coinbase_rest import FORMATS, CoinbaseRestSource
from market_depth.feeds.files import head_of
from market_depth.feeds.venues.decoding import guid_order_id
from market_depth.instruments import Instrument
from market_depth.verify import Report
from market_depth.verify.snapshots import compare_snapshots
from support.errors import one_line_error
from support.recordings import recording

TIME_NS = 1_786_133_050_000_000_000
FIRST, SECOND = "60de12d8-f80b-4848-adbc-2b17375a9216", "dde97b89-4982-45fe-ac8e-0c3c7b694fde"
THIRD = "0eff0ee4-3383-4a6f-9718-a31864a945df"

BY_ORDER: dict[str, object] = {
    "product": "BTC-USD",
    "level": 3,
    "captured_at": "2026-08-07T20:04:10Z",
    "sequence": 133_905_824_031,
    "bids": [["64934.31", "0.0536205", FIRST], ["64934.31", "1", SECOND]],
    "asks": [["64935", "0.00000001", THIRD]],
}
BY_PRICE: dict[str, object] = {
    **BY_ORDER,
    "level": 2,
    "bids": [["64934.31", "1.0536205", 2]],
    "asks": [["64935", "0.00000001", 1]],
}


def written(path: Path, content: object, name: str = "snapshot.json") -> Path:
    (path / name).write_text(json.dumps(content))
    return path / name


def source(*paths: Path, symbols: list[str] | None = None) -> CoinbaseRestSource:
    return CoinbaseRestSource(paths, OpenOptions(symbols=symbols))


def rows(path: Path) -> list[tuple[str, int, int, int, int]]:
    (events,) = source(path).chunks()
    return [
        (Action(e["action"]).name, e["side"], e["price"], e["size"], e["order_id"]) for e in events
    ]


def test_a_snapshot_by_order_is_one_change_of_clear_and_adds(tmp_path: Path) -> None:
    path = written(tmp_path, BY_ORDER)
    assert rows(path) == [
        ("CLEAR", Side.NONE, 0, 0, 0),
        ("ADD", Side.BID, 6_493_431, 5_362_050, guid_order_id(FIRST)),
        ("ADD", Side.BID, 6_493_431, 100_000_000, guid_order_id(SECOND)),
        ("ADD", Side.ASK, 6_493_500, 1, guid_order_id(THIRD)),
    ]
    (events,) = source(path).chunks()
    assert events["flags"].tolist() == [Flag.SNAPSHOT] * 3 + [Flag.SNAPSHOT | Flag.LAST]
    assert set(events["ts_recv"].tolist()) == set(events["ts_event"].tolist()) == {TIME_NS}
    assert set(events["sequence"].tolist()) == {133_905_824_031}


def test_a_snapshot_by_price_has_order_counts(tmp_path: Path) -> None:
    assert rows(written(tmp_path, BY_PRICE)) == [
        ("CLEAR", Side.NONE, 0, 0, 0),
        ("LEVEL", Side.BID, 6_493_431, 105_362_050, 2),
        ("LEVEL", Side.ASK, 6_493_500, 1, 1),
    ]


@pytest.mark.parametrize("content", [BY_ORDER, BY_PRICE])
def test_the_instrument_is_found_in_the_snapshot(tmp_path: Path, content: object) -> None:
    (found,) = source(written(tmp_path, content)).instruments
    assert (found.symbol, found.price_decimals, found.quantity_decimals) == ("BTC-USD", 2, 8)
    assert found.has_orders is (content is BY_ORDER)


def test_a_known_instrument_keeps_its_decimals(tmp_path: Path) -> None:
    known = Instrument(9, "BTC-USD", price_decimals=3, quantity_decimals=9, tick_size=10)
    options = OpenOptions(known={"BTC-USD": known})
    (events,) = CoinbaseRestSource([written(tmp_path, BY_PRICE)], options).chunks()
    assert events["price"].tolist() == [0, 64_934_310, 64_935_000]


def test_the_exchanges_own_answer_is_called_by_its_file(tmp_path: Path) -> None:
    content = {name: BY_PRICE[name] for name in ("bids", "asks", "sequence")}
    path = written(tmp_path, {**content, "time": "2026-08-07T20:04:10.5Z"}, "ETH-USD.json")
    (events,) = source(path).chunks()
    assert source(path).instruments[0].symbol == "ETH-USD"
    assert events["ts_recv"][0] == TIME_NS + 500_000_000


def test_snapshots_are_played_by_their_times(tmp_path: Path) -> None:
    later = {**BY_PRICE, "captured_at": "2026-08-07T20:04:11Z", "sequence": 2}
    paths = written(tmp_path, later, "a.json"), written(tmp_path, {**BY_PRICE, "sequence": 1})
    assert [chunk["sequence"][0] for chunk in source(*paths).chunks()] == [1, 2]


def test_only_the_symbols_asked_for_are_played(tmp_path: Path) -> None:
    other = {**BY_PRICE, "product": "ETH-USD"}
    paths = written(tmp_path, other, "other.json"), written(tmp_path, BY_ORDER)
    found = source(*paths, symbols=["BTC-USD"])
    assert [one.symbol for one in found.instruments] == ["BTC-USD"]
    assert [len(chunk) for chunk in found.chunks()] == [4]
    with one_line_error(FeedError, "'LTC-USD'", "BTC-USD", "ETH-USD"):
        source(*paths, symbols=["LTC-USD"])


def test_one_product_is_by_order_or_by_price(tmp_path: Path) -> None:
    with one_line_error(FeedError, "BTC-USD", str(tmp_path)):
        source(written(tmp_path, BY_ORDER), written(tmp_path, BY_PRICE, "2.json"))


@pytest.mark.parametrize(
    "change",
    [
        {"bids": [["1", "2", FIRST], ["1", "2", FIRST]]},
        {"bids": [["1", "2", "no guid"]]},
        {"bids": [["1", "2"]]},
        {"bids": [["x", "2", FIRST]]},
        {"bids": [["1" * 30, "2", FIRST]]},
        {"bids": [[1, "2", FIRST]]},
        {"bids": [["0.0000000001", "2", FIRST]]},
        {"bids": {}},
        {"captured_at": "now"},
        {"sequence": -1},
        {"bids": [["1", "2", 2**70]]},
    ],
)
def test_what_is_no_snapshot_is_one_clear_error(tmp_path: Path, change: object) -> None:
    assert isinstance(change, dict)
    path = written(tmp_path, {**BY_ORDER, **change})
    with one_line_error(FeedError, str(path)):
        source(path)


@pytest.mark.parametrize("place", [0, 1, 100, -1])
def test_a_snapshot_that_is_cut_off_is_one_clear_error(tmp_path: Path, place: int) -> None:
    text = json.dumps(BY_ORDER).encode()[:place]
    for name, data in (("plain.json", text), ("packed.json.gz", gzip.compress(text))):
        (tmp_path / name).write_bytes(data)
        with one_line_error(FeedError, name):
            source(tmp_path / name)


def test_its_files_are_recognised(tmp_path: Path) -> None:
    (form,) = FORMATS
    for content in (BY_ORDER, BY_PRICE, {"bids": BY_PRICE["bids"], "asks": []}):
        path = written(tmp_path, content)
        assert form.recognises(path, head_of(path))
        assert form.open([path], OpenOptions()).instruments
    assert not form.recognises(Path("x"), b'{"bids":[["1","2"]]}')
    assert not form.recognises(Path("x"), b'{"data":{"bids":[["1","2","3"]]}}')


def test_the_recorded_snapshots_agree_with_each_other() -> None:
    folder = recording("coinbase_rest_snapshots")
    by_order, by_price = (folder / f"{name}_snapshot.json.gz" for name in ("l3", "l2"))
    books = []
    for path in (by_order, by_price):
        (events,) = source(path).chunks()
        books.append(OrderBook())
        books[-1].apply(events)
        books[-1].check()
    assert [book.order_count for book in books] == [57_419 + 53_187, 0]
    assert (books[1].bid_depth, books[1].ask_depth) == (18_376, 27_017)
    report = Report("", [])
    compare_snapshots(by_order, by_price, report, "")
    assert [(check.passed, check.made) for check in report.checks] == [
        (18_323, 18_332),
        (26_967, 26_972),
    ]
