"""Bars to an eighth of a cell, scales, sparklines."""

from __future__ import annotations

import pytest

from market_depth.terminal.bars import bar, mirrored_bar, round_up, sparkline


def eighths(text: str) -> int:
    return sum(" ▏▎▍▌▋▊▉█".index(character) for character in text)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.5, 0.77, 1.0, 3.0])
@pytest.mark.parametrize("width", [0, 1, 7, 20])
def test_a_bar_is_as_long_as_its_share_either_way(share: float, width: int) -> None:
    text = bar(share, width)
    assert len(text) == width
    least = 1 if share and width else 0
    assert eighths(text) == max(least, min(round(8 * width * share), 8 * width))
    mirrored = mirrored_bar(share, width)
    assert len("".join(mirrored)) == width
    # The edge is shown reversed: what is ink there is not filled.
    filled = 8 * len(mirrored.full) + (8 - eighths(mirrored.edge) if mirrored.edge else 0)
    assert filled == eighths(text)


@pytest.mark.parametrize(("value", "end"), [(0, 1), (1, 1), (1.01, 1.25), (99, 100), (8.1, 10)])
def test_a_scale_ends_at_a_round_number_above(value: float, end: float) -> None:
    assert round_up(value) == pytest.approx(end)
    for exponent in range(-6, 15):
        assert 3.3 * 10**exponent <= round_up(3.3 * 10**exponent) <= 4.01 * 10**exponent


def test_a_sparkline_goes_from_the_least_to_the_greatest() -> None:
    assert sparkline([1, 2, 3], 3) == "▁▅█"
    assert sparkline([9, 9, 1, 2, 3], 3) == "▁▅█"
    assert sparkline([5, 5], 8) == "▄▄"
    assert sparkline([], 8) == sparkline([1, 2], 0) == ""
