"""What was loaded before the first test stays to the end: the garbage collector need not look at it again and again."""

import gc

# While modules are loaded and tests are gathered there is nothing to collect but what is frozen right afterwards.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()
