"""The promises about clients."""
