"""Invoices: drafting, issuing, listing and sharing them."""
