"""Stripe, by its own SDK: results are the dataclasses in `objects`, failures the exceptions in `errors`.

A `client.StripeClient` has one practice's key and one deadline; the other modules take it as their first argument.
"""
