"""`python -m market_depth`."""

from market_depth.cli import main

__all__: list[str] = []

main()
