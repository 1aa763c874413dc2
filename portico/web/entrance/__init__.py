"""Before we know who somebody is."""
