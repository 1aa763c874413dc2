"""Stand-ins for the outside world in demo and tests. Nothing else imports them."""
