"""Bringing a client into the portal: the invitation, its texts and the guide."""
