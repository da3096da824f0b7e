"""A book as text, beside what was expected of it."""

from __future__ import annotations

import pytest

from market_depth.book import OrderBook
from market_depth.verify.sides import (
    Level,
    Sides,
    best_levels,
    book_lines,
    first_difference,
    lines_of,
)
from support.flow import ASK, BID, add, batch
from support.sources import instrument

BIDS = [Level(price, 5, 1) for price in (100, 99, 98)]
ASKS = [Level(price, 7, 2) for price in (101, 103)]
SIDES = Sides(BIDS, ASKS)


def words_of(lines: list[str]) -> list[str]:
    return [" ".join(line.split()) for line in lines]


def test_the_best_levels_of_a_book_have_prices_sizes_and_counts() -> None:
    book = OrderBook()
    book.apply(batch(add(1, BID, 100, 5), add(2, ASK, 101, 3), add(3, ASK, 101, 4)))
    assert best_levels(book, 5) == Sides([Level(100, 5, 1)], [Level(101, 7, 2)])


@pytest.mark.parametrize(
    ("bids", "asks", "found"),
    [
        (BIDS, ASKS, None),
        ([Level(100, 5), *BIDS[1:]], ASKS, None),
        ([BIDS[0], Level(97, 5, 1), BIDS[2]], ASKS, ("bid", 1)),
        (BIDS, [Level(101, 8, 2), ASKS[1]], ("ask", 0)),
        (BIDS, [ASKS[0], Level(103, 7, 1)], ("ask", 1)),
        (BIDS[:2], ASKS, ("bid", 2)),
        (BIDS, [*ASKS, Level(104, 1, 1)], ("ask", 2)),
        ([], ASKS, ("bid", 0)),
    ],
)
def test_the_first_level_that_differs_is_found(
    bids: list[Level], asks: list[Level], found: tuple[str, int] | None
) -> None:
    assert first_difference(SIDES, Sides(bids, asks)) == found


def test_both_books_stand_beside_each_other_and_what_differs_is_marked() -> None:
    expected = Sides([BIDS[0], Level(99, 6, 1), BIDS[2]], ASKS[:1])
    one = instrument(price_decimals=1)
    assert words_of(book_lines(one, SIDES, expected)) == [
        "bids expected asks expected",
        "1 10.0 × 5 in 1 10.0 × 5 in 1 10.1 × 7 in 2 10.1 × 7 in 2",
        "2 9.9 × 5 in 1 9.9 × 6 in 1 ≠ 10.3 × 7 in 2 – ≠",
        "3 9.8 × 5 in 1 9.8 × 5 in 1 – –",
        "4 – – – –",
        "5 – – – –",
    ]


def test_columns_are_aligned() -> None:
    lines = book_lines(instrument(), Sides([Level(12_345, 1), Level(1, 22_222)], []))
    assert len({len(line) for line in lines}) == 1


def test_a_difference_far_down_is_shown_with_what_lies_around_it() -> None:
    levels = [Level(price, 1) for price in range(100, 80, -1)]
    other = [*levels[:12], Level(88, 2), *levels[13:]]
    lines = book_lines(instrument(), Sides(levels, []), Sides(other, []))
    assert [line.split()[0] for line in lines[1:]] == ["11", "12", "13", "14", "15"]
    assert ["≠" in line for line in lines[1:]] == [False, False, True, False, False]


def test_a_book_alone_is_its_best_five_levels() -> None:
    book = OrderBook()
    book.apply(batch(*[add(n, BID, 100 - n, 5) for n in range(9)]))
    lines = lines_of(instrument(quantity_decimals=1), book)
    assert words_of(lines[:2]) == ["bids asks", "1 1.00 × 0.5 in 1 –"]
    assert len(lines) == 6
