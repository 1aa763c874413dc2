"""Fakes of external services for the demo and the tests. Nothing else imports them."""
