"""Payments recorded by hand, credits, refunds and receipts."""
