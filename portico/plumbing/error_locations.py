"""What is told of an error in background work: where it was, never its own text."""

from pathlib import Path


def place_of(mistake: Exception) -> str:
    """What went wrong and where; not the error's own text, which may hold what somebody typed."""
    trace = mistake.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(mistake).__name__
    return f"{type(mistake).__name__} at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
