"""The work queue: rows claimed under a lease, and the worker loop."""
