"""Stripe, by its own SDK. What comes out are values of ours; what goes wrong is one of `errors`.

A `line.Line` is one practice's key with one deadline; the other modules ask over it.
"""
