"""`portico demo`: the whole product on one machine, with sample data."""
