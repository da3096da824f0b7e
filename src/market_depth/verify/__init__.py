"""Recordings verified: whether the books that they make are the venue's, figure by figure."""

from market_depth.verify.findings import Check, Difference, Report
from market_depth.verify.suite import Suite

__all__ = ["Check", "Difference", "Report", "Suite"]
