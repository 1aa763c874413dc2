"""Clients and their invitations in a browser."""
