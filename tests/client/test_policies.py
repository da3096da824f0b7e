"""Pauses before a connection is tried again."""

from __future__ import annotations

from itertools import islice

from market_depth.client import ReconnectPolicy


def test_pauses_are_drawn_from_zero_to_a_length_that_doubles_up_to_the_longest() -> None:
    policy = ReconnectPolicy(first_pause_s=1.0, longest_pause_s=5.0)
    drawn = list(zip(*(islice(policy.pauses_s(), 6) for _ in range(400)), strict=True))

    for pauses, length in zip(drawn, [1.0, 2.0, 4.0, 5.0, 5.0, 5.0], strict=True):
        assert 0 <= min(pauses) < 0.2 * length
        assert 0.8 * length < max(pauses) <= length


def test_there_is_a_pause_for_each_attempt() -> None:
    assert [len(list(ReconnectPolicy(n).pauses_s())) for n in (0, 1, 3)] == [0, 1, 3]
