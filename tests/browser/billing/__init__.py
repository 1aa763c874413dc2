"""Invoices and payments in a browser."""
