"""Encryption at rest, rate limits and card-number detection."""
