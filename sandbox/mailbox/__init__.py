"""A mailbox for demo and tests: a real SMTP server on this machine, and pages that show what it took."""
