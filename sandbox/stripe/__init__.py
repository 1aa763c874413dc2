"""A stand-in for Stripe in demo and tests, reached only through the real SDK: no real money anywhere."""
