"""Card payments through Stripe: starting them, polling until the outcome is known, and settling them."""
