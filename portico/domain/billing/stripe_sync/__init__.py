"""Keeping the books in sync with Stripe: webhook events, reconciliation, refunds and disputes."""
