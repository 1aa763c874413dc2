"""Support for tests: databases, an SMTP server, a browser, real processes."""
