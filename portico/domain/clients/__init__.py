"""Clients: their details, email addresses with consent, phone numbers and search."""
