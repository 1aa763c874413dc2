"""The promises about access to the portal."""
