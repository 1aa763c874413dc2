"""What the pages of the office ask for."""
