"""The browser viewer: the files that a server gives to browsers, and how they are to be taken."""

from market_depth.viewer.files import WebFile, web_files

__all__ = ["WebFile", "web_files"]
