"""Pages of the client’s documents: the list, consents, forms, and what was completed."""
