"""Signing in, as clients and staff do it in a browser, and what helps those who cannot."""
