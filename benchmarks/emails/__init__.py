"""Emails: how fast they are written, handed over and reported on."""
