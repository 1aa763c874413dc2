"""Who runs Portico: practices, their staff, and how staff get in."""
