"""The promises of the rules."""
