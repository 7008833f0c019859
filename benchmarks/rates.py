"""How the benchmarks show what was measured several times."""

from __future__ import annotations

from statistics import median


def spread(values: list[float]) -> str:
    """Median, and in brackets the lowest and the highest."""
    digits = 0 if median(values) >= 100 else 1 if median(values) >= 10 else 2
    return f"{median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"
