"""Practices: their settings, their staff and sign-in of staff, and their connection to Stripe."""
