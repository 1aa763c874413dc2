"""Connecting a practice to its Stripe account."""
