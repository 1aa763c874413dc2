"""Billing: invoices, payments, their allocation to invoices, credits and refunds."""
