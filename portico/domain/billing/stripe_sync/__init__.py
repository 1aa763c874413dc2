"""Keeping the books in step with Stripe: events, reconciliation, refunds and disputes."""
