"""Faults of a network, by name: what is done to the proxy between a client and its server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from support.proxy import Proxy, Way

__all__ = ["FAULTS"]


async def cut(proxy: Proxy) -> None:
    proxy.cut()


async def reset(proxy: Proxy) -> None:
    proxy.reset()


async def cut_in_a_frame(proxy: Proxy) -> None:
    proxy.cut_after(777)


async def reset_in_a_frame(proxy: Proxy) -> None:
    proxy.cut_after(1234, with_reset=True)


async def cut_while_coming_back(proxy: Proxy) -> None:
    """The new connection is cut in its handshake, and in its first answers."""
    proxy.cut()
    for length in (50, 400):
        proxy.cut_after(length)
        await proxy.until_connected(proxy.connections + 1)


async def refuse_for_a_while(proxy: Proxy) -> None:
    proxy.refuse()
    proxy.reset()
    await proxy.until_open(0)
    proxy.go_on()


async def stall_and_reset(proxy: Proxy) -> None:
    """Much is on its way when the connection goes."""
    proxy.stall(Way.TO_CLIENT)
    await asyncio.sleep(0.3)  # the server writes meanwhile
    proxy.reset()
    await proxy.until_open(0)
    proxy.go_on()


FAULTS: dict[str, Callable[[Proxy], Coroutine[Any, Any, None]]] = {
    one.__name__: one
    for one in (
        cut,
        reset,
        cut_in_a_frame,
        reset_in_a_frame,
        cut_while_coming_back,
        refuse_for_a_while,
        stall_and_reset,
    )
}
