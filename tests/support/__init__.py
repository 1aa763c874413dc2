"""What tests stand on: databases, an SMTP server, a browser, real processes."""
