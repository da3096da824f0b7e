"""A request for streams of several symbols, as one request for each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import structs

from market_depth.errors import ErrorCode, RequestError, quoted
from market_depth.protocol.requests import MAX_STREAM_ID_LENGTH, Mode, Subscribe

__all__ = ["stream_of_each"]

_ALL: Final = "*"


def stream_of_each(
    request: Subscribe, symbols: Sequence[str], known: Iterable[str]
) -> list[Subscribe]:
    """Return a request for each symbol, its stream called `<stream_id>:<symbol>`.

    Args:
        request: for several symbols.
        symbols: which; `["*"]` is all that are known.
        known: what the client may see.

    Raises:
        RequestError: 400 if it names none, or one beside "*", or a stream's name gets too long; 404
            if none is known.
    """
    stream_id = request.stream_id
    if not symbols:
        raise _refusal("symbols: expected at least one", stream_id)
    if _ALL in symbols:
        if len(symbols) > 1:
            raise _refusal('symbols: "*" is all there are, and stands alone', stream_id)
        symbols = list(known)
        if not symbols:
            problem = "symbols: there is none that this client may see"
            raise RequestError(ErrorCode.NOT_FOUND, problem, stream_id)
    longest = max(symbols, key=len)
    if len(stream_id) + 1 + len(longest) > MAX_STREAM_ID_LENGTH:
        problem = (
            f"stream_id: with :{quoted(longest)} it has more than {MAX_STREAM_ID_LENGTH} characters"
        )
        raise _refusal(problem, stream_id)
    return [
        structs.replace(
            request,
            stream_id=f"{stream_id}:{symbol}",
            symbol=symbol,
            symbols=None,
            mode=request.mode or Mode.SNAPSHOT,
        )
        for symbol in symbols
    ]


def _refusal(problem: str, stream_id: str) -> RequestError:
    return RequestError(ErrorCode.BAD_REQUEST, problem, stream_id)
