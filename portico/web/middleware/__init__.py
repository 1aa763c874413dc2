"""Middleware: request ids and log, security headers, request limits, hosts and addresses."""
