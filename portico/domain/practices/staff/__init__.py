"""Staff accounts: passwords, second factors, sessions and the team."""
