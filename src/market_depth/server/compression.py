"""Which offers of permessage-deflate (RFC 7692) are agreed to."""

from __future__ import annotations

from collections.abc import Sequence

from websockets.exceptions import NegotiationError
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import (
    PerMessageDeflate,
    ServerPerMessageDeflateFactory,
)
from websockets.server import ServerProtocol
from websockets.typing import ExtensionParameter

__all__ = ["compression_extensions", "is_compressed"]

_WINDOW_BITS = 15


class _SharedDeflateFactory(ServerPerMessageDeflateFactory):
    """Agrees to what frames can keep that are compressed once for all clients."""

    def __init__(self) -> None:
        super().__init__(server_no_context_takeover=True, client_no_context_takeover=True)

    def process_request_params(
        self,
        params: Sequence[ExtensionParameter],
        accepted_extensions: Sequence[Extension],
    ) -> tuple[list[ExtensionParameter], PerMessageDeflate]:
        """Decline a window that is smaller than the one that frames are made with."""
        for name, value in params:
            if name == "server_max_window_bits" and value != str(_WINDOW_BITS):
                raise NegotiationError(f"unsupported server_max_window_bits = {value}")
        return super().process_request_params(params, accepted_extensions)


def compression_extensions() -> Sequence[ServerPerMessageDeflateFactory]:
    """Return what a connection's protocol is to negotiate."""
    return [_SharedDeflateFactory()]


def is_compressed(protocol: ServerProtocol) -> bool:
    """Whether a handshake has agreed to permessage-deflate."""
    return any(isinstance(one, PerMessageDeflate) for one in protocol.extensions)
