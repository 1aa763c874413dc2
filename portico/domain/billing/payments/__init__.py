"""Payments recorded by hand, credits and refunds."""
