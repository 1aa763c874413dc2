"""The plumbing's promises."""
