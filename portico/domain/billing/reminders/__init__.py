"""Reminders of unpaid bills: which are due, who gets one, and the mail."""
