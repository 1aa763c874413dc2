"""A mailbox for the demo and the tests: an SMTP server on loopback, and pages that show its emails."""
