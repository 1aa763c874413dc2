"""A fake Stripe for the demo and the tests, reached through the real SDK. No real money is involved."""
