"""Requests for help: creating and closing them, the clients they match, and the notice to staff."""
