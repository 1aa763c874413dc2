"""Signing in to the portal: links, codes, PINs and sessions."""
