"""The promises of what happens without a person."""
