"""The HTTP layer: the server, requests, cookies and middleware."""
