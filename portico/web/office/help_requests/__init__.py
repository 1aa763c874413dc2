"""The office's list of help requests."""
