"""Invitations to many clients at once: the preview, and the progress of each run."""
