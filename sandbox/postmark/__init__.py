"""A stand-in for Postmark's API: takes mails as the service does, and sends the events that follow to a webhook."""
