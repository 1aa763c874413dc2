"""Portico: the client portal and small back office of a private practice."""

__version__ = "0.1.0"
