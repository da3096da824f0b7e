"""Who may connect, and to which symbols: bearer tokens from a TOML file.

[clients.desk]
token = "…"
symbols = ["BTC*", "ETHUSD"]    # patterns; every symbol if left out
"""

from __future__ import annotations

import hmac
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qs

from msgspec import Meta, Struct
from websockets.datastructures import Headers

from market_depth.errors import ConfigError
from market_depth.toml import read_toml

__all__ = ["ANYONE", "Client", "Credentials", "presented_token"]


class Client(Struct, frozen=True, forbid_unknown_fields=True):
    """One who may connect."""

    token: Annotated[str, Meta(min_length=8)]
    symbols: tuple[str, ...] = ("*",)

    def may_see(self, symbol: str) -> bool:
        """Whether the client is entitled to a symbol."""
        return any(fnmatchcase(symbol, pattern) for pattern in self.symbols)


ANYONE = Client(token="")
"""The client of a server without credentials: sees everything."""


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    clients: dict[str, Client]


class Credentials:
    """The clients of a file; without a file, anyone.

    Raises:
        ConfigError: if the file can't be read or is wrong.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._clients: list[Client] | None = None
        if path is None:
            return
        clients = read_toml(path, _File).clients
        names: dict[str, str] = {}
        for name, client in clients.items():
            if client.token in names:
                raise ConfigError(f"{path}: {names[client.token]} and {name} have one token")
            names[client.token] = name
        if not names:
            raise ConfigError(f"{path} names no client: nobody could connect")
        self._clients = list(clients.values())

    def client(self, token: str | None) -> Client | None:
        """Return whom a token belongs to, `None` if to nobody."""
        if self._clients is None:
            return ANYONE
        given = (token or "").encode()
        found = None
        for client in self._clients:  # all of them: the time taken tells nothing
            if hmac.compare_digest(client.token.encode(), given):
                found = client
        return found


def presented_token(headers: Headers, query: str) -> str | None:
    """Return the token of `Authorization: Bearer TOKEN`, or of `?token=TOKEN` where a browser
    can set no header."""
    for value in headers.get_all("Authorization"):
        scheme, _, token = value.partition(" ")
        if scheme.lower() == "bearer":
            return token.strip()
    tokens = parse_qs(query).get("token")
    return tokens[0] if tokens else None
