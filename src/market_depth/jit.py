"""How kernels are compiled: one decorator, one cache that notices every change.

Numba's own cache looks at the file of the function that is called, not at the files of the
kernels which that one calls. The cache directory here is named after the text of all files in
rooms that have kernels, so a change in any of them compiles anew instead of running stale machine
code.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numba
import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = ["CACHE_DIR", "call_for", "inlined_kernel", "int64", "kernel", "kernels_are_cached"]

if TYPE_CHECKING:

    def int64(value: object) -> int:
        """Return a number as kernels count; to the outside it is an int like any other."""
        ...

else:
    int64 = np.int64

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "_nrt": False}
"""Kernels allocate nothing, so they do without Numba's reference counts (`_nrt`): counting the
arrays of a book's state in every small function took 200 ns of 260 ns an event."""

_njit: Any = numba.njit
_config: Any = numba.config
_codegen: Any = cgutils
_intrinsic: Callable[[Callable[..., Any]], Callable[..., None]] = intrinsic

_PACKAGE = Path(__file__).parent
_MARK = b"from market_depth.jit import"

Function = TypeVar("Function", bound=Callable[..., Any])


def _cache_home() -> Path:
    if given := os.environ.get("MARKET_DEPTH_CACHE"):
        return Path(given)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", str(Path.home()))) / "market-depth"
    return Path(os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))) / "market-depth"


def _fingerprint() -> str:
    digest = hashlib.sha256()
    texts = {path: path.read_bytes() for path in sorted(_PACKAGE.rglob("*.py"))}
    rooms = {path.parent for path, text in texts.items() if _MARK in text} | {_PACKAGE}
    for path, text in texts.items():
        if path.parent in rooms:  # constants of files without kernels are part of kernels, too
            digest.update(str(path).encode())
            digest.update(text)
    return digest.hexdigest()[:16]


CACHE_DIR = _cache_home() / f"kernels-{_fingerprint()}"
_config.CACHE_DIR = str(CACHE_DIR)


def inlined_kernel(function: Function) -> Function:
    """Like `kernel`, for small functions that are to become part of whoever calls them."""
    compiled: Function = _njit(forceinline=True, **_OPTIONS)(function)
    return compiled


def kernel(function: Function) -> Function:
    """Compile *function* to machine code on first use and keep the result on disk."""
    compiled: Function = _njit(**_OPTIONS)(function)
    return compiled


@_intrinsic
def call_for(_typing: Any, _address: Any) -> tuple[Any, Callable[..., Any]]:
    """Have what is at an address fetched from memory, without waiting for it.

    Of thousands of books, what an event touches is rarely in a processor's cache, and to wait for
    it takes longer than to apply the event.
    """

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        ir, number = _codegen.ir, _codegen.int32_t
        takes = ir.FunctionType(ir.VoidType(), [_codegen.voidptr_t, number, number, number])
        prefetch = _codegen.get_or_insert_function(builder.module, takes, "llvm.prefetch.p0")
        pointer = builder.inttoptr(arguments[0], _codegen.voidptr_t)
        read, keep, as_data = number(0), number(3), number(1)
        builder.call(prefetch, [pointer, read, keep, as_data])
        return context.get_dummy_value()

    return types.void(types.uint64), generate


def kernels_are_cached() -> bool:
    """Whether an earlier run has left compiled kernels of just this source."""
    return CACHE_DIR.is_dir() and any(CACHE_DIR.rglob("*.nbi"))
