"""Middleware, one job each."""
