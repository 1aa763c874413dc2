"""The client list and the pages of one client."""
