"""Tools of whoever works on Portico."""
