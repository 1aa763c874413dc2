"""The promises of the pages."""
