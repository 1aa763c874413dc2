"""Who may see what in the portal, and how they get in."""
