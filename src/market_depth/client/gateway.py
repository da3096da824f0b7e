"""Messages of the wire contract, in and out, in the encoding that a connection speaks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import structs

from market_depth.protocol.messages import Response
from market_depth.protocol.requests import Request

__all__ = ["GATEWAYS", "Gateway"]


class Gateway(NamedTuple):
    """One encoding."""

    subprotocol: str
    is_binary: bool
    decode: Callable[[Any], Response]
    encode: Callable[[Any], bytes | str]


def _fields(request: Request) -> dict[str, Any]:
    """Return what is to be sent of a request: what was left out stays out."""
    fields = {name: value for name, value in structs.asdict(request).items() if value is not None}
    return {"type": type(request).__name__, **fields}


GATEWAYS: Final = {
    "json": Gateway(
        "market-depth.json",
        False,
        msgspec.json.Decoder(Response).decode,
        lambda request: msgspec.json.encode(_fields(request)).decode(),
    ),
    "msgpack": Gateway(
        "market-depth.msgpack",
        True,
        msgspec.msgpack.Decoder(Response).decode,
        lambda request: msgspec.msgpack.encode(_fields(request)),
    ),
}
"""By name."""
