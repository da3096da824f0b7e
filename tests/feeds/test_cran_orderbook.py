"""Order flow of R's package orderbook."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from market_depth.book import OrderBook
from market_depth.errors import FeedError
from market_depth.events import Action
from market_depth.feeds.base import OpenOptions
from market_depth.feeds.cran_orderbook import CranOrderbookSource
from market_depth.feeds.formats import format_of
from support.damage import damaged, play_damaged
from support.errors import one_line_error
from support.flow import events_of
from support.hypothesis_settings import relaxed
from support.recordings import recording

FLOW = """\
type,time,id,price,size,type,status
A,3000,11,25.88,350,BID,FALSE
A,2000,12,25.9,100,ASK,TRUE
R,4000,11,50
T,4000,3550,25.88,300,FALSE
C,4001,12
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "ACME.txt"
    path.write_text(FLOW)
    return path


def test_messages_become_events(path: Path) -> None:
    source = CranOrderbookSource(path, OpenOptions())
    (instrument,) = source.instruments
    assert (instrument.symbol, instrument.price_decimals, instrument.tick_size) == ("ACME", 2, 2)
    events = [event for chunk in source.chunks() for event in events_of(chunk)]
    assert [(chr(e.action), chr(e.side), e.order_id, e.price, e.size) for e in events] == [
        ("A", "B", 11, 2588, 350),
        ("A", "A", 12, 2590, 100),
        ("M", "B", 11, 2588, 50),
        ("T", "N", 0, 2588, 300),
        ("C", "A", 12, 2590, 0),
    ]
    assert [event.ts_event // 1_000_000 for event in events] == [3000, 2000, 4000, 4000, 4001]
    assert [event.ts_recv // 1_000_000 for event in events] == [3000, 3000, 4000, 4000, 4001]
    assert [event.flags for event in events] == [0, 128, 0, 128, 128]


def test_a_file_without_the_column_status_is_the_same(path: Path) -> None:
    whole = np.concatenate(list(CranOrderbookSource(path, OpenOptions()).chunks()))
    text = FLOW.replace(",status", "").replace(",FALSE", "").replace(",TRUE", "")
    path.write_text(text)
    assert format_of(path).name == "cran-orderbook"
    assert np.array_equal(
        np.concatenate(list(CranOrderbookSource(path, OpenOptions()).chunks())), whole
    )


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("C,4001,12", "X,4001,12", ["'X'", "A, C, R or T", "byte 135"]),
        ("C,4001,12", "C,4001,1x", ["'1x'", "integer"]),
        ("C,4001,12", "C,,12", ["''"]),
        ("C,4001,12", "R,4001,12,2.5", ["'2.5'", "size"]),
        ("C,4001,12", "R,4001,12", ["''", "number"]),
        ("C,4001,12", "A,4001,13,25.9,5,BUY", ["'BUY'", "BID or ASK"]),
        ("C,4001,12", "A,4001,13,25.9,0,BID", ["'0'", "size"]),
    ],
)
def test_a_damaged_row_is_told_with_its_place_behind_all_before(
    path: Path, old: str, new: str, words: list[str]
) -> None:
    path.write_text(FLOW.replace(old, new))
    seen = 0
    with one_line_error(FeedError, str(path), *words):
        for chunk in CranOrderbookSource(path, OpenOptions()).chunks():
            seen += len(chunk)
    assert seen == 2, "what came in the last millisecond may be more"


def test_another_symbol_is_refused(path: Path) -> None:
    with one_line_error(FeedError, str(path), "'B'", "ACME"):
        CranOrderbookSource(path, OpenOptions(symbols=["B"]))


def test_nvda_is_read_to_its_last_message() -> None:
    source = CranOrderbookSource(recording("nvda_cran_orderbook/tradersample.txt"), OpenOptions())
    events = np.concatenate(list(source.chunks()))
    assert len(events) == 10_000
    counts = {
        Action(code).name: int(count)
        for code, count in zip(*np.unique(events["action"], return_counts=True), strict=True)
    }
    assert counts == {"ADD": 4_876, "CANCEL": 3_975, "MODIFY": 205, "TRADE": 944}
    book = OrderBook()
    book.apply(events)
    book.check()
    assert not any(book.anomalies)
    assert book.order_count == 901
    view = book.bbo(0)
    assert (view.bids["price"].tolist(), view.asks["price"].tolist()) == ([259_400], [259_500])


@relaxed
@given(data=damaged(FLOW.encode()))
def test_any_damage_gives_events_or_one_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.txt"
    path.write_bytes(data)
    play_damaged(path, lambda: CranOrderbookSource(path, OpenOptions()))
