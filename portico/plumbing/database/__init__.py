"""Base models, database constraints, connections and transactions."""
