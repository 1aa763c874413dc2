"""A bounded cache of what pure functions return."""

from collections.abc import Callable
from functools import lru_cache
from typing import cast

# Of each function: about a megabyte of short texts.
MAX_RESULTS = 4096


def cached[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Keeps the results for the last arguments. It may depend on nothing else, such as the active language."""
    return cast(Callable[P, R], lru_cache(maxsize=MAX_RESULTS)(function))
