"""Pages of the client portal, for clients who are signed in."""
