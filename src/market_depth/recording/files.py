"""Files that are written: made once, never over another, errors in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from market_depth.errors import FeedError

__all__ = ["create", "one_line_os_errors"]


def create(path: Path) -> BinaryIO:
    """Make a new file, to be written.

    Raises:
        FeedError: if it exists already, or can't be made.
    """
    try:
        return path.open("xb")
    except FileExistsError:
        raise FeedError(f"{path} exists already") from None
    except OSError as error:
        raise FeedError(f"can't write {path}: {error.strerror or error}") from None


@contextmanager
def one_line_os_errors(path: Path) -> Iterator[None]:
    """Turn an OSError into one line.

    Raises:
        FeedError: naming the file.
    """
    try:
        yield
    except OSError as error:
        raise FeedError(f"can't write {path}: {error.strerror or error}") from None
