"""Invoices, payments, refunds and reports."""
