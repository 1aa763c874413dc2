"""Paying by card through Stripe: starting, following until the outcome is known, and settling it by one path."""
