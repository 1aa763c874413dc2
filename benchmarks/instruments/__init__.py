"""Clocks, query plans, and a mail server that costs next to nothing."""
