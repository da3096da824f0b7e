"""What waits for a reader: in order, with an end, and never more than there is room for."""

from __future__ import annotations

import asyncio

import pytest

from market_depth.client.mailbox import Mailbox


async def test_items_come_in_order_and_then_the_end() -> None:
    mailbox: Mailbox[int] = Mailbox(2)
    mailbox.put(1)
    mailbox.put(2)
    mailbox.end()
    assert [await mailbox.get() for _ in range(3)] == [1, 2, None]


async def test_who_waits_for_an_item_gets_the_error_that_it_ends_with() -> None:
    mailbox: Mailbox[int] = Mailbox(1)
    waiting = asyncio.create_task(mailbox.get())
    await asyncio.sleep(0)
    mailbox.end(ValueError("broken"))
    with pytest.raises(ValueError, match="broken"):
        await waiting


async def test_who_waits_for_room_goes_on_when_an_item_is_taken_or_at_the_end() -> None:
    mailbox: Mailbox[int] = Mailbox(1)
    for go_on in (mailbox.get, None):
        mailbox.put(1)
        waiting = asyncio.create_task(mailbox.wait_for_room())
        await asyncio.sleep(0)
        assert mailbox.is_full
        assert not waiting.done()
        if go_on is None:
            mailbox.end()
        else:
            await go_on()
        await waiting


async def test_nothing_is_taken_in_after_the_end() -> None:
    mailbox: Mailbox[int] = Mailbox(1)
    mailbox.end()
    mailbox.put(1)
    assert await mailbox.get() is None


async def test_a_reader_who_is_cancelled_takes_nothing_with_him() -> None:
    mailbox: Mailbox[int] = Mailbox(1)
    waiting = asyncio.create_task(mailbox.get())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    mailbox.put(1)
    assert await mailbox.get() == 1
