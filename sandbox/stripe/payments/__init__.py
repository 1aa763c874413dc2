"""Payments at the sandbox: test cards, charges, Checkout Sessions, refunds and disputes."""
