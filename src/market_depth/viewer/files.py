"""The viewer's files, by the paths under which they are served.

All of them are read at once, from wherever the package lies: a folder, a wheel or another zip.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath
from typing import NamedTuple

__all__ = ["WebFile", "web_files"]

_PAGE = "/index.html"
_CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml; charset=utf-8",
}
"""By the end of a name; what ends otherwise is no file of the viewer."""

_MAY_LOAD = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self' ws: wss:",  # the viewer may be pointed at another server
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",  # a page around it could have clicks land on its controls
    )
)
_OF_A_PAGE = (
    ("Content-Security-Policy", _MAY_LOAD),
    ("Referrer-Policy", "no-referrer"),  # a token may be in the page's address
)


class WebFile(NamedTuple):
    """A file as it is served."""

    body: bytes
    content_type: str
    etag: str
    """A strong validator, in quotes: another whenever the body is another."""
    headers: tuple[tuple[str, str], ...] = ()
    """What a browser must know besides."""


def web_files(root: Traversable | None = None) -> dict[str, WebFile]:
    """Return the viewer's files by path; its page is at `/`.

    Args:
        root: the folder to take them from; `None` is the package's own.
    """
    root = root or files("market_depth.viewer") / "web"
    return {"/" if path == _PAGE else path: file for path, file in _files_in(root, "")}


def _files_in(folder: Traversable, path: str) -> Iterator[tuple[str, WebFile]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.startswith("."):
            continue
        here = f"{path}/{entry.name}"
        content_type = _CONTENT_TYPES.get(PurePosixPath(here).suffix)
        if entry.is_dir():
            yield from _files_in(entry, here)
        elif content_type is not None:
            yield here, _file(entry.read_bytes(), content_type)


def _file(body: bytes, content_type: str) -> WebFile:
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    is_page = content_type == _CONTENT_TYPES[".html"]
    return WebFile(body, content_type, etag, _OF_A_PAGE if is_page else ())
