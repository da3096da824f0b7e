"""How properties are looked for: without regard to how fast the machine happens to be."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
