"""The `Client Portal` tab of a client: access, invitation, PIN and sessions."""
