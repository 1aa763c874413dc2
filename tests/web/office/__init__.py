"""The promises of the office."""
