"""Scheduled tasks, the queues of the worker, and repairs after a restore or a wrong clock."""
