"""Sharing documents with clients and contacts: packets, their mails and reminders."""
