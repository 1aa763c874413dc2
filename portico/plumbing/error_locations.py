"""Locations of errors in background work, for logs and rows that must not hold an error's own text."""

from pathlib import Path


def location_of(error: Exception) -> str:
    """Returns the error's class, file and line, without its message, which may hold typed input."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    return f"{type(error).__name__} at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
