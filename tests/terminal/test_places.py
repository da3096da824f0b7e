"""What stands on which line of the ladder while the market moves, and what scrolling does."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_depth.settings import RowsMode
from market_depth.terminal.depth import ByPriceOrOrder, Depth, View
from market_depth.terminal.places import Place, Places
from market_depth.terminal.rows import Row

HEIGHT = 11
MIDDLE = 5


def rows(prices: Sequence[int]) -> tuple[Row, ...]:
    return tuple(Row(price, 10 + price % 7, 1, 0) for price in prices)


def book(
    bids: Sequence[int],
    asks: Sequence[int],
    step: int = 1,
    data_type: ByPriceOrOrder = "MBP",
) -> Depth:
    best = (bids[0] if bids else None, asks[0] if asks else None)
    view = View("AAA", data_type)
    return Depth(view, 2, 0, step, 1, "", rows(bids), rows(asks), *best, None)


def around(bid: int, levels: int = 8) -> Depth:
    """A book without empty prices, whose best bid is this."""
    return book(range(bid, bid - levels, -1), range(bid + 1, bid + 1 + levels))


def line_of(places: list[Place], price: int) -> int:
    (found,) = (line for line, place in enumerate(places) if place.price == price)
    return found


def mid_of(places: list[Place]) -> int:
    (found,) = (line for line, place in enumerate(places) if place.side == "mid")
    return found


# A line for each price


def test_prices_stand_still_until_the_mid_has_left_the_middle_half() -> None:
    ladder = Places("prices")
    first = ladder.lines(around(100), HEIGHT)
    assert mid_of(first) == MIDDLE
    for bid, mid in ((101, 4), (102, 3), (103, 2), (102, 3), (97, 8)):
        moved = ladder.lines(around(bid), HEIGHT)
        assert mid_of(moved) == mid
        best = [place.price for place in moved if place.is_best]
        assert best == [bid + 1, bid]
    away = ladder.lines(around(94), HEIGHT)
    assert mid_of(away) == MIDDLE, "it is centred anew"
    assert mid_of(ladder.lines(around(96), HEIGHT)) == MIDDLE - 2, "and stands still there"


def test_a_price_keeps_its_line_when_its_level_goes_and_comes() -> None:
    ladder = Places("prices")
    full = book([100, 99, 98, 97], [101, 102, 103, 104])
    before = ladder.lines(full, HEIGHT)
    hollow = book([100, 97], [101, 104])
    between = ladder.lines(hollow, HEIGHT)
    for price in (104, 101, 100, 97):
        assert line_of(between, price) == line_of(before, price)
    for price in (103, 102, 99, 98):
        assert between[line_of(before, price)] == Place("price", price)
    assert ladder.lines(full, HEIGHT) == before


def test_scrolled_it_stands_still_wherever_the_market_goes() -> None:
    ladder = Places("prices")
    ladder.lines(around(100), HEIGHT)
    ladder.scroll_by(2, around(100))
    scrolled = ladder.lines(around(100), HEIGHT)
    assert (mid_of(scrolled), ladder.scrolled) == (MIDDLE + 2, 2)
    later = ladder.lines(around(96), HEIGHT)
    assert [line_of(later, price) for price in (103, 102, 101)] == [
        line_of(scrolled, price) for price in (103, 102, 101)
    ]
    # The mid has gone by those below; its line has made room for them.
    assert [line_of(later, price) for price in (100, 99)] == [
        line_of(scrolled, price) - 1 for price in (100, 99)
    ]
    assert ladder.scrolled == 6
    assert all(place.side != "mid" for place in later), "the mid is out of sight"
    ladder.recentre()
    assert mid_of(ladder.lines(around(96), HEIGHT)) == MIDDLE
    assert ladder.scrolled is None


def test_the_mid_is_where_best_prices_meet_though_scrolled_from_off_the_middle() -> None:
    ladder = Places("prices")
    ladder.lines(around(100), HEIGHT)
    before = ladder.lines(around(102), HEIGHT)
    ladder.scroll_by(1, around(102))
    after = ladder.lines(around(102), HEIGHT)
    assert mid_of(after) == mid_of(before) + 1
    assert ladder.scrolled == -1


def test_beyond_the_last_level_nothing_is_claimed() -> None:
    places = Places("prices").lines(book([100, 98], [101, 103]), HEIGHT)
    shown = [place.price or place.side for place in places]
    assert shown == ["", "", 103, 102, 101, "mid", 100, 99, 98, "", ""]


def test_a_moment_in_which_the_book_is_crossed_moves_nothing() -> None:
    ladder = Places("prices")
    ladder.lines(around(100), HEIGHT)
    before = ladder.lines(around(102), HEIGHT)
    crossed = book([104, 102], [103, 105])
    assert mid_of(ladder.lines(crossed, HEIGHT)) == MIDDLE
    assert ladder.lines(around(102), HEIGHT) == before


# Both


@pytest.mark.parametrize(("mode", "asks", "bids"), [("prices", 9, 4), ("levels", 3, 2)])
def test_the_last_level_stays_in_sight(mode: RowsMode, asks: int, bids: int) -> None:
    depth = book([100, 97], [101, 105, 109])
    ladder = Places(mode)
    ladder.lines(depth, HEIGHT)
    for lines, scrolled, price in ((99, asks, 109), (-99, -bids, 97)):
        ladder.scroll_by(lines, depth)
        places = ladder.lines(depth, HEIGHT)
        assert ladder.scrolled == scrolled
        assert line_of(places, price) == MIDDLE


def test_levels_follow_one_another_around_a_mid_that_stands_still() -> None:
    ladder = Places("levels")
    depth = book([100, 97], [101, 105, 109])
    shown = [place.price for place in ladder.lines(depth, 9)]
    assert shown == [0, 109, 105, 101, 0, 100, 97, 0, 0]
    assert mid_of(ladder.lines(book([200, 100], [201, 301]), 9)) == 4
    ladder.scroll_by(2, depth)
    assert [place.price for place in ladder.lines(depth, 9)] == [0, 0, 0, 109, 105, 101, 0, 100, 97]
    assert ladder.scrolled == 2
    ladder.scroll_by(-2, depth)
    assert [place.price for place in ladder.lines(depth, 9)] == shown
    assert ladder.scrolled is None, "it is where it follows the market"


def test_a_ladder_of_another_height_is_centred_unless_it_is_scrolled() -> None:
    ladder = Places("prices")
    ladder.lines(around(100), HEIGHT)
    assert mid_of(ladder.lines(around(101), 21)) == 10
    ladder.scroll_by(3, around(101))
    before = ladder.lines(around(101), 21)
    smaller = ladder.lines(around(101), 17)
    assert line_of(smaller, 103) == line_of(before, 103)


def test_another_view_begins_anew() -> None:
    ladder = Places("prices")
    ladder.lines(around(100), HEIGHT)
    ladder.scroll_by(3, around(100))
    other = book([40, 39], [41, 42], data_type="MBO")
    assert mid_of(ladder.lines(other, HEIGHT)) == MIDDLE
    assert ladder.scrolled is None


def test_each_view_has_what_suits_it() -> None:
    ladder = Places()
    assert Place("price", 98) in ladder.lines(DENSE, HEIGHT)
    by_order = book([100, 90, 80], [110, 120, 130], data_type="MBO")
    assert Place("price", 109) not in ladder.lines(by_order, HEIGHT)


DENSE = book([100, 99, 97, 96], [101, 102, 104, 105])
SPARSE = book([100, 90, 80], [110, 120, 130])


@pytest.mark.parametrize(
    ("mode", "depth", "has_each_price"),
    [
        ("auto", DENSE, True),
        ("auto", SPARSE, False),
        ("prices", SPARSE, True),
        ("levels", DENSE, False),
        ("auto", book([100], [103]), False),
        ("prices", book([100, 97], [99, 102]), False),  # crossed
        ("prices", book([100, 97], [102, 104], step=2), False),  # 97 is between two steps
        ("prices", book([100, 97], []), True),
        ("prices", book([], []), False),
    ],
)
def test_what_has_a_line(mode: RowsMode, depth: Depth, has_each_price: bool) -> None:
    places = Places(mode).lines(depth, 61)
    assert any(place.side == "price" for place in places) == has_each_price
    assert [place.row for place in places if place.row] == [*depth.asks[::-1], *depth.bids]


def test_the_other_way_is_a_switch_away() -> None:
    ladder = Places()
    by_price = ladder.lines(DENSE, HEIGHT)
    assert Place("price", 98) in by_price
    ladder.switch(DENSE)
    assert Place("price", 98) not in ladder.lines(DENSE, HEIGHT)
    ladder.switch(DENSE)
    assert ladder.lines(DENSE, HEIGHT) == by_price


def test_a_book_grows_sparse_and_the_ladder_stays_what_it_is() -> None:
    ladder = Places()
    ladder.lines(DENSE, HEIGHT)
    assert Place("price", 104) in ladder.lines(book([100, 80], [101, 130]), HEIGHT)


@given(
    st.sets(st.integers(1, 60), min_size=1),
    st.integers(0, 61),
    st.integers(1, 3),
    st.integers(1, 25),
    st.lists(st.integers(-9, 9), max_size=4),
    st.sampled_from(["prices", "levels"]),
)
def test_what_is_in_sight_is_the_book(
    keys: set[int], border: int, step: int, height: int, scrolls: list[int], mode: RowsMode
) -> None:
    bids = [key * step for key in sorted(keys, reverse=True) if key < border]
    asks = [key * step for key in sorted(keys) if key >= border]
    depth = book(bids, asks, step)
    ladder = Places(mode)
    places = ladder.lines(depth, height)
    for lines in scrolls:
        ladder.scroll_by(lines, depth)
        places = ladder.lines(depth, height)
    assert len(places) == height
    assert sum(place.side == "mid" for place in places) <= 1
    held = {"bid": dict(zip(bids, depth.bids, strict=True))}
    held["ask"] = dict(zip(asks, depth.asks, strict=True))
    shown = [place for place in places if place.price]
    prices = [place.price for place in shown]
    for place in shown:
        if place.side == "price":
            assert place.row is None
            assert place.price not in {**held["bid"], **held["ask"]}
        else:
            assert place.row == held[place.side][place.price]
            assert place.is_best == (place.price in (bids[:1], asks[:1])[place.side == "ask"])
    if mode == "prices":
        assert not prices or prices == list(range(prices[0], prices[-1] - step, -step))
    else:
        assert prices == sorted(prices, reverse=True)
        everything = sorted([*bids, *asks], reverse=True)
        if prices:
            first = everything.index(prices[0])
            assert prices == everything[first : first + len(prices)]
    for line, place in enumerate(places):
        if place.side == "mid":
            assert all(above.side in ("ask", "price", "") for above in places[:line])
            assert all(below.side in ("bid", "price", "") for below in places[line + 1 :])
