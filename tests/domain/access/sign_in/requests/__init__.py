"""Tests of sign-in requests: asked at the entrance, answered by the worker."""
