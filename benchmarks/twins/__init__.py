"""Portico's busiest pages written in plain Django, on Portico's own tables: what a page costs at least."""
