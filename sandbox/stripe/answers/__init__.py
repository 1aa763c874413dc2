"""The API's endpoints: what is asked of a desk, and what it answers."""
