"""A name server for the demo and for tests, which answers from records given in the code."""
