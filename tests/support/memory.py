"""Freezes what was loaded before the first test, so that the garbage collector does not examine it again and again."""

import gc

# While modules are imported and tests are collected there is little garbage; what they leave is frozen afterwards.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()
