from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from market_depth.feeds.venues.textbook import (
    TextBook,
    TextSide,
    interleaved_crc32,
    parse_rows,
    priced_fragment,
)
from support.hypothesis_settings import relaxed

PRICES = st.sampled_from(["1", "1.0", "1e0", "0.9", "10", "9.5", "-2", "9.50000000000000000001"])
SIZES = st.sampled_from(["0", "0.00", "0e-8", "1", "0.5", "2.50", "1e-7"])


@relaxed
@given(
    is_bids=st.booleans(),
    batches=st.lists(st.lists(st.tuples(PRICES, SIZES), max_size=4)),
    data=st.data(),
)
def test_a_side_is_what_a_dictionary_of_its_prices_is(
    is_bids: bool, batches: list[list[tuple[str, str]]], data: st.DataObject
) -> None:
    side = TextSide(is_bids, priced_fragment)
    plain: dict[Decimal, tuple[str, str]] = {}
    for rows in batches:
        watched = data.draw(st.integers(0, 5))
        before = side.rows[:watched]
        side.unchanged = watched
        side.apply(parse_rows(rows))
        for row in rows:
            plain.pop(Decimal(row[0]), None)
            if Decimal(row[1]):
                plain[Decimal(row[0])] = row
        levels = [plain[price] for price in sorted(plain, reverse=is_bids)]
        assert side.rows == levels
        assert side.fragments == [f"{price}:{size}" for price, size in levels]
        assert side.unchanged <= watched
        assert side.rows[: side.unchanged] == before[: side.unchanged]


def test_a_side_is_cut_to_a_depth() -> None:
    side = TextSide(is_bids=True, fragment=priced_fragment)
    side.apply(parse_rows([("1", "1"), ("3", "1"), ("2", "1")]))
    assert side.cut(3) == []
    assert side.cut(1) == [("2", "0"), ("1", "0")]
    assert (side.rows, side.fragments) == ([("3", "1")], ["3:1"])
    side.apply(parse_rows([("2", "5")]))
    assert side.rows == [("3", "1"), ("2", "5")]


def test_the_checksum_of_an_empty_book_is_that_of_nothing() -> None:
    assert interleaved_crc32(TextBook(priced_fragment), 25) == 0
