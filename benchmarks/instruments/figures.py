"""Percentiles and their formatting."""

from collections.abc import Sequence


def percentile(values: Sequence[float], percent: float) -> float:
    """Returns the percentile of the values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def spread(seconds: Sequence[float]) -> str:
    """Formats p50 and p99 in milliseconds."""
    return f"{percentile(seconds, 50) * 1000:.1f} / {percentile(seconds, 99) * 1000:.1f} ms"
