"""Gateways: one module for each vendor or protocol that Portico talks to."""
