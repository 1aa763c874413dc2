"""The list of clients and the pages of one client."""
