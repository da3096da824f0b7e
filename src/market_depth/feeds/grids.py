"""The grid that an instrument's prices lie on, found in the prices themselves."""

from __future__ import annotations

from math import gcd
from typing import Final

__all__ = ["price_grid"]

_MIN_DECIMALS: Final = 2
_BELIEVED: Final = 100


def price_grid(step: int, decimals: int) -> tuple[int, int]:
    """Return the decimals and the tick (a count of the last decimal) of an instrument.

    Args:
        step: greatest common divisor of its prices, 0 if there are none.
        decimals: how many decimals *step* is told with.
    """
    needed = _MIN_DECIMALS
    while decimals > needed and step % 10 ** (decimals - needed):
        needed += 1
    # A few prices share more than the tick: of their step, what divides 100 is believed.
    units = step * 10 ** max(needed - decimals, 0) // 10 ** max(decimals - needed, 0)
    return needed, gcd(units, _BELIEVED) if step else 1
