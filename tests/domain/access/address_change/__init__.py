"""Tests of changes of the sign-in address by clients."""
