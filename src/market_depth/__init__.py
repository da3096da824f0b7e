"""A market depth server: order flow in, order books inside, MBO and MBP depth out."""

from importlib.metadata import version

__all__ = ["__version__"]

__version__ = version("market-depth")
