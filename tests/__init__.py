"""The promises of Portico, one test each."""
