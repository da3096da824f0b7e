"""The deltas that are kept for those who come back: bounded, the oldest go first."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from market_depth.protocol.wire import Tail
from market_depth.streams.window import MAX_RESUME_BYTES, Delta, History, ResumeWindow
from support.hypothesis_settings import relaxed

EMPTY_BYTES = Delta(0, Tail(b""), 0).size_bytes
PLENTY = 10**9


def tail(sequence: int, size_bytes: int = 0) -> Tail:
    """Return a delta that ends at a sequence, told apart by its body."""
    return Tail(b"%d:" % sequence + b"x" * size_bytes)


def filled(history: History, *sequences: int) -> None:
    """Add deltas that lead from each sequence to the next."""
    for before, after in pairwise(sequences):
        history.add(before, tail(after))


def test_the_deltas_behind_a_sequence_are_returned_in_their_order() -> None:
    history = History(ResumeWindow(PLENTY))
    filled(history, 5, 7, 8, 12)
    assert history.since(5) == [tail(7), tail(8), tail(12)]
    assert history.since(7) == [tail(8), tail(12)]
    assert history.since(8) == [tail(12)]


def test_of_what_is_not_all_there_nothing_is_returned() -> None:
    history = History(ResumeWindow(PLENTY))
    assert history.since(5) is None
    filled(history, 5, 7, 8, 12)
    for sequence in (0, 4, 6, 9, 12, 99):
        assert history.since(sequence) is None


def test_the_oldest_go_first_whosever_they_are() -> None:
    window = ResumeWindow(3 * (EMPTY_BYTES + 2))
    first, second = History(window), History(window)
    filled(first, 1, 2)
    filled(second, 1, 2, 3)
    assert first.since(1) == [tail(2)]
    filled(second, 3, 4)
    assert first.since(1) is None
    assert second.since(1) == [tail(2), tail(3), tail(4)]
    filled(first, 2, 3)
    assert second.since(1) is None
    assert second.since(2) == [tail(3), tail(4)]
    assert first.since(2) == [tail(3)]


def test_a_window_without_room_keeps_nothing() -> None:
    window = ResumeWindow(0)
    history = History(window)
    filled(history, 1, 2, 3)
    assert (history.since(1), history.since(2), window.size_bytes) == (None, None, 0)


def test_what_is_forgotten_leaves_its_room() -> None:
    window = ResumeWindow(PLENTY)
    first, second = History(window), History(window)
    filled(first, 1, 2, 3)
    filled(second, 1, 2)
    first.clear()
    assert first.since(1) is None
    assert second.since(1) == [tail(2)]
    second.clear()
    assert window.size_bytes == 0
    filled(first, 9, 10)
    assert first.since(9) == [tail(10)]


def test_no_more_is_sent_to_who_comes_back_than_may_be_sent_at_once() -> None:
    history = History(ResumeWindow(PLENTY))
    half = MAX_RESUME_BYTES // 2 - 2 * EMPTY_BYTES
    for sequence in range(4):
        history.add(sequence, tail(sequence + 1, half))
    assert history.since(3) == [tail(4, half)]
    assert history.since(2) == [tail(3, half), tail(4, half)]
    assert history.since(1) is None


STEPS = st.one_of(
    st.tuples(st.integers(0, 2), st.integers(0, 400)),
    st.tuples(st.integers(0, 2), st.none()),
)


@relaxed
@given(steps=st.lists(STEPS, max_size=60), most_bytes=st.integers(0, 6 * EMPTY_BYTES))
def test_it_is_never_larger_than_it_may_be_and_keeps_the_newest(
    steps: list[tuple[int, int | None]], most_bytes: int
) -> None:
    window = ResumeWindow(most_bytes)
    histories = [History(window) for _ in range(3)]
    kept: list[tuple[int, int, Tail]] = []  # chain, sequence before, tail: the oldest first
    for sequence, (chain, size_bytes) in enumerate(steps):
        if size_bytes is None:
            histories[chain].clear()
            kept = [one for one in kept if one[0] != chain]
            continue
        own = [one for one in kept if one[0] == chain]
        before = int(own[-1][2].body.split(b":")[0]) if own else sequence
        histories[chain].add(before, tail(sequence + 1, size_bytes))
        kept.append((chain, before, tail(sequence + 1, size_bytes)))
        while sum(len(one[2].body) + EMPTY_BYTES for one in kept) > most_bytes:
            kept.pop(0)
        assert window.size_bytes == sum(len(one[2].body) + EMPTY_BYTES for one in kept)
        assert window.size_bytes <= most_bytes
    for chain, history in enumerate(histories):
        own = [one for one in kept if one[0] == chain]
        for place, (_, before, _) in enumerate(own):
            assert history.since(before) == [one[2] for one in own[place:]]
        if own:
            assert history.since(own[0][1] - 1) is None
