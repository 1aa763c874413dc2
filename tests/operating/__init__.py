"""The promises of the commands."""
