"""Delivery reports: tagging mails, receiving reports about them, and applying these."""
