"""The ladder's lines: where what stands, and what is left out for want of room."""

from __future__ import annotations

import pytest

from market_depth.settings import RowsMode
from market_depth.terminal.depth import Depth, View
from market_depth.terminal.flashes import Flashes
from market_depth.terminal.ladder import (
    Columns,
    Needs,
    ladder_lines,
    queue_cells,
    title_line,
)
from market_depth.terminal.lines import Line, text_of
from market_depth.terminal.palette import STYLES
from market_depth.terminal.places import Places
from market_depth.terminal.rows import Queued, Row


def rows(*levels: tuple[int, int], queue: tuple[Queued, ...] = ()) -> tuple[Row, ...]:
    made: list[Row] = []
    for price, quantity in levels:
        made.append(Row(price, quantity, 3, quantity + (made[-1].total if made else 0), queue))
    return tuple(made)


def depth_of(bids: tuple[Row, ...], asks: tuple[Row, ...], sequence: int = 1) -> Depth:
    best = (bids[0].price if bids else None, asks[0].price if asks else None)
    return Depth(View("AAA"), 2, 0, 1, sequence, "", bids, asks, *best, None)


def lines_of(depth: Depth, columns: Columns, height: int, mode: RowsMode = "levels") -> list[Line]:
    return ladder_lines(depth, columns, Places(mode).lines(depth, height))


DEPTH = depth_of(rows((10000, 40), (9999, 100)), rows((10002, 80), (10003, 10), (10005, 20)))


def test_asks_stand_above_at_the_right_and_bids_below_at_the_left() -> None:
    columns = Columns.of(60, Needs())
    texts = [text_of(line) for line in lines_of(DEPTH, columns, 9)]
    assert [text.split()[:3] for text in texts] == [
        [],
        ["100.05", "3", "20"],
        ["100.03", "3", "10"],
        ["100.02", "3", "80"],
        ["spread", "0.02", "100.01"],
        texts[5].split()[:3],
        texts[6].split()[:3],
        [],
        [],
    ]
    assert [text.split()[-3:] for text in texts[5:7]] == [
        ["40", "3", "100.00"],
        ["100", "3", "99.99"],
    ]
    middle = texts[1].index("100.05") + len("100.05")
    assert all(text.rstrip().endswith(("100.00", "99.99")) for text in texts[5:7])
    assert {
        text.rindex(price) + len(price)
        for text, price in ((texts[5], "100.00"), (texts[6], "99.99"), (texts[4], "100.01"))
    } == {middle}


@pytest.mark.parametrize("width", range(12, 140, 7))
def test_lines_are_no_wider_than_there_is_room(width: int) -> None:
    needs = Needs().with_those_of(DEPTH)
    columns = Columns.of(width, needs)
    for line in [title_line(columns), *lines_of(DEPTH, columns, 9)]:
        assert len(text_of(line)) <= max(width, needs.price + 2)
        assert {piece.style for piece in line} <= set(STYLES)


def test_totals_go_first_then_bars_then_numbers_of_orders() -> None:
    def shown(width: int) -> tuple[bool, ...]:
        columns = Columns.of(width, Needs())
        return (columns.total > 0, columns.bar > 0, columns.orders > 0, columns.size > 0)

    kinds = list(dict.fromkeys(shown(width) for width in range(120, 22, -1)))
    assert kinds[0] == (True, True, True, True)
    assert kinds[1] == (False, True, True, True)
    assert kinds[-1][3]


def test_a_mid_between_two_counts_has_a_decimal_more() -> None:
    depth = depth_of(rows((10000, 1)), rows((10003, 1)))
    assert "100.015" in text_of(lines_of(depth, Columns.of(60, Needs()), 3)[1])
    empty = depth_of((), rows((10003, 1)))
    assert "no bids" in text_of(lines_of(empty, Columns.of(60, Needs()), 3)[1])


def test_a_price_at_which_nothing_rests_has_a_line_too() -> None:
    columns = Columns.of(60, Needs())
    lines = lines_of(DEPTH, columns, 11, "prices")
    words = [text_of(line).split() for line in lines]
    asks = [["100.05", "3", "20"], ["100.04"], ["100.03", "3", "10"], ["100.02", "3", "80"]]
    assert [line[:3] for line in words[:4]] == asks
    assert words[4] == ["100.01"]
    assert words[5][:3] == ["spread", "0.02", "100.01"]
    assert [line[-1:] for line in words[6:]] == [["100.00"], ["99.99"], [], [], []]
    places = {text_of(line).index("100.04") for line in lines if "100.04" in text_of(line)}
    assert places == {text_of(lines[0]).index("100.05")}, "prices stand below each other"


def test_an_order_has_a_cell_at_least_and_the_rest_are_counted() -> None:
    queue = tuple(Queued(quantity, 0) for quantity in (50, 1, 49))
    assert queue_cells(queue, 100, 10) == ([(5, 0), (1, 0), (4, 0)], 0)
    many = tuple(Queued(1, 1) for _ in range(30))
    cells, hidden = queue_cells(many, 100, 10)
    assert (len(cells), hidden) == (7, 23)
    assert sum(width for width, _ in cells) + len("+23") == 10
    assert queue_cells(many, 100, 2) == ([], 30)


def test_levels_flash_that_have_changed_and_no_others() -> None:
    flashes = Flashes(lasts_s=1)
    flashes.take(DEPTH, 0)
    assert flashes.at(0) == set()
    bids = rows((10000, 41), (9999, 100), (9998, 5))
    flashes.take(depth_of(bids, DEPTH.asks, sequence=2), 10)
    assert flashes.at(10.9) == {("bid", 10000)}, "9998 has only come into sight"
    assert flashes.at(11) == set()
    flashes.take(depth_of(rows((10001, 7), (10000, 41)), DEPTH.asks, sequence=3), 20)
    assert flashes.at(20) == {("bid", 10001)}
