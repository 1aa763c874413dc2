"""The `Client Portal` tab of a client."""
