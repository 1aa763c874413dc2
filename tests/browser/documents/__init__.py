"""Documents in a browser: from making and sharing them to the review."""
