"""The rules: what may happen, without a request and without HTML."""
