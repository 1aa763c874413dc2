"""`portico seed`: practices, staff and clients from a file; safe to repeat."""
